// Proves that no parser falls for hostile input: a share of `npm run fuzz`, from a seed that every run draws anew.
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

test.each(targets)('$name keeps its promises', async (target) => {
  const seed = randomInt(2 ** 31)
  expect(await fuzz(target, seed, 100), `seed ${seed}`).toBeUndefined()
})
