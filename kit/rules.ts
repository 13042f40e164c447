// The rules of the contract for a payment backend, each tried on a router of its own.
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Json } from '../client/reading.ts'
import type { RefusalCode } from '../protocol/index.ts'
import { type FrontDoor, type OrderAnswer, refunded } from './front-door.ts'
import type { Heard, NastyRouter } from './nasty-router.ts'
import { until } from './until.ts'

export interface Stage {
  router: NastyRouter
  door: FrontDoor
  /** A key that no other rule uses. */
  key(suffix?: string): string
  /** Milliseconds for what must happen. */
  within: number
  /** Milliseconds for what must not happen. */
  quiet: number
  /** Milliseconds until an outcome that is late. */
  late: number
  /** Whether the broker holds a purchase of this router for clients that subscribe later. */
  isRetained(): Promise<boolean>
}

export interface Rule {
  name: string
  about: string
  /** The fault in words; undefined where nothing is. */
  run(stage: Stage): Promise<string | undefined>
}

const amount = 100

export const rules: readonly Rule[] = [
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

const finalCodes: readonly RefusalCode[] = [
  'invalid-mac',
  'unknown-price',
  'unsupported-metric',
  'below-minimum',
  'allotment-overflow',
  'expired',
]

/** Buys and does not wait for the answer: a backend may let its caller wait for the outcome. */
async function order(stage: Stage): Promise<void> {
  void stage.door.buy(stage.key(), orderFor(stage))
  await sleepFor(50)
}

function orderFor({ router }: Stage): object {
  return { router: router.routerId, mac: '02:74:00:01:00:00', amount, unit: 'sat' }
}

async function sellsAndEnds(
  stage: Stage,
  refund: number,
  end: (purchase: Json) => Promise<void>,
  bound: 'exactly' | 'at most' = 'exactly',
): Promise<string | undefined> {
  await order(stage)
  const heard = await first(stage)
  // Another rule tells of a fault this early.
  if (!heard || (await settled(stage, 'accepted')) !== undefined) return undefined
  await end(heard.purchase)
  return bound === 'exactly' ? refundIs(stage, refund) : refundIsAtMost(stage, refund)
}

async function hears({ router, within }: Stage, count: number): Promise<boolean> {
  return until(() => router.heard.length >= count, within)
}

async function first(stage: Stage): Promise<Heard | undefined> {
  await hears(stage, 1)
  return stage.router.heard[0]
}

/** The first copy of the order after those of other keys. */
async function firstOf(stage: Stage, _key: string): Promise<Heard | undefined> {
  const known = new Set(stage.router.heard.map(({ purchase }) => purchase.purchaseId))
  const find = () => stage.router.heard.find(({ purchase }) => !known.has(purchase.purchaseId))
  await until(() => find() !== undefined, stage.within)
  return find()
}

/** Accepts whatever id was heard last, as a router does, and waits for the backend to know it. */
async function settled(stage: Stage, outcome: 'accepted'): Promise<string | undefined> {
  const ids = new Map(stage.router.heard.map(({ purchase }) => [purchase.purchaseId, purchase]))
  for (const purchase of ids.values()) await stage.router.accept(purchase)
  return reaches(stage, outcome)
}

async function reaches(stage: Stage, outcome: string, key = stage.key()): Promise<string | undefined> {
  let answer: OrderAnswer = {}
  const isSo = await until(async () => {
    answer = await stage.door.order(key)
    return answer.outcome === outcome
  }, stage.within)
  return isSo ? undefined : `the order is ${answer.outcome ?? 'not known'} and not ${outcome}`
}

/** Within one unit of what is right: the backend rounds as it likes. */
async function refundIs(stage: Stage, right: number, key = stage.key()): Promise<string | undefined> {
  let sum = 0
  const isRight = await until(async () => {
    sum = refunded(await stage.door.order(key))
    return Math.abs(sum - right) < 1
  }, stage.within)
  return isRight ? undefined : `${sum} of ${amount} was refunded and not ${right}`
}

async function refundIsAtMost({ door, key }: Stage, right: number): Promise<string | undefined> {
  const sum = refunded(await door.order(key()))
  return sum < right + 1 ? undefined : `${sum} of ${amount} was refunded and not ${right}`
}
