// Where purchases are kept until they have their outcome: what the outbox asks of a folder, a database or a test's memory.
import type { EventOf, PurchaseInput, RouterId } from '../../protocol/index.ts'

export type Answer = EventOf<'purchase.accepted' | 'purchase.rejected'>

export interface Entry {
  purchaseId: string
  routerId: RouterId
  /** The very message that is published, again and again. */
  purchase: PurchaseInput
  /** When it was handed over, RFC 3339. */
  at: string
  /** The answer that settled it; absent while there is none. */
  answer?: Answer
}

export interface Store {
  /** All that have no answer yet. Called once, before anything else. */
  open(): Promise<readonly Entry[]>
  /** The entry that is kept under that id. */
  find(purchaseId: string): Promise<Entry | undefined>
  /** Resolves when it is durable, with what stands under that id: the new entry, or the one that was there before. */
  put(entry: Entry): Promise<Entry>
  /** Resolves when the answer is durable. */
  settle(purchaseId: string, answer: Answer): Promise<void>
  /** No answer is waited for any more. */
  forget(purchaseId: string): Promise<void>
  close(): Promise<void>
}

/** How long an answered purchase is kept: for as long as a router remembers its id. */
export const keptMilliseconds = 30 * 24 * 3_600_000
