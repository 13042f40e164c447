// Gates that shut without an order of this agent: a customer can shut its own at the portal's page as often as it likes, and
// what it used since the last reading is then gone. A device that does so is read more often, and let in again later.
import type { Mac } from '../../protocol/index.ts'

export interface UnorderedShuts {
  count: number
  /** When the latest was seen, in milliseconds of this boot. */
  at: number
  /** How fast the device was, when it was last read. */
  bytesPerSecond: number
}

export type ShutsByDevice = ReadonlyMap<Mac, UnorderedShuts>

// A shut is forgotten after this long without another.
const forgottenAfter = 120_000
// How often a device is read after one, two, three and more of them.
const intervals = [Number.POSITIVE_INFINITY, 2000, 500, 250] as const
// From this many shuts on the device waits before it is let in again, twice as long each time.
const patientShuts = 3
const firstWait = 1000
const longestWait = 10_000

/** The device has been shut once more. */
export function withShut(shuts: ShutsByDevice, mac: Mac, at: number, bytesPerSecond: number): Map<Mac, UnorderedShuts> {
  const before = shuts.get(mac)
  const rate = Math.max(bytesPerSecond, before?.bytesPerSecond ?? 0)
  return new Map(shuts).set(mac, { count: countAt(before, at) + 1, at, bytesPerSecond: rate })
}

/** The longest time between two readings of that device. */
export function readingInterval(shuts: UnorderedShuts | undefined, at: number): number {
  return intervals[Math.min(countAt(shuts, at), intervals.length - 1)] ?? Number.POSITIVE_INFINITY
}

/** Milliseconds until the device may be let in again. */
export function openAgainIn(shuts: UnorderedShuts | undefined, at: number): number {
  const count = countAt(shuts, at)
  if (!shuts || count < patientShuts) return 0
  return Math.max(0, shuts.at + Math.min(firstWait * 2 ** (count - patientShuts), longestWait) - at)
}

function countAt(shuts: UnorderedShuts | undefined, at: number): number {
  return shuts ? Math.max(0, shuts.count - Math.floor((at - shuts.at) / forgottenAfter)) : 0
}
