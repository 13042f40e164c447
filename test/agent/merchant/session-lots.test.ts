// Proves that a session takes as many purchases as its customer buys: used-up ones leave, and its totals go on with them.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { leavingOf } from '../../../agent/merchant/ending.ts'
import { purchaseSession } from '../../../agent/merchant/purchase-session.ts'
import {
  allotmentOf,
  type Lot,
  lotsToSettle,
  remainingOf,
  type Session,
  usedOf,
  withoutLots,
} from '../../../agent/merchant/session.ts'
import { viewOf } from '../../../agent/merchant/view.ts'
import { aBooks, aGrant, aLot, aNow, anOpenSession, aReading, aTariff } from '../../support/builders.ts'

const reachable = { portalUnreachable: false }

const used = (count: number, from = 0): Lot[] =>
  Array.from({ length: count }, (_, n) => aLot({ purchaseId: `used-${from + n}`, allotment: 10, used: 10 }))
const unused = (count: number): Lot[] =>
  Array.from({ length: count }, (_, n) => aLot({ purchaseId: `unused-${n}`, allotment: 10 }))

function sellTo(session: Session) {
  const { read, content } = aReading(aGrant('bytes', 10, { purchaseId: 'one-more' }))
  const sale = purchaseSession(aBooks({ sessions: [session] }), read, content, aTariff(), aNow(), () => 's9')
  return sale.is === 'repetition' ? undefined : sale.event
}

describe('one more purchase', () => {
  test.each([
    { that: 'holds 255 unused ones', lots: unused(255), type: 'purchase.accepted' },
    { that: 'holds 256 unused ones', lots: unused(256), type: 'purchase.rejected' },
    { that: 'holds 255 unused ones and used up many', lots: [...used(63), ...unused(255)], type: 'purchase.accepted' },
    { that: 'used up 300', lots: [...used(300), ...unused(1)], type: 'purchase.accepted' },
  ])('for a session that $that is answered by $type', ({ lots, type }) => {
    expect(sellTo(anOpenSession({ lots }))).toMatchObject({ type })
  })

  it('that is one too many may be tried again', () => {
    expect(sellTo(anOpenSession({ lots: unused(256) }))).toMatchObject({ code: 'too-many-purchases', final: false })
  })
})

describe('used-up purchases', () => {
  test.each([
    { lots: [...used(63), ...unused(3)], leave: 0 },
    { lots: [...used(64), ...unused(3)], leave: 32 },
    { lots: [...used(200), ...unused(3)], leave: 32 },
    { lots: used(64), leave: 32 },
  ])('leave, the oldest $leave of $lots.length', ({ lots, leave }) => {
    expect(lotsToSettle(lots)).toEqual(lots.slice(0, leave))
  })

  it('are told as they leave', () => {
    const session = anOpenSession({ lots: [...used(64), ...unused(1)] })
    const told = leavingOf(session, lotsToSettle(session.lots))

    expect(told).toMatchObject([{ type: 'session.settled', sessionId: 's1' }])
    expect(told[0]?.purchases).toHaveLength(32)
    expect(told[0]?.purchases[0]).toEqual({
      purchaseId: 'used-0',
      metric: 'bytes',
      allotment: 10,
      used: 10,
      unused: 0,
    })
  })

  it('that have left are still in what the session shows', () => {
    const session = anOpenSession({ lots: [...used(64), ...unused(2)] })
    const ids = new Set(lotsToSettle(session.lots).map(({ purchaseId }) => purchaseId))
    const after = withoutLots(session, ids)

    expect(after.lots).toHaveLength(34)
    expect(viewOf(after, aNow(), reachable)).toEqual(viewOf(session, aNow(), reachable))
  })

  it('change no total, in whatever order metrics were bought', () => {
    const aUsedLot = fc.record({
      metric: fc.constantFrom('bytes' as const, 'milliseconds' as const),
      allotment: fc.integer({ min: 1, max: 2 ** 40 }),
    })
    fc.assert(
      fc.property(fc.array(aUsedLot, { maxLength: 90 }), (parts) => {
        const lots = parts.map(({ metric, allotment }, n) =>
          aLot({ purchaseId: `p${n}`, metric, allotment, used: allotment }),
        )
        const session = anOpenSession({ lots: [...lots, aLot({ purchaseId: 'last' })] })
        const after = withoutLots(session, new Set(lotsToSettle(session.lots).map(({ purchaseId }) => purchaseId)))
        expect([allotmentOf(after), usedOf(after), remainingOf(after.lots)]).toEqual([
          allotmentOf(session),
          usedOf(session),
          remainingOf(session.lots),
        ])
      }),
    )
  })
})
