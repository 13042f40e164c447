// Proves that the journal's limits fit the file system that holds it, and that it says so when they had to be lowered.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { fitted, journalLimits, usualLimits, worstCaseOf } from '../../../agent/journal/limits.ts'

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

describe('fitted', () => {
  it.each([undefined, worstCaseOf(usualLimits, 50_000), 1e12])(
    'leaves the limits where %s bytes are room enough',
    (room) => {
      expect(fitted(usualLimits, 50_000, room)).toEqual({ limits: usualLimits })
    },
  )

  test.each([
    { room: 2 * mebibyte, most: 1 * mebibyte },
    { room: 512 * kibibyte, most: 256 * kibibyte },
  ])('keeps less than $most bytes of events where $room are all there is, and says so', ({ room, most }) => {
    const { limits, warning } = fitted(usualLimits, 4000, room)

    expect(limits.mostBytes).toBeLessThan(most)
    expect(worstCaseOf(limits, 4000)).toBeLessThanOrEqual(room)
    expect(warning).toContain(`has room for ${room / kibibyte} KiB`)
    expect(warning).toContain('AGENT_JOURNAL_MAX_BYTES')
  })

  it('never needs more than there is, down to a journal of 16 KiB', () => {
    const anyLimits = fc.record({
      mostBytes: fc.integer({ min: 256 * kibibyte, max: 64 * mebibyte }),
      mostDays: fc.integer({ min: 30, max: 365 }),
    })
    fc.assert(
      fc.property(
        anyLimits,
        fc.integer({ min: 200, max: 200_000 }),
        fc.integer({ min: 0, max: 256 * mebibyte }),
        (of, snapshot, room) => {
          const { limits } = fitted(journalLimits(of), snapshot, room)
          expect(limits.mostDays).toBe(of.mostDays)
          expect(limits.mostBytes).toBeLessThanOrEqual(of.mostBytes)
          if (limits.mostBytes > 16 * kibibyte) expect(worstCaseOf(limits, snapshot)).toBeLessThanOrEqual(room)
        },
      ),
    )
  })
})
