// Proves that the end of a session tells of every purchase once, in parts that a broker takes, with the totals in the last.
import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { endOf, leavingOf } from '../../../agent/merchant/ending.ts'
import { anyText } from '../../support/any-text.ts'
import { aLot, aMac, anOpenSession } from '../../support/builders.ts'

const lots = (count: number, parts = {}) =>
  Array.from({ length: count }, (_, n) => aLot({ purchaseId: `p${n}`, allotment: 10, used: n % 11, ...parts }))

it('is one event with its totals where the purchases fit', () => {
  const session = anOpenSession({ lots: lots(64), downloaded: 5, unreadBytes: 7 })

  expect(endOf(session, 'allotment-used')).toMatchObject([{ downloaded: 5, unreadBytes: 7, reason: 'allotment-used' }])
  expect(endOf(session, 'allotment-used')[0]).not.toHaveProperty('part')
})

it('comes in parts of 64 purchases, the totals in the last', () => {
  const session = anOpenSession({ lots: lots(150), overshootBytes: 3, passed: { bytes: 1000, milliseconds: 0 } })
  const parts = endOf(session, 'ended-by-command')

  expect(parts.map(({ part, parts, purchases }) => [part, parts, purchases.length])).toEqual([
    [1, 3, 64],
    [2, 3, 64],
    [3, 3, 22],
  ])
  expect(parts.slice(0, 2).every((part) => !('used' in part) && !('overshootBytes' in part))).toBe(true)
  const used = session.lots.reduce((sum, lot) => sum + lot.used, 0)
  expect(parts[2]).toMatchObject({ used: { bytes: used + 1000 }, overshootBytes: 3 })
})

it('tells of every purchase once, whatever was written into the references, and no part is larger than 32 KiB', () => {
  const references = fc.array(anyText({ maxLength: 256 }), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(references, (all) => {
      const session = anOpenSession({
        lots: all.map((reference, n) => aLot({ purchaseId: `${'p'.repeat(120)}${n}`, reference })),
      })
      const parts = endOf(session, 'abandoned')
      const told = parts.flatMap(({ purchases }) => purchases.map(({ purchaseId }) => purchaseId))
      expect(told).toEqual(session.lots.map(({ purchaseId }) => purchaseId))
      for (const part of parts) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThanOrEqual(32 * 1024)
    }),
    { numRuns: 60 },
  )
})

test.each([
  { of: 32, events: 1 },
  { of: 65, events: 2 },
])('the leaving of $of purchases is told in $events events', ({ of, events }) => {
  const told = leavingOf(anOpenSession(), lots(of, { used: 10 }))

  expect(told).toHaveLength(events)
  expect(told[0]).toMatchObject({ type: 'session.settled', sessionId: 's1', mac: aMac() })
  expect(told.flatMap(({ purchases }) => purchases)).toHaveLength(of)
})
