// The sample payment backend: sells on `router/<id>/purchase` and waits for the one outcome on `router/<id>/usage`.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { uuidv7 } from 'uuidv7'
import {
  defaultPrefix,
  type EventOf,
  type PurchaseInput,
  parseTopic,
  type RefusalCode,
  type RouterId,
  topicOf,
  UsageMessage,
} from '../protocol/index.ts'
import { createLink } from './link.ts'

/** What is bought; the backend gives it its id. */
export type Order = DistributiveOmit<PurchaseInput, 'purchaseId'>
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export type Outcome =
  | { outcome: 'accepted'; purchaseId: string; event: EventOf<'purchase.accepted'> }
  | { outcome: 'rejected'; purchaseId: string; event: EventOf<'purchase.rejected'> }
  | { outcome: 'no-outcome'; purchaseId: string; sent: number }

export interface BackendCounts {
  purchases: number
  accepted: number
  rejected: Partial<Record<RefusalCode, number>>
  withoutOutcome: number
  /** Bought, and nothing final known yet. */
  pending: number
  /** How often a purchase was published again for want of an outcome. */
  sentAgain: number
}

export interface Backend {
  open(): Promise<void>
  buy(routerId: RouterId, order: Order): Promise<Outcome>
  counts(): BackendCounts
  close(): Promise<void>
}

export interface BackendOptions {
  url: string
  prefix?: string
  clock?: { sleep(milliseconds: number, signal?: AbortSignal): Promise<void> }
  againAfterMilliseconds?: number
  /** How often the same purchase is published before the backend gives up. */
  tries?: number
}

export function createBackend(options: BackendOptions): Backend {
  const { url, prefix = defaultPrefix, clock = realTime, againAfterMilliseconds = 3000, tries = 5 } = options
  const waiting = new Map<string, (final: Outcome) => void>()
  const counts = { purchases: 0, accepted: 0, withoutOutcome: 0, sentAgain: 0 }
  const rejected: BackendCounts['rejected'] = {}
  const link = createLink({ url, name: 'backend', topics: [topicOf('+', 'usage', prefix)], onMessage: hear })

  async function buy(routerId: RouterId, order: Order): Promise<Outcome> {
    const purchaseId = uuidv7()
    counts.purchases++
    const settled = new AbortController()
    const final = new Promise<Outcome>((resolve) => waiting.set(keyOf(routerId, purchaseId), resolve))
    void final.then(() => settled.abort())
    const outcome = await Promise.race([final, insist(routerId, { ...order, purchaseId }, settled.signal)])
    waiting.delete(keyOf(routerId, purchaseId))
    settled.abort()
    count(outcome)
    return outcome
  }

  /** Publishes the very same message again and again: the router sells an id once, however often it comes. */
  async function insist(routerId: RouterId, purchase: PurchaseInput, settled: AbortSignal): Promise<Outcome> {
    let sent = 0
    for (let attempt = 0; attempt < tries && !settled.aborted; attempt++) {
      if (link.connected) {
        if (sent > 0) counts.sentAgain++
        sent++
        // A connection that breaks here is answered by the next attempt.
        void link.publish(topicOf(routerId, 'purchase', prefix), purchase).catch(() => {})
      }
      await clock.sleep(againAfterMilliseconds, settled)
    }
    return { outcome: 'no-outcome', purchaseId: purchase.purchaseId, sent }
  }

  function hear(topic: string, payload: Uint8Array): void {
    const event = parseEvent(payload)
    const routerId = parseTopic(topic, prefix)?.routerId
    if (routerId === undefined || event?.purchaseId === undefined || !isAnswer(event)) return
    const { purchaseId } = event
    const accepted = event.type === 'purchase.accepted'
    waiting.get(keyOf(routerId, purchaseId))?.(
      accepted ? { outcome: 'accepted', purchaseId, event } : { outcome: 'rejected', purchaseId, event },
    )
  }

  function count(outcome: Outcome): void {
    if (outcome.outcome === 'accepted') counts.accepted++
    else if (outcome.outcome === 'no-outcome') counts.withoutOutcome++
    else rejected[outcome.event.code] = (rejected[outcome.event.code] ?? 0) + 1
  }

  return {
    open: link.open,
    buy,
    counts: () => ({ ...counts, rejected: { ...rejected }, pending: waiting.size }),
    close: link.close,
  }
}

/** An outcome, or a refusal that the same purchase again would not change. */
function isAnswer(event: EventOf<'purchase.accepted' | 'purchase.rejected'>): boolean {
  return event.final || (event.type === 'purchase.rejected' && event.retry === false)
}

function keyOf(routerId: RouterId, purchaseId: string): string {
  return `${routerId} ${purchaseId}`
}

function parseEvent(payload: Uint8Array): EventOf<'purchase.accepted' | 'purchase.rejected'> | undefined {
  try {
    const parsed = UsageMessage.safeParse(JSON.parse(new TextDecoder().decode(payload)))
    if (parsed.data?.type === 'purchase.accepted' || parsed.data?.type === 'purchase.rejected') return parsed.data
  } catch {
    // What is no JSON is no outcome.
  }
  return undefined
}

const realTime: NonNullable<BackendOptions['clock']> = {
  sleep: (milliseconds, signal) => sleepFor(milliseconds, undefined, signal ? { signal } : {}).catch(() => {}),
}
