// Waiting in real time for something to become true, or for work to be done, but never longer than a limit.
import { setTimeout as sleepFor } from 'node:timers/promises'

/** Resolves when the condition holds or the time is over. */
export async function waitFor(condition: () => boolean, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  while (!condition() && performance.now() < end) await sleepFor(20)
}

/** Resolves when the work is done, or the time is over. */
export async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const limit = new AbortController()
  const waited = sleepFor(milliseconds, undefined, { signal: limit.signal }).catch(() => {})
  await Promise.race([work, waited]).finally(() => limit.abort())
}
