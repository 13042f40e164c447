// Proves that money is added exactly.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plus } from '../../metrics/decimal.ts'

it('adds as on paper, where floating point would not', () => {
  expect(0.1 + 0.2).not.toBe(0.3)
  expect(plus(plus('0', 0.1), 0.2)).toBe('0.3')
  expect(plus('0.3', 1e-7)).toBe('0.3000001')
  expect(plus('1', 1e21)).toBe('1000000000000000000001')
  expect(plus('0.5', 0.5)).toBe('1')
})

it('of any cents is the sum of the cents', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10 ** 12 })), (cents) => {
      const sum = cents.reduce((text, cent) => plus(text, cent / 100), '0')
      const [whole = '', fraction = ''] = sum.split('.')
      expect(BigInt(whole + fraction.padEnd(2, '0'))).toBe(cents.reduce((all, cent) => all + BigInt(cent), 0n))
    }),
  )
})
