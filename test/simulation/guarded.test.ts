// Routers whose kernel guards, drawn from fixed seeds, keep every promise and the last byte: six of them here, 300 in CI and
// thousands by `npm run simulate -- --guard`.
import { it } from 'vitest'
import { drawGuarded } from './draw-guarded.ts'
import { keepsEveryPromise } from './promises.ts'

it.each([1, 2, 3, 4, 5, 6])('a guarded router keeps every promise, with seed %i', (seed) =>
  keepsEveryPromise(drawGuarded(seed, 'dense')),
)
