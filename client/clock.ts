// The client's time: monotonic milliseconds and a sleep that can be cut short. Tests hand in their own.
import { setTimeout as sleepFor } from 'node:timers/promises'

export interface Clock {
  now(): number
  /** Resolves when the time is over or the signal aborts; never rejects. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const realTime: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleepFor(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}),
}

/** The pause after that many failures: doubled each time up to the longest, and never the same for two clients. */
export function backOff(failures: number, first: number, longest: number): number {
  const whole = Math.min(longest, first * 2 ** Math.min(failures, 30))
  return whole * (0.75 + Math.random() / 4)
}
