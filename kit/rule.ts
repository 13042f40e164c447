// A rule of the contract for a payment backend, and the stage on which it is tried.
import type { FrontDoor } from './front-door.ts'
import type { NastyRouter } from './nasty-router.ts'

export interface Stage {
  router: NastyRouter
  door: FrontDoor
  /** A key that no other rule uses. */
  key(suffix?: string): string
  /** Milliseconds for what must happen. */
  within: number
  /** Milliseconds for what must not happen. */
  quiet: number
  /** Milliseconds until an outcome that is late. */
  late: number
  /** Whether the broker holds a purchase of this router for clients that subscribe later. */
  isRetained(): Promise<boolean>
}

export interface Rule {
  name: string
  about: string
  /** The fault in words; undefined where nothing is. */
  run(stage: Stage): Promise<string | undefined>
}
