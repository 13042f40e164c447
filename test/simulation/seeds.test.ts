// Routers full of trouble, drawn from fixed seeds, keep every promise in virtual time: six of them here, hundreds in CI and thousands by
// `npm run simulate`.
import { expect, it } from 'vitest'
import { drawScript } from './draw-script.ts'
import { keepsEveryPromise } from './promises.ts'
import { simulate } from './simulate.ts'

it.each([1, 2, 3, 4, 5, 6])('a router full of trouble keeps every promise, with seed %i', (seed) =>
  keepsEveryPromise(drawScript(seed, 'dense')),
)

it('a script is played the same way every time', async () => {
  const script = drawScript(7, 'dense')
  expect(await simulate(script)).toEqual(await simulate(script))
})
