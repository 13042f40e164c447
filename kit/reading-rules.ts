// The rules of reading: no event is missed, whatever stands between it and the one before.
import type { Json } from '../client/reading.ts'
import { amount, sellsAndEnds } from './order.ts'
import type { Rule } from './rule.ts'

export const readingRules: readonly Rule[] = [
  {
    name: 'fills-gaps',
    about: 'a jump in seq is a loss, and events.replay on query fills it',
    async run(stage) {
      const end = (heard: Json) => stage.router.end([heard], { unusedShare: 1, isDropped: true })
      const wrong = await sellsAndEnds(stage, amount, end)
      return wrong === undefined ? undefined : `${wrong}; events were asked for again ${stage.router.replays} times`
    },
  },
  {
    name: 'survives-another-epoch',
    about: 'seq counts anew in another epoch: its events are no repetitions',
    run: (stage) =>
      sellsAndEnds(stage, amount, async (heard) => {
        await stage.router.reboot()
        await stage.router.end([heard], { unusedShare: 1 })
      }),
  },
  {
    name: 'passes-over-the-unknown',
    about: 'an event of a type that nobody knows does not stop what comes after it',
    run: (stage) =>
      sellsAndEnds(stage, amount, async (heard) => {
        await stage.router.sayUnknown()
        await stage.router.end([heard], { unusedShare: 1 })
      }),
  },
]
