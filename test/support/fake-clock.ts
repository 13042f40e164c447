// Virtual time: it stands still until the test moves it, and then wakes every sleeper in order.
import type { Clock } from '../../agent/time/clock.ts'
import { aWall } from './builders.ts'

export interface FakeClock extends Clock {
  bootId: string
  /** Moves both clocks on, waking whoever is due on the way, each at its own time and settled before the next. */
  advance(milliseconds: number): Promise<void>
  /** Only the wall clock jumps. */
  jumpWall(milliseconds: number): void
  setSynced(synced: boolean): void
  /** The process that slept is gone: nobody of it wakes up again. */
  kill(): void
  /** A new boot: the monotonic clock counts from 0 again; what slept is gone. */
  reboot(bootId: string): void
  /** How long everybody sleeps from now on; undefined when nobody does. */
  readonly nextWakeIn: number | undefined
}

interface Sleeper {
  at: number
  wake: () => void
}

export function fakeClock(startsAt = 0): FakeClock {
  let at = startsAt
  let wall = aWall
  let synced = true
  let sleepers: Sleeper[] = []

  async function advance(milliseconds: number): Promise<void> {
    const until = at + milliseconds
    await settled()
    for (let next = firstUntil(until); next; next = firstUntil(until)) {
      move(next.at)
      sleepers = sleepers.filter((sleeper) => sleeper !== next)
      next.wake()
      await settled()
    }
    move(until)
  }

  function move(to: number): void {
    wall += Math.max(0, to - at)
    at = Math.max(at, to)
  }

  function firstUntil(until: number): Sleeper | undefined {
    return sleepers.filter((sleeper) => sleeper.at <= until).sort((a, b) => a.at - b.at)[0]
  }

  return {
    bootId: 'boot-1',
    monotonic: () => at,
    wall: () => wall,
    synced: () => synced,
    sleep(milliseconds, signal) {
      if (milliseconds <= 0 || signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const abort = () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          resolve()
        }
        const wake = () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        }
        const sleeper: Sleeper = { at: at + milliseconds, wake }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
    advance,
    jumpWall: (milliseconds) => {
      wall += milliseconds
    },
    setSynced: (is) => {
      synced = is
    },
    kill: () => {
      sleepers = []
    },
    reboot(bootId) {
      sleepers = []
      at = 0
      this.bootId = bootId
    },
    get nextWakeIn() {
      return sleepers.length === 0 ? undefined : Math.min(...sleepers.map((sleeper) => sleeper.at)) - at
    },
  }
}

/** Resolves when everything that can go on without time passing has gone on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
