// How a customer of one router buys at the sample backend's front door.

import * as z from 'zod'
import { Amounts } from '../protocol/index.ts'
import type { CrowdOptions } from './crowd.ts'

// An answer that cannot be read is no sale; the customer asks again.
const Accepted = z.object({
  outcome: z.literal('accepted'),
  event: z.object({ session: z.object({ remaining: Amounts }) }),
})

export function buyByHttp(backendUrl: string, routerId: string): CrowdOptions['buy'] {
  return async (mac, order) => {
    const response = await fetch(new URL('/buy', backendUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ router: routerId, mac, ...order }),
    })
    const accepted = Accepted.safeParse(await response.json())
    return accepted.success ? { accepted: true, remaining: accepted.data.event.session.remaining } : { accepted: false }
  }
}
