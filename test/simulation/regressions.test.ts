// Every script that once broke a promise, played by the whole agent in virtual time.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'vitest'
import { keepsEveryPromise } from './promises.ts'
import type { Script } from './script.ts'

interface Regression {
  story: string
  /** Where the defect is that is not mended yet. */
  open?: string
  script: Script
}

describe('a script that once broke a promise', () => {
  const folder = new URL('regressions/', import.meta.url)
  for (const name of readdirSync(folder).sort()) {
    const { story, open, script }: Regression = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    const test = open === undefined ? it : it.fails
    test(story, () => keepsEveryPromise(script))
  }
})
