// A sleeper: sleeps until it is time or somebody wakes it; a wake that comes while nobody sleeps is kept for the next sleep.
import type { Clock } from './clock.ts'

export interface Sleeper {
  wake(): void
  /** Resolves with whether it was woken. */
  sleep(milliseconds: number): Promise<boolean>
}

export function createSleeper(clock: Pick<Clock, 'sleep'>): Sleeper {
  let woken = new AbortController()
  return {
    // Without a reason each abort would make an exception, with its stack.
    wake: () => woken.abort('woken'),
    async sleep(milliseconds) {
      await clock.sleep(milliseconds, woken.signal)
      const isWoken = woken.signal.aborted
      if (isWoken) woken = new AbortController()
      return isWoken
    },
  }
}
