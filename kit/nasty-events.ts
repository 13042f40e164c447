// The events of the nasty router, by the contract; each takes the purchase as it came.
import type { Json } from '../client/reading.ts'
import { type EventOf, Mac, type RefusalCode } from '../protocol/index.ts'

export interface EndOptions {
  reason?: 'allotment-used' | 'ended-by-command' | 'abandoned'
  unusedShare: number
  part?: number
  parts?: number
  /** It is in the journal, and the broker drops it. */
  isDropped?: boolean
}

export const price = { unit: 'sat', pricePerStep: 1, minSteps: 1 }
const stepSize = 1_000_000
const mac = Mac.parse('02:74:00:01:00:00')
const terminateCauses = {
  'allotment-used': { name: 'Session-Timeout', number: 5 },
  'ended-by-command': { name: 'Admin-Reset', number: 6 },
  abandoned: { name: 'Idle-Timeout', number: 4 },
}

type Draft<T extends 'purchase.accepted'> = Omit<
  EventOf<T>,
  'version' | 'routerId' | 'epoch' | 'at' | 'clockSynced' | 'seq'
>

export function acceptanceOf(purchase: Json, sessionId: string): Draft<'purchase.accepted'> {
  const { purchaseId, amount } = purchase as { purchaseId: string; amount: number }
  const allotment = amount * stepSize
  const paid = { amount, unit: price.unit, pricePerStep: 1, steps: amount, change: 0 }
  const counters = { downloaded: 0, uploaded: 0, openMilliseconds: 0, bytesPerSecond: 0 }
  const amounts = { allotment: { bytes: allotment }, used: { bytes: 0 }, remaining: { bytes: allotment } }
  return {
    ...{ type: 'purchase.accepted', purchaseId, sessionId, mac, metric: 'bytes', allotment, paid, final: true },
    session: { sessionId, mac, state: 'waiting', startedAt: null, ...amounts, ...counters, quality: 'measured' },
  }
}

export function refusalOf({ purchaseId, amount, unit }: Json, code: RefusalCode): object {
  const refusal = { type: 'purchase.rejected', purchaseId, code, message: `refused on purpose: ${code}` }
  return { ...refusal, paid: { amount, unit }, metric: 'bytes', stepSize, prices: [price] }
}

/** The end of a session, whole or one part of it; the totals stand in the last. */
export function endingOf(purchases: readonly Json[], sessionId: string, how: EndOptions): object {
  const { reason = 'ended-by-command', unusedShare, part, parts } = how
  const settled = purchases.map((purchase) => {
    const { purchaseId, metric, allotment, paid } = acceptanceOf(purchase, sessionId)
    const unused = Math.floor(allotment * unusedShare)
    return { purchaseId, metric, allotment, used: allotment - unused, unused, paid }
  })
  const used = settled.reduce((sum, one) => sum + one.used, 0)
  const totals = { used: { bytes: used }, downloaded: used, uploaded: 0, openMilliseconds: 1000, overshootBytes: 0 }
  return {
    ...{ type: 'session.ended', sessionId, mac, startedAt: null, reason, terminateCause: terminateCauses[reason] },
    ...{ purchases: settled, ...(parts !== undefined && { part, parts }), ...(part === parts && totals) },
  }
}
