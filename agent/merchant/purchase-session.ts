// A purchase becomes an outcome: accepted into a session, or refused with a code.
import type {
  Paid,
  PaidInVain,
  PriceList,
  Purchase,
  parsePurchase,
  RefusalCode,
  Unreadable,
} from '../../protocol/index.ts'
import type { Now } from '../time/moment.ts'
import { longestIdle } from './abandoned.ts'
import type { Books } from './books.ts'
import { isPast } from './deadline.ts'
import { endOf } from './ending.ts'
import type { Draft, DraftOf } from './event-draft.ts'
import type { PurchaseNote } from './journal-record.ts'
import { type Allotment, calculateAllotment } from './prices.ts'
import { addAllotment, allotmentOf, type Lot, mostLiveLots } from './session.ts'
import { viewOf } from './view.ts'

/** The goods of a router and their prices. */
export interface Tariff extends PriceList {
  directGrants: boolean
}

export type Sale =
  /** The one outcome of this purchase id: to be journalled, with the session that ends to make room for it. */
  | { is: 'outcome'; event: Draft; purchase: PurchaseNote; ended?: readonly Draft[] }
  /** A purchase that was answered before, by the event of that number. */
  | { is: 'repetition'; ofSeq: number }
  /** An answer that is no outcome and is not journalled. */
  | { is: 'answer'; event: Draft }

/** Beyond these the router's memory is not safe; the same purchase may be tried again later. */
export const mostSessions = 4096

/** A purchase as it was read. `signedUntil`: when its signature runs out, where it needs one. */
export type ReadPurchase = ReturnType<typeof parsePurchase> & { signedUntil?: string }

/** Decides about one message from the purchase topic. `content` tells equal purchases from unequal ones. */
export function purchaseSession(
  books: Books,
  read: ReadPurchase,
  content: string,
  tariff: Tariff,
  now: Now,
  newSessionId: () => string,
): Sale {
  const purchase: KnownPurchase = 'purchase' in read ? read.purchase : read.unreadable
  const common = { content, arrived: { bootId: now.bootId, at: now.at, wall: now.wall } }
  const refuse = (code: RefusalCode, message: string, ofSeq?: number): Sale => {
    const event = { ...rejection(purchase, code, message), ...(ofSeq !== undefined && { ofSeq }) }
    return isOutcome(event) ? { is: 'outcome', event, purchase: common } : { is: 'answer', event }
  }
  if ('unreadable' in read && read.unreadable.code === 'invalid-message') {
    return refuse('invalid-message', read.unreadable.message)
  }

  const before = purchase.purchaseId === undefined ? undefined : books.purchases.get(purchase.purchaseId)
  if (before?.content === content) return { is: 'repetition', ofSeq: before.seq }
  if (before) {
    const why = `this purchaseId was used before, for another purchase (event ${before.seq}): give a new one`
    return refuse('conflict', why, before.seq)
  }
  if ('unreadable' in read) return refuse(read.unreadable.code, read.unreadable.message)

  const { mac, reference, notAfter, purchaseId, startWithin } = read.purchase
  if (notAfter !== undefined && isPast(notAfter, now, books)) {
    return refuse('expired', `it came after its notAfter, ${notAfter}: refund it, or send it under a new purchaseId`)
  }
  const { signedUntil } = read
  if (signedUntil !== undefined && isPast(signedUntil, now, books)) {
    return refuse('expired', `its signature ran out at ${signedUntil}: refund it, or sign it under a new purchaseId`)
  }
  const session = books.sessions.get(mac)
  const replaced = !session && books.sessions.size >= mostSessions ? longestIdle(books) : undefined
  if (!session && books.sessions.size >= mostSessions && !replaced) {
    return refuse('too-many-purchases', `this router holds ${mostSessions} sessions already; try again later`)
  }
  const live = session?.lots.filter((lot) => lot.used < lot.allotment).length ?? 0
  if (live >= mostLiveLots) {
    return refuse('too-many-purchases', `this session holds ${mostLiveLots} unused purchases already; try again later`)
  }
  const sold = price(read.purchase, tariff)
  if ('code' in sold) return refuse(sold.code, wordsFor(sold.code, read.purchase, tariff))
  const { metric, allotment, paid } = sold
  if (session && !Number.isSafeInteger(allotmentOf(session)[metric] + allotment)) {
    return refuse('allotment-overflow', wordsFor('allotment-overflow', read.purchase, tariff))
  }

  const lot: Lot = { purchaseId, metric, allotment, used: 0, ...(paid && { paid }) }
  const note = { ...common, ...(startWithin !== undefined && { startWithin }) }
  const extended = addAllotment(session, session?.sessionId ?? newSessionId(), mac, lot, note, books.uptime)
  const event: DraftOf<'purchase.accepted'> = {
    type: 'purchase.accepted',
    purchaseId,
    ...(reference !== undefined && { reference }),
    sessionId: extended.sessionId,
    mac,
    metric,
    allotment,
    final: true,
    ...(paid && { paid }),
    session: viewOf(extended, now, books),
    ...((notAfter ?? signedUntil) !== undefined && !now.clockSynced && { notAfterJudged: false as const }),
  }
  return { is: 'outcome', event, purchase: note, ...(replaced && { ended: endOf(replaced, 'abandoned') }) }
}

