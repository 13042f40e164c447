// Proves that a refund is exactly what the unused rest cost.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { refundOf, roundMoney } from '../../client/refund.ts'
import { ended, rejected } from '../support/messages.ts'

const purchase = (unused: number, paid?: { amount: number; change: number }, allotment = 1000) => ({
  ...{ purchaseId: 'p1', metric: 'bytes' as const, allotment, used: allotment - unused, unused },
  ...(paid && { paid: { ...paid, unit: 'eur', pricePerStep: 0.05, steps: 1 } }),
})
const refundsOf = (...purchases: ReturnType<typeof purchase>[]) => refundOf(ended(1, { purchases }))

describe('the refund of a session that ended', () => {
  it('is the share of the money that bought the rest, and the change apart', () => {
    expect(refundsOf(purchase(250, { amount: 0.52, change: 0.02 }))).toEqual([
      {
        ...{ purchaseId: 'p1', unused: 250, allotment: 1000 },
        money: { numerator: 1n, denominator: 8n, unit: 'eur' },
        change: { numerator: 1n, denominator: 50n, unit: 'eur' },
      },
    ])
  })

  it('is none for what was used up', () => {
    expect(refundsOf(purchase(0, { amount: 1, change: 0 }))).toEqual([])
  })

  it('has the change of what was used up', () => {
    const [{ money, change } = {}] = refundsOf(purchase(0, { amount: 0.52, change: 0.02 }))
    expect([money?.numerator, change]).toEqual([0n, { numerator: 1n, denominator: 50n, unit: 'eur' }])
  })

  it('names no money where the backend priced it itself', () => {
    expect(refundsOf(purchase(10))).toEqual([{ purchaseId: 'p1', unused: 10, allotment: 1000 }])
  })

  it('of all parts and of used money adds up to what was paid, exactly', () => {
    const whole = fc.integer({ min: 1, max: 2 ** 40 })
    fc.assert(
      fc.property(
        whole,
        fc.integer({ min: 1, max: 10 ** 14 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (allotment, cents, share) => {
          const unused = Math.max(1, Math.floor(allotment * share))
          const paid = { amount: cents / 100, change: 0 }
          const [back] = refundsOf(purchase(unused, paid, allotment))
          const { numerator = 0n, denominator = 1n } = back?.money ?? {}
          expect(numerator * 100n * BigInt(allotment)).toBe(BigInt(cents) * BigInt(unused) * denominator)
        },
      ),
    )
  })
})

describe('the refund of a refusal', () => {
  it('is all that was paid', () => {
    expect(refundOf(rejected({ paid: { amount: 31, unit: 'sat' } }))).toEqual([
      { purchaseId: 'p1', money: { numerator: 31n, denominator: 1n, unit: 'sat' } },
    ])
  })

  it('is none while it is no outcome: the purchase may be served', () => {
    expect(
      refundOf(rejected({ final: false, retry: false, code: 'conflict', paid: { amount: 1, unit: 'sat' } })),
    ).toEqual([])
  })
})

test.each([
  { rounding: 'down' as const, places: 2, text: '0.12' },
  { rounding: 'up' as const, places: 2, text: '0.13' },
  { rounding: 'nearest' as const, places: 2, text: '0.13' },
  { rounding: 'down' as const, places: 0, text: '0' },
  { rounding: 'up' as const, places: 0, text: '1' },
])('an eighth, $rounding to $places places, is $text', ({ rounding, places, text }) => {
  expect(roundMoney({ numerator: 1n, denominator: 8n, unit: 'eur' }, { places, rounding })).toBe(text)
})

it('an amount as small as 1e-8 is read as it is written', () => {
  const [refund] = refundsOf({
    ...purchase(1000),
    paid: { amount: 1e-8, change: 0, unit: 'btc', pricePerStep: 1e-8, steps: 1 },
  } as never)
  expect(refund?.money).toEqual({ numerator: 1n, denominator: 100_000_000n, unit: 'btc' })
})
