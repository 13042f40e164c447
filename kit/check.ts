// The contract kit: plays a nasty router against somebody's backend, every rule beside the others, and says which it breaks.
import { randomBytes } from 'node:crypto'
import { addressesOf, namesOf } from '../client/address.ts'
import { realTime } from '../client/clock.ts'
import { createLink, type Link } from '../client/link.ts'
import { type FleetOptions, prefixOf } from '../client/options.ts'
import { topicOf } from '../protocol/index.ts'
import { frontDoor } from './front-door.ts'
import { nastyRouter } from './nasty-router.ts'
import type { Rule, Stage } from './rule.ts'
import { rules } from './rules.ts'

export interface CheckOptions {
  fleet: FleetOptions
  /** Where `POST /buy` and `GET /orders/KEY` are. */
  backend: string
  within: number
  quiet: number
  late: number
}

export interface Verdict {
  rule: string
  about: string
  /** The fault in words; absent where the rule is kept. */
  wrong?: string
  milliseconds: number
}

/** Throws where the broker cannot be reached. */
export async function check({ fleet, backend, ...patience }: CheckOptions): Promise<Verdict[]> {
  const prefix = prefixOf(fleet)
  const newLink = () =>
    createLink({ addresses: addressesOf(fleet), name: namesOf(fleet), clock: realTime, warn: () => {} })
  const link = newLink()
  await link.open({})
  const run = randomBytes(3).toString('hex')
  try {
    return await Promise.all(rules.map((rule) => tryRule(rule)))
  } finally {
    await link.close()
  }

  async function tryRule(rule: Rule): Promise<Verdict> {
    const from = performance.now()
    const router = await nastyRouter(link, prefix, `${run}-${rule.name}`)
    const stage: Stage = {
      ...patience,
      router,
      door: frontDoor(backend),
      key: (suffix = 'order') => `check-${run}-${rule.name}-${suffix}`,
      isRetained: () => isRetained(newLink(), topicOf(router.routerId, 'purchase', prefix)),
    }
    const wrong = await rule.run(stage).catch((error: unknown) => `the kit failed: ${String(error)}`)
    const { name, about } = rule
    return {
      rule: name,
      about,
      ...(wrong !== undefined && { wrong }),
      milliseconds: Math.round(performance.now() - from),
    }
  }
}

/** A held message comes, marked, to a client that subscribes later. */
async function isRetained(link: Link, topic: string): Promise<boolean> {
  let isHeld = false
  await link.open({})
  await link.subscribe(topic, ({ retained }) => {
    isHeld ||= retained
  })
  await realTime.sleep(300)
  await link.close()
  return isHeld
}
