// Proves that every message from the purchase topic gets the one answer that the contract gives it.

import { describe, expect, it, test } from 'vitest'
import type { Books } from '../../../agent/merchant/books.ts'
import { withOffer } from '../../../agent/merchant/offer.ts'
import { purchaseSession, rejection, type Tariff } from '../../../agent/merchant/purchase-session.ts'
import type { Now } from '../../../agent/time/moment.ts'
import {
  aBooks,
  aGrant,
  aLot,
  aMac,
  aNow,
  anOutcome,
  aPrice,
  aPurchase,
  aReading,
  aSession,
  aTariff,
} from '../../support/builders.ts'

function sell(message: unknown, { books = aBooks(), tariff = aTariff(), now = aNow() }: Partial<Case> = {}) {
  const { read, content } = aReading(message)
  return purchaseSession(books, read, content, tariff, now, () => 'new-session')
}
interface Case {
  books: Books
  tariff: Tariff
  now: Now
}

describe('an accepted purchase', () => {
  it('is a lot of a session that waits', () => {
    expect(sell(aPurchase({ amount: 31, reference: 'invoice-7781' }))).toMatchObject({
      is: 'outcome',
      event: {
        type: 'purchase.accepted',
        purchaseId: 'p1',
        reference: 'invoice-7781',
        sessionId: 'new-session',
        mac: aMac(),
        metric: 'bytes',
        allotment: 682_622_976,
        final: true,
        session: { state: 'waiting', startedAt: null, remaining: { bytes: 682_622_976 }, used: { bytes: 0 } },
      },
    })
  })

  it('shows only the metrics that were sold', () => {
    const sale = sell(aGrant('milliseconds', 1000))

    expect(sale).toMatchObject({ event: { session: { allotment: { milliseconds: 1000 } } } })
    expect(sale).not.toHaveProperty('event.session.allotment.bytes')
  })

  it('extends the session of that device', () => {
    const books = aBooks({ sessions: [aSession({ sessionId: 's7', lots: [aLot({ purchaseId: 'p0', used: 900 })] })] })

    expect(sell(aGrant('bytes', 10), { books })).toMatchObject({
      event: {
        sessionId: 's7',
        session: { allotment: { bytes: 1010 }, used: { bytes: 900 }, remaining: { bytes: 110 } },
      },
    })
  })

  it('keeps a session open that was about to be ended', () => {
    const books = aBooks({ sessions: [aSession({ ending: 'ended-by-command' })] })

    expect(sell(aGrant('bytes', 10), { books })).toMatchObject({ event: { session: { state: 'waiting' } } })
  })

  it('in time says nothing of its deadline', () => {
    const now = aNow({ wall: Date.parse('2026-11-22T11:59:59.999Z') })

    expect(sell(aPurchase({ notAfter: '2026-11-22T12:00:00Z' }), { now })).not.toHaveProperty('event.notAfterJudged')
  })

  it('is taken after its time when the clock cannot be believed', () => {
    const now = aNow({ clockSynced: false, wall: Date.parse('2026-11-23T12:00:00Z') })

    expect(sell(aPurchase({ notAfter: '2026-11-22T12:00:00Z' }), { now })).toMatchObject({
      event: { type: 'purchase.accepted', notAfterJudged: false },
    })
  })

  it('is refused as expired by an unsynchronised clock when the journal knows a later time', () => {
    const late = aPurchase({ notAfter: '2026-11-22T12:00:00Z' })
    const books = aBooks({ syncedWall: Date.parse('2026-11-22T12:00:00Z') })

    expect(sell(late, { books, now: aNow({ wall: 0, clockSynced: false }) })).toMatchObject({
      event: { code: 'expired' },
    })
  })
})

const full = aBooks({
  sessions: Array.from({ length: 4096 }, (_, n) => aSession({ mac: aMac(n), sessionId: `s${n}` })),
  sold: { bytes: 4_096_000n, milliseconds: 0n },
})
const manyLots = Array.from({ length: 256 }, (_, n) => aLot({ purchaseId: `q${n}` }))

describe('when all places are taken', () => {
  const day = 86_400_000

  it('a sale ends the session that was not seen open for longest, if that is a day or more', () => {
    const sale = sell(aPurchase({ mac: '02:66:ca:ff:00:00' }), { books: { ...full, uptime: 2 * day } })

    expect(sale).toMatchObject({
      is: 'outcome',
      event: { type: 'purchase.accepted' },
      ended: [{ type: 'session.ended', reason: 'abandoned', sessionId: 's0' }],
    })
  })

  it('a top-up needs none', () => {
    const [mac] = [...full.sessions.keys()]

    expect(sell(aPurchase({ mac }), { books: full })).toMatchObject({ event: { type: 'purchase.accepted' } })
  })
})

describe('a sale as large as a number gets', () => {
  it.each([2n ** 53n - 1n, 2n ** 70n])('is possible whatever was sold before: %s bytes', (bytes) => {
    const books = aBooks({ sold: { bytes, milliseconds: 0n } })

    expect(sell(aGrant('bytes', Number.MAX_SAFE_INTEGER), { books })).toMatchObject({
      event: { type: 'purchase.accepted', allotment: Number.MAX_SAFE_INTEGER },
    })
  })
})

