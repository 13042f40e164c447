// The sample payment backend, to be copied: sells under its caller's key, and refunds what is not used. Killed at any point, it
// goes on where it was: the client's outbox has the purchases, the ledger has the refunds and the place in the events.
import { setTimeout as sleepFor } from 'node:timers/promises'
import {
  connectFleet,
  type Fleet,
  type FleetOptions,
  type Item,
  type Order,
  type PurchaseResult,
  refundOf,
  roundMoney,
} from '../../client/index.ts'
import type { RefusalCode } from '../../protocol/index.ts'
import { openRefundLedger, type Refunded, type RefundLedger } from './refund-ledger.ts'

/** An order, as its caller may know it. */
export type OrderState = PurchaseResult & { refunds: readonly Refunded[] }

export interface BackendCounts {
  purchases: number
  accepted: number
  rejected: Partial<Record<RefusalCode, number>>
  /** Bought, and nothing final known yet. */
  pending: number
}

export interface Backend {
  open(): Promise<void>
  /** The same key with the same order is the same purchase, however often it comes. */
  buy(key: string, routerId: string, order: Order): Promise<OrderState>
  order(key: string): Promise<OrderState>
  counts(): BackendCounts
  close(): Promise<void>
}

export type BrokerAccess = Pick<FleetOptions, 'username' | 'passwordFile' | 'ca' | 'cert' | 'key'>

export interface BackendOptions {
  url: string
  /** Who it is to the broker, and whom it trusts. */
  access?: BrokerAccess
  /** Where the outbox and the ledger are. */
  folder: string
  /** How long a buyer waits for the outcome before it is told to ask later. */
  withinMilliseconds?: number
  /** Told of every outcome and refund, again and again until it answers with 2xx. */
  webhook?: string
}

// Refunds in an indivisible unit are rounded up, so that the backend keeps nothing back.
const places: Record<string, number> = { sat: 0 }

export function createBackend(options: BackendOptions): Backend {
  const { url, access = {}, folder, withinMilliseconds = 10_000, webhook } = options
  const counts = { purchases: 0, accepted: 0 }
  const rejected: BackendCounts['rejected'] = {}
  const counted = new Set<string>()
  const end = new AbortController()
  let fleet: Fleet | undefined
  let ledger: RefundLedger | undefined
  let reading: Promise<void> | undefined

  async function open(): Promise<void> {
    ledger = await openRefundLedger(folder)
    fleet = await connectFleet({ url, ...access, store: folder, within: 60_000 })
    await new Promise<void>((onListening, reject) => {
      reading = readEvents(onListening)
      reading.catch(reject)
    })
  }

  async function buy(key: string, routerId: string, order: Order): Promise<OrderState> {
    if (!counted.has(key)) counts.purchases++
    counted.add(key)
    const result = await opened().fleet.purchase(routerId, { ...order, purchaseId: key } as Order, {
      within: withinMilliseconds,
    })
    return { ...result, refunds: opened().ledger.refundsOf(key) }
  }

  async function order(key: string): Promise<OrderState> {
    return { ...(await opened().fleet.outcome(key)), refunds: opened().ledger.refundsOf(key) }
  }

  /** Takes every event once: its consequences are durable before the next one is taken. */
  async function readEvents(onListening: () => void): Promise<void> {
    const { fleet, ledger } = opened()
    for await (const { item, cursor } of fleet.events({ from: ledger.cursor, onListening })) {
      if (item.type === 'purchase.accepted') counts.accepted++
      if (item.type === 'purchase.rejected') rejected[item.code] = (rejected[item.code] ?? 0) + 1
      const refunds = refundsOf(item)
      if (refunds.length === 0 && !(webhook && isNews(item))) continue
      // The webhook is told before the cursor moves: after a crash in between it is told again.
      if (webhook) await ledger.enter(ledger.cursor, refunds)
      if (webhook) await tell(webhook, { event: item, refunds })
      await ledger.enter(cursor, refunds)
    }
  }

  async function tell(url: string, news: object): Promise<void> {
    for (let pause = 1000; !end.signal.aborted; pause = Math.min(60_000, pause * 2)) {
      const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(news) }
      const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
      if (answer?.ok) return
      await sleepFor(pause, undefined, { signal: end.signal }).catch(() => {})
    }
  }

  function opened(): { fleet: Fleet; ledger: RefundLedger } {
    if (!fleet || !ledger) throw new Error('the backend is not open')
    return { fleet, ledger }
  }

  return {
    open,
    buy,
    order,
    counts: () => ({ ...counts, rejected: { ...rejected }, pending: fleet?.pending().length ?? 0 }),
    async close() {
      end.abort()
      await fleet?.close()
      await reading?.catch(() => {})
      await ledger?.close()
    },
  }
}

function isNews({ type }: Item): boolean {
  return type === 'purchase.accepted' || type === 'purchase.rejected' || type === 'session.ended'
}

function refundsOf(item: Item): (Refunded & { purchaseId: string })[] {
  if (item.type !== 'session.ended' && item.type !== 'session.settled' && item.type !== 'purchase.rejected') return []
  return refundOf(item).flatMap(({ purchaseId, money, change, unused }) => {
    if (purchaseId === undefined) return []
    const because = `${item.epoch} ${item.seq}`
    // The change bought nothing, so it goes back as well; a refusal gives back all anyway.
    const amount =
      money && roundMoney(change ? sumOf(money, change) : money, { places: places[money.unit] ?? 2, rounding: 'up' })
    return [
      {
        purchaseId,
        because,
        ...(money && amount && { amount, unit: money.unit }),
        ...(unused !== undefined && { unused }),
      },
    ]
  })
}

type Money = NonNullable<ReturnType<typeof refundOf>[number]['money']>

function sumOf(one: Money, other: Money): Money {
  return {
    numerator: one.numerator * other.denominator + other.numerator * one.denominator,
    denominator: one.denominator * other.denominator,
    unit: one.unit,
  }
}
