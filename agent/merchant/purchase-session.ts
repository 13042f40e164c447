// A purchase becomes an outcome: accepted into a session, or refused with a code.
import type { PriceList, Purchase, parsePurchase, RefusalCode } from '../../protocol/index.ts'
import type { Now } from '../moment.ts'
import { longestIdle } from './abandoned.ts'
import type { Books, PurchaseNote } from './books.ts'
import type { Draft, DraftOf } from './draft.ts'
import { endOf } from './ending.ts'
import { type Allotment, calculateAllotment } from './prices.ts'
import { addAllotment, allotmentOf, type Lot, mostLiveLots } from './session.ts'
import { viewOf } from './view.ts'

/** What a router sells. */
export interface Tariff extends PriceList {
  directGrants: boolean
}

export type Sale =
  /** The one outcome of this purchase id: to be journalled, with the session that ends to make room for it. */
  | { is: 'outcome'; event: Draft; purchase: PurchaseNote; ended?: readonly Draft[] }
  /** The same purchase once more: its first answer is the event of that number. */
  | { is: 'repetition'; ofSeq: number }
  /** An answer that is no outcome and is not journalled. */
  | { is: 'answer'; event: Draft }

/** Beyond these the router's memory is not safe; the same purchase may be tried again later. */
export const mostSessions = 4096

/** Decides about one message from the purchase topic. `content` tells equal purchases from unequal ones. */
export function purchaseSession(
  books: Books,
  read: ReturnType<typeof parsePurchase>,
  content: string,
  tariff: Tariff,
  now: Now,
  newSessionId: () => string,
): Sale {
  const purchase: Partial<Purchase> = 'purchase' in read ? read.purchase : read.unreadable
  const common = { content, arrived: { bootId: now.bootId, at: now.at, wall: now.wall } }
  const refuse = (code: RefusalCode, message: string): Sale => {
    const event = rejection(purchase, code, message, tariff)
    return isOutcome(event) ? { is: 'outcome', event, purchase: common } : { is: 'answer', event }
  }
  if ('unreadable' in read && read.unreadable.code === 'invalid-message') {
    return refuse('invalid-message', read.unreadable.message)
  }

  const before = purchase.purchaseId === undefined ? undefined : books.purchases.get(purchase.purchaseId)
  if (before?.content === content) return { is: 'repetition', ofSeq: before.seq }
  if (before) return refuse('conflict', `this purchaseId was used before, for another purchase (event ${before.seq})`)
  if ('unreadable' in read) return refuse(read.unreadable.code, read.unreadable.message)

  const { mac, reference, notAfter, purchaseId, startWithin } = read.purchase
  if (notAfter !== undefined && now.clockSynced && now.wall >= Date.parse(notAfter)) {
    return refuse('expired', `it was to be applied before ${notAfter}`)
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
  if ('code' in sold) return refuse(sold.code, refusals[sold.code])
  const { metric, allotment } = sold
  if (session && !Number.isSafeInteger(allotmentOf(session)[metric] + allotment)) {
    return refuse('allotment-overflow', refusals['allotment-overflow'])
  }

  const lot: Lot = { purchaseId, metric, allotment, used: 0 }
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
    session: viewOf(extended, now, !books.portalUnreachable),
    ...(notAfter !== undefined && !now.clockSynced && { notAfterJudged: false as const }),
  }
  return { is: 'outcome', event, purchase: note, ...(replaced && { ended: endOf(replaced, 'abandoned') }) }
}

/** Refuses a purchase for a reason outside the books: a disk that refuses writes, books that do not add up. */
export function rejection(
  purchase: Partial<Purchase>,
  code: RefusalCode,
  message: string,
  { metric, stepSize, prices }: Tariff,
): DraftOf<'purchase.rejected'> {
  const { purchaseId, reference, mac } = purchase
  return {
    type: 'purchase.rejected',
    ...(purchaseId !== undefined && { purchaseId }),
    ...(reference !== undefined && { reference }),
    ...(mac !== undefined && { mac }),
    code,
    message,
    final: !tryAgain.has(code),
    metric,
    stepSize,
    prices,
  }
}

const tryAgain: ReadonlySet<RefusalCode> = new Set(['storage-failure', 'too-many-purchases'])
// Junk must not wear the flash: what cannot be attributed is answered and not journalled.
const unattributed: ReadonlySet<RefusalCode> = new Set(['invalid-message', 'unauthorised', 'conflict'])

function isOutcome({ code, purchaseId }: DraftOf<'purchase.rejected'>): boolean {
  return purchaseId !== undefined && !tryAgain.has(code) && !unattributed.has(code)
}

type Priced = Allotment | { code: 'unsupported-metric' }

function price(purchase: Purchase, tariff: Tariff): { metric: PriceList['metric']; allotment: number } | RefusedPrice {
  if (!('amount' in purchase)) {
    if (!tariff.directGrants) return { code: 'unsupported-metric' }
    return purchase.allotment < 1 ? { code: 'below-minimum' } : purchase
  }
  if (purchase.metric !== undefined && purchase.metric !== tariff.metric) return { code: 'unsupported-metric' }
  const priced = calculateAllotment(purchase, tariff)
  return 'code' in priced ? priced : { metric: tariff.metric, ...priced }
}
type RefusedPrice = Extract<Priced, { code: string }>

const refusals: Record<RefusedPrice['code'], string> = {
  'unknown-price': 'this router has no price in that unit (from that source)',
  'unsupported-metric': 'this router does not sell that metric, or takes no direct grants',
  'below-minimum': 'that buys less than the smallest amount sold here',
  'allotment-overflow': 'that is more than one session can count, with what it holds already',
}
