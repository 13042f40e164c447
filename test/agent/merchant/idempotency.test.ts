// Proves that one purchase id has one outcome: the same content is a repetition however it is spelt, any other a conflict.
import { describe, expect, it, test } from 'vitest'
import { purchaseSession } from '../../../agent/merchant/purchase-session.ts'
import { aBooks, aGrant, aMac, aNow, anOutcome, aPurchase, aReading, aTariff } from '../../support/builders.ts'

/** Sells `again` to a router that has given an answer to `first` before, as event 3. */
function sellAfter(first: unknown, again: unknown, now = aNow()) {
  const { content } = aReading(first)
  const books = aBooks({ purchases: new Map([['p1', anOutcome({ content, seq: 3 })]]) })
  const second = aReading(again)
  return purchaseSession(books, second.read, second.content, aTariff(), now, () => 's')
}

const noon = '2026-11-22T12:00:00.000Z'

describe('the same purchase id', () => {
  test.each([
    { when: 'every byte is the same', first: aPurchase(), again: aPurchase() },
    {
      when: 'the fields stand in another order',
      first: aPurchase(),
      again: { unit: 'sat', amount: 1, mac: aMac(), purchaseId: 'p1' },
    },
    { when: 'the MAC is in capitals', first: aPurchase(), again: aPurchase({ mac: '02:66:CA:FE:00:01' }) },
    { when: 'the MAC has hyphens', first: aPurchase({ mac: '02-66-CA-FE-00-01' }), again: aPurchase() },
    { when: 'the MAC has dots', first: aPurchase(), again: aPurchase({ mac: '0266.cafe.0001' }) },
    { when: 'the amount is written otherwise', first: aPurchase({ amount: 1e2 }), again: aPurchase({ amount: 100.0 }) },
    { when: 'an unknown field came along', first: aPurchase(), again: aPurchase({ colour: 'blue' }) },
    { when: 'an unknown field changed', first: aPurchase({ try: 1 }), again: aPurchase({ try: 2 }) },
    {
      when: 'notAfter is the same instant elsewhere',
      first: aPurchase({ notAfter: noon }),
      again: aPurchase({ notAfter: '2026-11-22T13:00:00+01:00' }),
    },
    {
      when: 'notAfter has no milliseconds',
      first: aPurchase({ notAfter: noon }),
      again: aPurchase({ notAfter: '2026-11-22T12:00:00Z' }),
    },
    { when: 'it was refused for its MAC', first: aPurchase({ mac: '02:66' }), again: aPurchase({ mac: '02:66' }) },
    { when: 'it was refused for its size', first: aGrant('bytes', 2 ** 60), again: aGrant('bytes', 2 ** 60) },
  ])('is a repetition when $when', ({ first, again }) => {
    expect(sellAfter(first, again)).toEqual({ is: 'repetition', ofSeq: 3 })
  })

  it('is a repetition also after its notAfter', () => {
    const late = aNow({ wall: Date.parse(noon) + 1 })

    expect(sellAfter(aPurchase({ notAfter: noon }), aPurchase({ notAfter: noon }), late)).toMatchObject({
      is: 'repetition',
    })
  })

  test.each([
    { when: 'the amount differs', first: aPurchase(), again: aPurchase({ amount: 2 }) },
    { when: 'the unit differs', first: aPurchase(), again: aPurchase({ unit: 'eur' }) },
    { when: 'the device differs', first: aPurchase(), again: aPurchase({ mac: aMac(2) }) },
    { when: 'the source differs', first: aPurchase(), again: aPurchase({ source: 'mint' }) },
    { when: 'the reference differs', first: aPurchase({ reference: 'a' }), again: aPurchase({ reference: 'b' }) },
    { when: 'the reference went', first: aPurchase({ reference: 'a' }), again: aPurchase() },
    {
      when: 'notAfter differs by a millisecond',
      first: aPurchase({ notAfter: noon }),
      again: aPurchase({ notAfter: '2026-11-22T12:00:00.001Z' }),
    },
    { when: 'notAfter went', first: aPurchase({ notAfter: noon }), again: aPurchase() },
    { when: 'a grant follows a payment', first: aPurchase(), again: aGrant('bytes', 22_020_096) },
    { when: 'the metric differs', first: aGrant('bytes', 5), again: aGrant('milliseconds', 5) },
    { when: 'a sound purchase follows one with a bad MAC', first: aPurchase({ mac: '02:66' }), again: aPurchase() },
  ])('is a conflict when $when', ({ first, again }) => {
    expect(sellAfter(first, again)).toMatchObject({
      is: 'answer',
      event: { code: 'conflict', final: false, retry: false, ofSeq: expect.any(Number) },
    })
  })

  it('of a message that cannot be read is no conflict: it is answered for what it is', () => {
    expect(sellAfter(aPurchase(), aPurchase({ amount: 'ten' }))).toMatchObject({ event: { code: 'invalid-message' } })
  })

  it('is a repetition when an unknown field of a refused grant changed', () => {
    const grant = aGrant('bytes', 2 ** 60)

    expect(sellAfter({ ...grant, try: 1 }, { ...grant, try: 2 })).toMatchObject({ is: 'repetition' })
  })

  it('is a repetition when the MAC of a refused grant is spelt otherwise', () => {
    const grant = aGrant('bytes', 5, { metric: 'hours' })

    expect(sellAfter(grant, { ...grant, mac: '02-66-CA-FE-00-01' })).toMatchObject({ is: 'repetition' })
  })

  it('is told from another in a message of many levels', () => {
    const deep = `{"purchaseId":"p1","mac":"x","deep":${'['.repeat(8000)}${']'.repeat(8000)}}`

    expect(() => aReading(new TextEncoder().encode(deep))).not.toThrow()
  })
})
