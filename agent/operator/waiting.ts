// Waits of orders for what they ordered: every event and every look is shown to them until the time is over.
import type { Event } from '../../protocol/index.ts'
import type { Clock } from '../time/clock.ts'

export interface Waiting {
  /** Resolves with the first thing that `see` finds when something happens; with undefined when the time is over. */
  waitFor<T>(see: (event?: Event) => T | undefined): Promise<T | undefined>
  sawEvent(event: Event): void
  /** A look was taken, and settled. */
  sawLook(): void
  /** Resolves when a look was taken. */
  nextLook(): Promise<unknown>
}

export function createWaiting(clock: Pick<Clock, 'sleep'>, milliseconds: number): Waiting {
  const watchers = new Set<(event?: Event) => void>()

  async function waitFor<T>(see: (event?: Event) => T | undefined): Promise<T | undefined> {
    const over = new AbortController()
    let found: T | undefined
    const watcher = (event?: Event) => {
      found ??= see(event)
      if (found !== undefined) over.abort()
    }
    watchers.add(watcher)
    await clock.sleep(milliseconds, over.signal)
    watchers.delete(watcher)
    return found
  }

  const show = (event?: Event) => {
    for (const watcher of watchers) watcher(event)
  }

  return {
    waitFor,
    sawEvent: show,
    sawLook: () => show(),
    nextLook: () => waitFor((event) => (event === undefined ? true : undefined)),
  }
}
