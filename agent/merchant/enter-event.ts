// An event entered in the books: a sale, a start, a move, an end.
import type { Event, EventOf, Mac } from '../../protocol/index.ts'
import { settleActs } from './acts.ts'
import type { Books, Outcome, WritableBooks } from './books.ts'
import type { PurchaseNote } from './journal-record.ts'
import { addAllotment, type Lot, moved, type Session, withoutLots } from './session.ts'

/** Enters one event; `purchase`: the note beside an outcome. */
export function enterEvent(books: WritableBooks, event: Event, purchase?: PurchaseNote): void {
  switch (event.type) {
    case 'purchase.accepted': {
      if (!purchase || event.seq === undefined) throw new Error(`event ${event.seq} lacks the purchase behind it`)
      const lot: Lot = { purchaseId: event.purchaseId, metric: event.metric, allotment: event.allotment, used: 0 }
      if (event.reference !== undefined) lot.reference = event.reference
      if (event.paid !== undefined) lot.paid = event.paid
      const session = books.sessions.get(event.mac)
      if (session?.ending) settleActs(books, session.sessionId, { code: 'superseded' })
      books.sessions.set(event.mac, addAllotment(session, event.sessionId, event.mac, lot, purchase, books.uptime))
      const { sessionId, mac, metric, allotment } = event
      const answer = { sessionId, mac, metric, allotment }
      books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, answer))
      books.sold[event.metric] += BigInt(event.allotment)
      // The device that a session was moved away from has paid again: its gate is no longer to be shut.
      books.shutting.delete(event.mac)
      return
    }
    case 'purchase.rejected':
      if (purchase && event.purchaseId !== undefined && event.seq !== undefined) {
        const answer = { code: event.code }
        books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, answer))
      }
      return
    case 'session.started':
      changeSession(books, event.mac, (session) => ({ ...session, startedAt: event.session.startedAt }))
      return
    case 'session.paused':
    case 'session.resumed':
      changeSession(books, event.mac, (session) => ({ ...session, paused: event.type === 'session.paused' }))
      return
    case 'session.moved': {
      const session = books.sessions.get(event.from)
      if (!session) return
      books.sessions.delete(event.from)
      books.sessions.set(event.to, moved(session, event.to))
      books.shutting.add(event.from)
      return
    }
    case 'session.settled':
      settlePurchases(books, event.purchases)
      changeSession(books, event.mac, (session) =>
        withoutLots(session, new Set(event.purchases.map((one) => one.purchaseId))),
      )
      return
    case 'session.ended':
      if (event.reason === 'lost') {
        const told = new Set(event.purchases.map(({ purchaseId }) => purchaseId))
        books.lost = books.lost.filter(({ purchaseId }) => !told.has(purchaseId))
        return
      }
      settlePurchases(books, event.purchases)
      // A session that ends in parts, in one decision, is over with the last of them.
      if (event.part !== event.parts) return
      books.sessions.delete(event.mac)
      settleActs(books, event.sessionId, { seq: event.seq })
      return
    case 'gate.drift':
      if (event.kind === 'portal-unreachable') books.portalUnreachable = true
      if (event.kind === 'portal-back') books.portalUnreachable = false
      return
    case 'agent.started':
      books.lastAgent = { bootId: event.bootId, stopped: false }
      return
    case 'agent.stopped':
      books.lastAgent = { bootId: event.bootId, stopped: true }
  }
}

/** Puts another value in the place of that device's session, where it has one. */
export function changeSession(books: WritableBooks, mac: Mac, to: (session: Session) => Session): void {
  const session = books.sessions.get(mac)
  if (session) books.sessions.set(mac, to(session))
}

function settlePurchases(books: WritableBooks, purchases: EventOf<'session.ended'>['purchases']): void {
  for (const { metric, used, unused } of purchases) {
    books.settled[metric].used += BigInt(used)
    books.settled[metric].unused += BigInt(unused)
  }
}

/** The outcome of a purchase as its event says it. */
export function outcomeOf(
  { uptime }: Books,
  { seq = 0, epoch }: Event,
  { content }: PurchaseNote,
  answer: Outcome['answer'],
): Outcome {
  return { content, seq, epoch, uptime, answer }
}
