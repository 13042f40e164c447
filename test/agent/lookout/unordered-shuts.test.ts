// Proves that a device whose gate shuts without an order is read more often, let in again later, and forgiven in time.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { openAgainIn, readingInterval, type ShutsByDevice, withShut } from '../../../agent/lookout/unordered-shuts.ts'
import { aMac } from '../../support/builders.ts'

const minute = 60_000

/** The device after shuts at these moments. */
function shutAt(...moments: number[]) {
  let shuts: ShutsByDevice = new Map()
  for (const at of moments) shuts = withShut(shuts, aMac(), at, 1000)
  return shuts.get(aMac())
}

const times = (count: number) => shutAt(...Array.from({ length: count }, () => 0))

describe('a device', () => {
  test.each([
    { shuts: 0, interval: Number.POSITIVE_INFINITY, wait: 0 },
    { shuts: 1, interval: 2000, wait: 0 },
    { shuts: 2, interval: 500, wait: 0 },
    { shuts: 3, interval: 250, wait: 1000 },
    { shuts: 4, interval: 250, wait: 2000 },
    { shuts: 6, interval: 250, wait: 8000 },
    { shuts: 9, interval: 250, wait: 10_000 },
    { shuts: 40, interval: 250, wait: 10_000 },
  ])('shut $shuts times is read every $interval ms and let in after $wait ms', ({ shuts, interval, wait }) => {
    expect([readingInterval(times(shuts), 0), openAgainIn(times(shuts), 0)]).toEqual([interval, wait])
  })

  it('is let in as soon as its time has passed', () => {
    expect([openAgainIn(times(4), 1999), openAgainIn(times(4), 2000)]).toEqual([1, 0])
  })

  it('is forgiven one shut for every two minutes without another', () => {
    const intervals = [0, 2, 4, 6].map((minutes) => readingInterval(times(3), minutes * minute))

    expect(intervals).toEqual([250, 500, 2000, Number.POSITIVE_INFINITY])
  })

  it('is not forgiven what it does again', () => {
    expect(readingInterval(shutAt(0, 2 * minute, 4 * minute), 4 * minute)).toBe(2000)
    expect(readingInterval(shutAt(0, minute, 2 * minute), 2 * minute)).toBe(250)
  })

  it('keeps the fastest rate at which it was seen', () => {
    const fast = withShut(new Map(), aMac(), 0, 9000)

    expect(withShut(fast, aMac(), 1, 0).get(aMac())).toMatchObject({ count: 2, at: 1, bytesPerSecond: 9000 })
  })

  it('does not answer for another one', () => {
    expect(withShut(new Map(), aMac(1), 0, 1).get(aMac(2))).toBeUndefined()
  })
})

it('waits for no longer than a minute and is read at most four times a second, however often it shuts its gate', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(minute), { maxLength: 200 }), fc.nat(10 * minute), (gaps, later) => {
      let at = 0
      const moments = gaps.map((gap) => {
        at += gap
        return at
      })
      const shuts = shutAt(...moments)
      expect(openAgainIn(shuts, at + later)).toBeLessThanOrEqual(minute)
      expect(readingInterval(shuts, at + later)).toBeGreaterThanOrEqual(250)
    }),
  )
})
