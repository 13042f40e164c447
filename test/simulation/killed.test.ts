// A purchase whose agent is killed at any of its calls is served once: every third call here, another third for each phase, every call
// by `npm run crash`.
import { it } from 'vitest'
import { everySo } from '../support/share.ts'
import { keepsEveryPromise } from './promises.ts'
import { killedAt } from './scenarios.ts'

const killPoints = 80

it.each([
  { phase: 'before', first: 1 },
  { phase: 'during', first: 2 },
  { phase: 'after', first: 3 },
] as const)('a purchase is served once, its agent killed $phase a call', async ({ phase, first }) => {
  const step = everySo(3)
  for (let call = Math.min(first, step); call <= killPoints; call += step)
    await keepsEveryPromise(killedAt(call, phase))
})
