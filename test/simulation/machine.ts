// The router as a machine: its boots, and a wall clock that jumps.
import type { VirtualTime } from './virtual-time.ts'

export interface Machine {
  readonly bootId: string
  /** When this boot began, in virtual time. */
  readonly bootedAt: number
  readonly synced: boolean
  wall(): number
  /** The power went and is back: the wall clock shows what it was when it went, and is not believed. */
  boot(offMilliseconds: number): void
  /** Somebody or NTP sets the wall clock. */
  setWall(byMilliseconds: number, synced: boolean): void
}

const firstWall = Date.parse('2026-11-22T10:00:00.000Z')

export function createMachine(time: VirtualTime, startsSynced: boolean): Machine {
  let boots = 1
  let bootedAt = 0
  let ahead = firstWall
  let synced = startsSynced
  return {
    get bootId() {
      return `boot-${boots}`
    },
    get bootedAt() {
      return bootedAt
    },
    get synced() {
      return synced
    },
    wall: () => ahead + time.now,
    boot(offMilliseconds) {
      boots++
      bootedAt = time.now
      ahead -= offMilliseconds
      synced = false
    },
    setWall(byMilliseconds, isSynced) {
      ahead += byMilliseconds
      synced = isSynced
    },
  }
}
