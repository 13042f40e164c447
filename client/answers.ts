// The meaning of an event for a purchase: its outcome, that the same again changes nothing, or that it is to be sent again.
import type { EventOf, RefusalCode } from '../protocol/index.ts'
import type { Answer } from './stores/store.ts'

export type PurchaseResult =
  | { outcome: 'accepted'; purchaseId: string; event: EventOf<'purchase.accepted'> }
  | { outcome: 'refused'; purchaseId: string; code: RefusalCode; event: EventOf<'purchase.rejected'> }
  /** Nothing is known yet. It is sent on until there is an answer; the same again is safe. */
  | { outcome: 'unknown'; purchaseId: string }

/** Whether nothing more need be sent after this. */
export function isSettling(event: Answer): boolean {
  return event.final || (event.type === 'purchase.rejected' && event.retry === false)
}

export function resultOf(purchaseId: string, event: Answer | undefined): PurchaseResult {
  if (!event) return { outcome: 'unknown', purchaseId }
  if (event.type === 'purchase.accepted') return { outcome: 'accepted', purchaseId, event }
  return { outcome: 'refused', purchaseId, code: event.code, event }
}
