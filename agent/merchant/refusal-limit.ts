// How many refusals may be journalled: a burst at first, then a few a minute. Junk must not wear the flash, nor push out what
// customers paid for.
export interface RefusalLimit {
  /** Whether a refusal may be journalled at that monotonic time; it counts as journalled then. */
  take(at: number): boolean
}

const burst = 1000

export function createRefusalLimit(perMinute: number): RefusalLimit {
  let left = burst
  let countedAt: number | undefined
  return {
    take(at) {
      left = Math.min(burst, left + (Math.max(0, at - (countedAt ?? at)) / 60_000) * perMinute)
      countedAt = at
      if (left < 1) return false
      left--
      return true
    },
  }
}
