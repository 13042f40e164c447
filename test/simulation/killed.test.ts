// A purchase whose agent is killed at any of its calls is served once.
import { it } from 'vitest'
import { keepsEveryPromise } from './promises.ts'
import { killedAt } from './scenarios.ts'

const killPoints = 80

it.each(['before', 'during', 'after'] as const)(
  'a purchase is served once, its agent killed %s a call',
  async (phase) => {
    for (let call = 1; call <= killPoints; call++) await keepsEveryPromise(killedAt(call, phase))
  },
)
