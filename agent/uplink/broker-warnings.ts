// Warnings about the broker: each is logged when it begins or changes, and stands in the status until it is over.

import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

export interface Warnings {
  readonly list: readonly string[]
  /** A text that stands already is not logged again; it stands longer. */
  raise(about: string, text: string): void
  clear(about: string): void
}

// Long enough for a person to read it in the status of a router that lost its broker in between.
const standsFor = 3_600_000

export function createWarnings(clock: Pick<Clock, 'monotonic'>, log: Log): Warnings {
  const standing = new Map<string, { text: string; until: number }>()

  function dropOld(): void {
    for (const [about, { until }] of standing) if (clock.monotonic() >= until) standing.delete(about)
  }

  return {
    get list() {
      dropOld()
      return [...standing.values()].map(({ text }) => text)
    },
    raise(about, text) {
      dropOld()
      if (standing.get(about)?.text !== text) log.warn({ warning: text }, 'a warning about the broker')
      standing.set(about, { text, until: clock.monotonic() + standsFor })
    },
    clear: (about) => standing.delete(about),
  }
}