describe('a refused purchase', () => {
  const noon = '2026-11-22T12:00:00Z'
  test.each([
    { code: 'invalid-message', is: 'answer', final: false, message: '{"purchaseId"', case: {} },
    { code: 'invalid-message', is: 'answer', final: false, message: aPurchase({ amount: 'ten' }), case: {} },
    { code: 'invalid-mac', is: 'outcome', final: true, message: aPurchase({ mac: '02:66' }), case: {} },
    { code: 'unknown-price', is: 'outcome', final: true, message: aPurchase({ unit: 'eur' }), case: {} },
    {
      code: 'unsupported-metric',
      is: 'outcome',
      final: true,
      message: aGrant('bytes', 1, { metric: 'hours' }),
      case: {},
    },
    {
      code: 'unsupported-metric',
      is: 'outcome',
      final: true,
      message: aPurchase({ amount: 1, unit: 'sat', metric: 'milliseconds' }),
      case: {},
    },
    {
      code: 'unsupported-metric',
      is: 'outcome',
      final: true,
      message: aGrant('bytes', 10),
      case: { tariff: aTariff({ directGrants: false }) },
    },
    { code: 'below-minimum', is: 'outcome', final: true, message: aPurchase({ amount: 0.5 }), case: {} },
    { code: 'below-minimum', is: 'outcome', final: true, message: aGrant('bytes', 0), case: {} },
    { code: 'allotment-overflow', is: 'outcome', final: true, message: aGrant('bytes', 2 ** 53), case: {} },
    { code: 'allotment-overflow', is: 'outcome', final: true, message: aPurchase({ amount: 1e15 }), case: {} },
    {
      code: 'allotment-overflow',
      is: 'outcome',
      final: true,
      message: aGrant('bytes', 2),
      case: { books: aBooks({ sessions: [aSession({ lots: [aLot({ allotment: 2 ** 53 - 2 })] })] }) },
    },
    {
      code: 'expired',
      is: 'outcome',
      final: true,
      message: aPurchase({ notAfter: noon }),
      case: { now: aNow({ wall: Date.parse(noon) }) },
    },
    {
      code: 'conflict',
      is: 'answer',
      final: false,
      message: aPurchase(),
      case: { books: aBooks({ purchases: new Map([['p1', anOutcome({ content: 'other', seq: 3 })]]) }) },
    },
    {
      code: 'too-many-purchases',
      is: 'answer',
      final: false,
      message: aPurchase({ mac: '02:66:ca:ff:00:00' }),
      case: { books: full },
    },
    {
      code: 'too-many-purchases',
      is: 'answer',
      final: false,
      message: aPurchase(),
      case: { books: aBooks({ sessions: [aSession({ lots: manyLots })] }) },
    },
  ])('with $code is an $is, final: $final', ({ code, is, final, message, case: arranged }) => {
    const sale = sell(typeof message === 'string' ? new TextEncoder().encode(message) : message, arranged)

    expect(sale).toMatchObject({ is, event: { type: 'purchase.rejected', code, final } })
  })

  it('without a purchaseId is answered and not journalled', () => {
    expect(sell({ ...aPurchase({ mac: 'nobody' }), purchaseId: undefined })).toMatchObject({ is: 'answer' })
  })

  it('says what was paid, and whose it was', () => {
    const tariff = aTariff({ prices: [aPrice({ minSteps: 2 }), aPrice({ unit: 'eur', pricePerStep: 0.01 })] })

    expect(sell(aPurchase({ unit: 'btc', reference: 'r-1' }), { tariff })).toMatchObject({
      event: {
        purchaseId: 'p1',
        reference: 'r-1',
        mac: aMac(),
        paid: { amount: 1, unit: 'btc' },
      },
    })
  })

  it('is told with the prices in the unit that was paid, which are not stored', () => {
    const tariff = aTariff({ prices: [aPrice({ minSteps: 2 }), aPrice({ unit: 'eur', pricePerStep: 0.01 })] })
    const sale = sell(aPurchase({ amount: 1 }), { tariff })
    if (sale.is !== 'outcome') throw new Error('no outcome')

    expect(sale.event).not.toHaveProperty('prices')
    expect(withOffer(sale.event, tariff)).toMatchObject({
      code: 'below-minimum',
      metric: 'bytes',
      stepSize: 22_020_096,
      prices: [{ unit: 'sat', minSteps: 2 }],
    })
  })

  it('is not sold to a device with a session beyond the limit, but another device of a full router tops up', () => {
    expect(sell(aPurchase({ mac: aMac(7) }), { books: full })).toMatchObject({ event: { type: 'purchase.accepted' } })
  })

  it('by a disk that refuses may be tried again', () => {
    expect(rejection({ purchaseId: 'p1' }, 'storage-failure', 'full')).toMatchObject({ final: false, retry: true })
  })
})