/** The known parts of a purchase, whether it could be read or not. */
export type KnownPurchase = Partial<Purchase> & Partial<Pick<Unreadable, 'sentId' | 'paid'>>

/** Refuses a purchase, also for a reason outside the books: a disk that refuses writes, books that do not add up. */
export function rejection(purchase: KnownPurchase, code: RefusalCode, message: string): DraftOf<'purchase.rejected'> {
  const { purchaseId, sentId, reference, mac } = purchase
  const paid = purchase.paid ?? paidIn(purchase)
  const final = purchaseId !== undefined && !tryAgain.has(code) && !unattributed.has(code)
  return {
    type: 'purchase.rejected',
    ...(purchaseId !== undefined && { purchaseId }),
    ...(sentId !== undefined && { sentId }),
    ...(reference !== undefined && { reference }),
    ...(mac !== undefined && { mac }),
    code,
    message,
    final,
    ...(!final && { retry: tryAgain.has(code) }),
    ...(paid && { paid }),
  }
}

function paidIn(purchase: Partial<Purchase>): PaidInVain | undefined {
  if (!('amount' in purchase) || purchase.amount === undefined || purchase.unit === undefined) return undefined
  const { amount, unit, source } = purchase
  return { amount, unit, ...(source !== undefined && { source }) }
}

const tryAgain: ReadonlySet<RefusalCode> = new Set(['storage-failure', 'too-many-purchases'])
// Junk must not wear the flash: what cannot be attributed is answered and not journalled.
const unattributed: ReadonlySet<RefusalCode> = new Set(['invalid-message', 'unauthorised', 'conflict'])

const isOutcome = ({ final }: DraftOf<'purchase.rejected'>): boolean => final

type Priced = Allotment | { code: 'unsupported-metric' }
type Sold = { metric: PriceList['metric']; allotment: number; paid?: Paid }

function price(purchase: Purchase, tariff: Tariff): Sold | RefusedPrice {
  if (!('amount' in purchase)) {
    if (!tariff.directGrants) return { code: 'unsupported-metric' }
    const { metric, allotment } = purchase
    return allotment < 1 ? { code: 'below-minimum' } : { metric, allotment }
  }
  if (purchase.metric !== undefined && purchase.metric !== tariff.metric) return { code: 'unsupported-metric' }
  const priced = calculateAllotment(purchase, tariff)
  return 'code' in priced ? priced : { metric: tariff.metric, ...priced }
}
type RefusedPrice = Extract<Priced, { code: string }>

function wordsFor(code: RefusedPrice['code'], purchase: Purchase, { metric, prices }: Tariff): string {
  const isPaid = 'amount' in purchase
  switch (code) {
    case 'unknown-price': {
      const units = [...new Set(prices.map(({ unit }) => unit))].join(', ')
      const source = isPaid && purchase.source !== undefined ? ` from ${purchase.source}` : ''
      return `this router has no price in ${isPaid ? purchase.unit : 'that unit'}${source}: it sells for ${units}`
    }
    case 'unsupported-metric':
      return isPaid
        ? `this router sells ${metric}, not ${purchase.metric}: give ${metric}, or leave metric out`
        : 'this router takes no direct grants: give amount and unit instead of metric and allotment'
    case 'below-minimum':
      return isPaid
        ? 'that buys less than the smallest amount sold here: pay more'
        : 'an allotment of 0 buys nothing: give 1 or more'
    case 'allotment-overflow':
      return 'that is more than this router can count: buy less at once'
  }
}
