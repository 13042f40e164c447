// A clock that runs faster than the machine's: an hour of a router's life in six minutes.
import { randomUUID } from 'node:crypto'
import { type Clock, longSleep } from '../agent/time/clock.ts'

/** Starts a boot of its own at the present wall-clock time and runs `speed` times as fast. */
export function scaledClock(speed: number): Clock {
  const startedAt = performance.now()
  const startedAtWall = Date.now()
  const elapsed = () => Math.floor((performance.now() - startedAt) * speed)
  return {
    bootId: randomUUID(),
    monotonic: elapsed,
    wall: () => startedAtWall + elapsed(),
    synced: () => true,
    sleep: (milliseconds, signal) => longSleep(milliseconds / speed, signal),
  }
}
