// Routers full of trouble, drawn from fixed seeds, keep every promise in virtual time. `npm run simulate` plays thousands.
import { expect, it } from 'vitest'
import { drawScript } from './draw-script.ts'
import { keepsEveryPromise } from './promises.ts'
import { simulate } from './simulate.ts'

const seedsOfOneTest = 10

it.each([1, 11, 21])('a router full of trouble keeps every promise, for ten seeds from %i', async (first) => {
  for (let seed = first; seed < first + seedsOfOneTest; seed++) await keepsEveryPromise(drawScript(seed, 'dense'))
})

it('a script is played the same way every time', async () => {
  const script = drawScript(7, 'dense')
  expect(await simulate(script)).toEqual(await simulate(script))
})
