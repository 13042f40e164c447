// Proves what the options of the development programs take.
import { expect, test } from 'vitest'
import { wholeNumber } from '../../broker-dev/command-line.ts'

test.each(['1', '7', '250'])('%s is a whole number from 1 to 250', (text) => {
  expect(wholeNumber(1, 250)(text)).toBe(Number(text))
})

test.each(['0', '251', '-1', '1.5', 'abc', '', '1e1'])('%s is none, and the bounds are told', (text) => {
  expect(() => wholeNumber(1, 250)(text)).toThrow('Give a whole number from 1 to 250.')
})
