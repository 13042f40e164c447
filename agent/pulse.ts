// A pulse: sleeps until it is time or somebody pokes; a poke that comes while nobody sleeps is kept for the next sleep.
import type { Clock } from './clock.ts'

export interface Pulse {
  poke(): void
  wait(milliseconds: number): Promise<void>
}

export function createPulse(clock: Pick<Clock, 'sleep'>): Pulse {
  let poked = new AbortController()
  return {
    poke: () => poked.abort(),
    async wait(milliseconds) {
      await clock.sleep(milliseconds, poked.signal)
      if (poked.signal.aborted) poked = new AbortController()
    },
  }
}
