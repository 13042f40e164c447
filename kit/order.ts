// The life of one order as a rule plays it: bought at the backend, heard by the router, answered, ended, and what was refunded.
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Json } from '../client/reading.ts'
import { type OrderAnswer, refunded } from './front-door.ts'
import type { Heard } from './nasty-router.ts'
import type { Stage } from './rule.ts'
import { until } from './until.ts'

/** The price of each order. */
export const amount = 100

/** Buys and does not wait for the answer: a backend may let its caller wait for the outcome. */
export async function order(stage: Stage): Promise<void> {
  void stage.door.buy(stage.key(), orderFor(stage))
  await sleepFor(50)
}

export function orderFor({ router }: Stage): object {
  return { router: router.routerId, mac: '02:74:00:01:00:00', amount, unit: 'sat' }
}

export async function sellsAndEnds(
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

export async function hears({ router, within }: Stage, count: number): Promise<boolean> {
  return until(() => router.heard.length >= count, within)
}

export async function first(stage: Stage): Promise<Heard | undefined> {
  await hears(stage, 1)
  return stage.router.heard[0]
}

/** The first copy of the order after those of other keys. */
export async function firstOf(stage: Stage, _key: string): Promise<Heard | undefined> {
  const known = new Set(stage.router.heard.map(({ purchase }) => purchase.purchaseId))
  const find = () => stage.router.heard.find(({ purchase }) => !known.has(purchase.purchaseId))
  await until(() => find() !== undefined, stage.within)
  return find()
}

/** Accepts whatever id was heard last, as a router does, and waits for the backend to know it. */
export async function settled(stage: Stage, outcome: 'accepted'): Promise<string | undefined> {
  const ids = new Map(stage.router.heard.map(({ purchase }) => [purchase.purchaseId, purchase]))
  for (const purchase of ids.values()) await stage.router.accept(purchase)
  return reaches(stage, outcome)
}

export async function reaches(stage: Stage, outcome: string, key = stage.key()): Promise<string | undefined> {
  let answer: OrderAnswer = {}
  const isSo = await until(async () => {
    answer = await stage.door.order(key)
    return answer.outcome === outcome
  }, stage.within)
  return isSo ? undefined : `the order is ${answer.outcome ?? 'not known'} and not ${outcome}`
}

/** Within one unit of what is right: the backend rounds as it likes. */
export async function refundIs(stage: Stage, right: number, key = stage.key()): Promise<string | undefined> {
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
