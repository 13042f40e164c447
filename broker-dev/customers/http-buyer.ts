// How a customer of one router buys at the sample backend's front door: under one key, asked for again until it is settled.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import * as z from 'zod'
import { Amounts } from '../../protocol/index.ts'
import type { CrowdOptions } from './crowd.ts'

// An answer that cannot be read is no sale; the customer asks again.
const Accepted = z.object({
  outcome: z.literal('accepted'),
  event: z.object({ session: z.object({ remaining: Amounts }) }),
})

export function buyByHttp(backendUrl: string, routerId: string, pauseMilliseconds = 1000): CrowdOptions['buy'] {
  return async (mac, order) => {
    const key = uuidv7()
    let response = await fetch(new URL('/buy', backendUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ router: routerId, mac, ...order }),
    })
    while (response.status === 202) {
      await sleepFor(pauseMilliseconds)
      response = await fetch(new URL(`/orders/${key}`, backendUrl))
    }
    const accepted = Accepted.safeParse(await response.json())
    return accepted.success ? { accepted: true, remaining: accepted.data.event.session.remaining } : { accepted: false }
  }
}
