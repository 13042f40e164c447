// Routers whose kernel guards, drawn from fixed seeds, keep every promise and the last byte. `npm run simulate -- --guard` plays
// thousands.
import { it } from 'vitest'
import { drawGuarded } from './draw-guarded.ts'
import { keepsEveryPromise } from './promises.ts'

const seedsOfOneTest = 10

it.each([1, 11, 21])('a guarded router keeps every promise, for ten seeds from %i', async (first) => {
  for (let seed = first; seed < first + seedsOfOneTest; seed++) await keepsEveryPromise(drawGuarded(seed, 'dense'))
})
