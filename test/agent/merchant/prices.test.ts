// Proves that an amount buys what the price list says, to the last byte.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { calculateAllotment } from '../../../agent/merchant/prices.ts'
import { aPrice, aTariff } from '../../support/builders.ts'

describe('calculateAllotment', () => {
  test.each([
    { when: '31 sat at 22020096 bytes a sat', amount: 31, allotment: 682_622_976 },
    { when: 'one step', amount: 1, allotment: 22_020_096 },
    { when: 'what is left over is less than a step', amount: 1.999, allotment: 22_020_096 },
    { when: 'a step costs 3', amount: 10, price: { pricePerStep: 3 }, allotment: 3 * 22_020_096 },
    {
      when: 'decimals that floating point cannot hold',
      amount: 0.3,
      price: { pricePerStep: 0.1 },
      stepSize: 1,
      allotment: 3,
    },
    { when: '0.7 at 0.1', amount: 0.7, price: { pricePerStep: 0.1 }, stepSize: 1, allotment: 7 },
    { when: 'an amount in exponent form', amount: 1e-7, price: { pricePerStep: 1e-8 }, stepSize: 5, allotment: 50 },
    {
      when: 'a large amount in exponent form',
      amount: 1e21,
      price: { pricePerStep: 1e20 },
      stepSize: 1,
      allotment: 10,
    },
    { when: 'exactly the minimum', amount: 5, price: { minSteps: 5 }, stepSize: 1, allotment: 5 },
    { when: 'a minimum of 0 and one step', amount: 1, price: { minSteps: 0 }, stepSize: 7, allotment: 7 },
    { when: 'exactly 2^53-1', amount: 2 ** 53 - 1, stepSize: 1, allotment: Number.MAX_SAFE_INTEGER },
  ])('sells $allotment for $amount when $when', ({ amount, price, stepSize, allotment }) => {
    const tariff = aTariff({ prices: [aPrice(price)], ...(stepSize && { stepSize }) })

    expect(calculateAllotment({ amount, unit: 'sat' }, tariff)).toMatchObject({ allotment })
  })

  test.each([
    { when: 'less than a step', amount: 0.999_999, code: 'below-minimum' },
    { when: 'nothing', amount: 0, code: 'below-minimum' },
    { when: 'nothing at a minimum of 0', amount: 0, price: { minSteps: 0 }, code: 'below-minimum' },
    { when: 'a step below the minimum', amount: 4.999, price: { minSteps: 5 }, code: 'below-minimum' },
    { when: 'another unit', amount: 1, unit: 'eur', code: 'unknown-price' },
    { when: 'a unit in another case', amount: 1, unit: 'SAT', code: 'unknown-price' },
    { when: '2^53 bytes', amount: 2 ** 40, stepSize: 2 ** 13, code: 'allotment-overflow' },
    { when: 'the largest number there is', amount: Number.MAX_VALUE, code: 'allotment-overflow' },
  ])('refuses $when with $code', ({ amount, price, unit = 'sat', stepSize, code }) => {
    const tariff = aTariff({ prices: [aPrice(price)], ...(stepSize && { stepSize }) })

    expect(calculateAllotment({ amount, unit }, tariff)).toEqual({ code })
  })

  const mints = [
    aPrice({ source: 'mint-a', pricePerStep: 2 }),
    aPrice({ source: 'mint-b', pricePerStep: 4 }),
    aPrice({ unit: 'eur', pricePerStep: 0.01 }),
  ]
  const anySource = [...mints, aPrice({ pricePerStep: 1 })]

  test.each([
    { when: 'that source has a price', prices: anySource, source: 'mint-b', allotment: 2 },
    { when: 'the first source has a price', prices: anySource, source: 'mint-a', allotment: 4 },
    { when: 'a stranger pays the price without source', prices: anySource, source: 'mint-c', allotment: 8 },
    { when: 'no source is named', prices: anySource, source: undefined, allotment: 8 },
  ])('sells $allotment steps for 8 when $when', ({ prices, source, allotment }) => {
    expect(calculateAllotment({ amount: 8, unit: 'sat', source }, aTariff({ prices, stepSize: 1 }))).toMatchObject({
      allotment,
    })
  })

  test.each([{ source: 'mint-c' }, { source: undefined }])(
    'has no price for $source where all name one',
    ({ source }) => {
      const tariff = aTariff({ prices: mints })

      expect(calculateAllotment({ amount: 8, unit: 'sat', source }, tariff)).toEqual({ code: 'unknown-price' })
    },
  )

  test.each([
    { amount: 31, pricePerStep: 1, steps: 31, change: 0 },
    { amount: 1.999, pricePerStep: 1, steps: 1, change: 0.999 },
    { amount: 10, pricePerStep: 3, steps: 3, change: 1 },
    { amount: 0.35, pricePerStep: 0.1, steps: 3, change: 0.05 },
    { amount: 0.3, pricePerStep: 0.1, steps: 3, change: 0 },
    { amount: 1e-7, pricePerStep: 3e-8, steps: 3, change: 1e-8 },
  ])('gives $change back of $amount at $pricePerStep', ({ amount, pricePerStep, steps, change }) => {
    const priced = calculateAllotment({ amount, unit: 'sat' }, aTariff({ prices: [aPrice({ pricePerStep })] }))

    expect(priced).toMatchObject({ paid: { amount, unit: 'sat', pricePerStep, steps, change } })
  })

  test('amount = steps × pricePerStep + change, exactly, for every amount of 15 digits', () => {
    const decimals = fc.tuple(fc.integer({ min: 1, max: 999_999_999 }), fc.integer({ min: 0, max: 6 }))
    fc.assert(
      fc.property(decimals, decimals, ([a, da], [p, dp]) => {
        const [amount, pricePerStep] = [Number(`${a}e-${da}`), Number(`${p}e-${dp}`)]
        const priced = calculateAllotment(
          { amount, unit: 'sat' },
          aTariff({ prices: [aPrice({ pricePerStep })], stepSize: 1 }),
        )
        if (!('paid' in priced)) return
        const exact = (value: number) => BigInt(Math.round(value * 1e6))
        const { steps, change } = priced.paid
        expect(BigInt(steps) * exact(pricePerStep) + exact(change)).toBe(exact(amount))
      }),
    )
  })
})
