// A pulse: sleeps until it is time or somebody pokes; a poke that comes while nobody sleeps is kept for the next sleep.
import type { Clock } from './clock.ts'

export interface Pulse {
  poke(): void
  /** Whether it was poked. */
  wait(milliseconds: number): Promise<boolean>
}

export function createPulse(clock: Pick<Clock, 'sleep'>): Pulse {
  let poked = new AbortController()
  return {
    // Without a reason each one would make an exception, with its stack.
    poke: () => poked.abort('poked'),
    async wait(milliseconds) {
      await clock.sleep(milliseconds, poked.signal)
      const isPoked = poked.signal.aborted
      if (isPoked) poked = new AbortController()
      return isPoked
    },
  }
}
