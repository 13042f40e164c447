// Every parser there is, by where its input comes from.
import { atTheBackend } from './at-the-backend.ts'
import { atThePortal } from './at-the-portal.ts'
import { atTheRouter } from './at-the-router.ts'
import { onTheDisk } from './on-the-disk.ts'
import type { Target } from './target.ts'

export const targets: readonly Target[] = [...atTheRouter, ...atThePortal, ...onTheDisk, ...atTheBackend]
