// The lot that a message from a backend ought to buy, by the contract's own words: the observer's price list.
import type { Terms } from './ledger.ts'

export interface Offer extends Terms {
  purchaseId: string
}

const stepSize = 22_020_096

/** `undefined` for what cannot be attributed to any purchase. */
export function offerOf(message: Record<string, unknown> | string): Offer | undefined {
  if (typeof message === 'string' || typeof message.purchaseId !== 'string' || !('mac' in message)) return undefined
  const { purchaseId, amount, unit, metric, allotment } = message
  const startWithin = typeof message.startWithin === 'number' ? message.startWithin : undefined
  if (typeof amount === 'number') {
    const steps = Math.floor(amount)
    const sold = unit === 'sat' && steps >= 1 ? { metric: 'bytes' as const, allotment: steps * stepSize } : undefined
    return { purchaseId, startWithin, sold }
  }
  if (metric !== 'bytes' && metric !== 'milliseconds') return undefined
  const sold: Terms['sold'] = typeof allotment === 'number' && allotment > 0 ? { metric, allotment } : undefined
  return { purchaseId, startWithin, sold }
}
