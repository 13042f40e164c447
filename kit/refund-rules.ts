// The rules of refunds: what was not sold or not used goes back, once.
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Json } from '../client/reading.ts'
import type { RefusalCode } from '../protocol/index.ts'
import { amount, first, firstOf, order, orderFor, reaches, refundIs, sellsAndEnds } from './order.ts'
import type { Rule } from './rule.ts'

export const refundRules: readonly Rule[] = [
  {
    name: 'refusals-are-refunded',
    about: 'every final refusal, whatever its code, is refunded in full, once',
    async run(stage) {
      for (const code of finalCodes) {
        const key = stage.key(code)
        void stage.door.buy(key, orderFor(stage))
        const heard = await firstOf(stage, key)
        if (!heard) continue
        await stage.router.refuse(heard.purchase, code)
        await stage.router.sayAgain()
        const wrong = await refundIs(stage, amount, key)
        if (wrong !== undefined) return `${code}: ${wrong}`
      }
      return undefined
    },
  },
  {
    name: 'conflict-is-not-refunded',
    about: 'a conflict refunds nothing: another purchase stands under that id',
    async run(stage) {
      await order(stage)
      const heard = await first(stage)
      if (!heard) return undefined
      await stage.router.refuse(heard.purchase, 'conflict', false)
      await sleepFor(stage.quiet)
      return refundIs(stage, 0)
    },
  },
  {
    name: 'the-rest-is-refunded',
    about: 'what is unused at the end is refunded, in proportion to what was paid',
    run: (stage) => sellsAndEnds(stage, amount / 2, (heard) => stage.router.end([heard], { unusedShare: 0.5 })),
  },
  {
    name: 'refunds-once',
    about: 'an event that comes again (same router, epoch and seq) changes nothing',
    run: (stage) =>
      sellsAndEnds(
        stage,
        amount / 4,
        async (heard) => {
          await stage.router.end([heard], { unusedShare: 0.25 })
          for (let times = 0; times < 3; times++) await stage.router.sayAgain()
          await sleepFor(stage.quiet)
        },
        'at most',
      ),
  },
  {
    name: 'no-shows-are-refunded',
    about: 'a session that ends as abandoned is refunded in full',
    run: (stage) =>
      sellsAndEnds(stage, amount, (heard) => stage.router.end([heard], { reason: 'abandoned', unusedShare: 1 })),
  },
  {
    name: 'every-part-counts',
    about: 'a session that ends in parts is refunded part by part',
    async run(stage) {
      const { router } = stage
      const keys = [stage.key('one'), stage.key('two')]
      const purchases: Json[] = []
      for (const key of keys) {
        void stage.door.buy(key, orderFor(stage))
        const heard = await firstOf(stage, key)
        if (!heard) return undefined
        purchases.push(heard.purchase)
        await router.accept(heard.purchase)
        if ((await reaches(stage, 'accepted', key)) !== undefined) return undefined
      }
      for (const [index, purchase] of purchases.entries()) {
        await router.end([purchase], { unusedShare: 1, part: index + 1, parts: purchases.length })
      }
      for (const key of keys) {
        const wrong = await refundIs(stage, amount, key)
        if (wrong !== undefined) return `${key}: ${wrong}`
      }
      return undefined
    },
  },
]

const finalCodes: readonly RefusalCode[] = [
  'invalid-mac',
  'unknown-price',
  'unsupported-metric',
  'below-minimum',
  'allotment-overflow',
  'expired',
]
