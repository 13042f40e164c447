// The rules of sending: a purchase is sent until it has its outcome, the same each time, and then no more.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { first, hears, order, reaches, settled } from './order.ts'
import type { Rule } from './rule.ts'

export const sendingRules: readonly Rule[] = [
  {
    name: 'sends-until-answered',
    about: 'a purchase that nobody answers is published again: a broker forgets',
    async run(stage) {
      const { router } = stage
      await order(stage)
      if (!(await hears(stage, 2))) return `it was published ${router.heard.length} times in ${stage.within} ms`
      return settled(stage, 'accepted')
    },
  },
  {
    name: 'sends-the-same',
    about: 'what is published again is the very same message',
    async run(stage) {
      const { router } = stage
      await order(stage)
      await hears(stage, 2)
      const different = new Set(router.heard.map(({ purchase }) => JSON.stringify(Object.entries(purchase).sort())))
      await settled(stage, 'accepted')
      return different.size > 1 ? `${different.size} different messages were published for one order` : undefined
    },
  },
  {
    name: 'one-key-one-purchase',
    about: 'who asks again with the same key means the same purchase',
    async run(stage) {
      await order(stage)
      await order(stage)
      await first(stage)
      await settled(stage, 'accepted')
      await order(stage)
      await sleepFor(stage.quiet)
      const ids = new Set(stage.router.heard.map(({ purchase }) => purchase.purchaseId))
      return ids.size > 1 ? `one key became ${ids.size} purchases` : undefined
    },
  },
  {
    name: 'not-retained-and-qos-1',
    about: 'purchases are published with QoS 1 and without retain',
    async run(stage) {
      await order(stage)
      const heard = await first(stage)
      if (!heard) return undefined
      await settled(stage, 'accepted')
      if (heard.qos < 1) return 'it was published with QoS 0: the broker may drop it without a word'
      return (await stage.isRetained()) ? 'it was retained: a router that comes later would refuse it' : undefined
    },
  },
  {
    name: 'retry-is-no-outcome',
    about: '"final": false with "retry": true is no outcome: the same is sent again',
    async run(stage) {
      const { router } = stage
      await order(stage)
      const heard = await first(stage)
      if (!heard) return undefined
      await router.refuse(heard.purchase, 'storage-failure', true)
      if (!(await hears(stage, router.heard.length + 1))) return 'it was not sent again'
      return settled(stage, 'accepted')
    },
  },
  {
    name: 'late-outcome',
    about: 'an outcome that comes late is the outcome',
    async run(stage) {
      await order(stage)
      const heard = await first(stage)
      if (!heard) return undefined
      await sleepFor(stage.late)
      return settled(stage, 'accepted')
    },
  },
  {
    name: 'repetition-is-an-outcome',
    about: 'a repeated answer ("duplicate", without "seq") is the outcome',
    async run(stage) {
      await order(stage)
      const heard = await first(stage)
      if (!heard) return undefined
      await stage.router.accept(heard.purchase, { repeated: true })
      return reaches(stage, 'accepted')
    },
  },
  {
    name: 'stops-when-settled',
    about: 'after its outcome a purchase is not sent again',
    async run(stage) {
      const { router } = stage
      await order(stage)
      await first(stage)
      if ((await settled(stage, 'accepted')) !== undefined) return undefined
      const before = router.heard.length
      await sleepFor(stage.quiet)
      return router.heard.length > before ? `it was sent ${router.heard.length - before} times more` : undefined
    },
  },
]
