// Moments: where a duration may start and end, and what to write beside them for people.

/** A moment in one boot, in milliseconds since that boot. */
export interface Moment {
  bootId: string
  at: number
}

/** The clock when a decision is taken: the moment to reckon with, the wall clock to label with. */
export interface Now extends Moment {
  wall: number
  clockSynced: boolean
}

/** Milliseconds from one moment to a later one; `undefined` across a reboot, when nobody can tell. */
export function since(earlier: Moment, later: Moment): number | undefined {
  return earlier.bootId === later.bootId ? Math.max(0, later.at - earlier.at) : undefined
}

/** A wall-clock time as the wire has it. */
export function timestamp(wall: number): string {
  return new Date(Math.min(Math.max(wall, 0), latestLabel)).toISOString()
}

/** The wall-clock time of a timestamp. */
export function wallOf(timestamp: string): number {
  return Date.parse(timestamp)
}

// Beyond the year 9999 RFC 3339 has no way to write a date.
const latestLabel = Date.UTC(9999, 11, 31)
