// Orders to a session: each is on disk first; the reply comes when the portal shows it, or says why not.
import type { Event, Mac } from '../../protocol/index.ts'
import type { Journal } from '../journal/journal.ts'
import type { Act } from '../merchant/journal-record.ts'
import type { Session } from '../merchant/session.ts'
import {
  type Decided,
  findSession,
  moveSession,
  pauseSession,
  resumeSession,
  sessionById,
} from '../merchant/session-changes.ts'
import { viewOf } from '../merchant/view.ts'
import type { Recorder } from '../recorder.ts'
import { type Clock, nowOf } from '../time/clock.ts'
import { type Answer, refusal } from './answer.ts'
import type { Order } from './incoming.ts'
import { effectOf, endingOf, isUndone, unconfirmed } from './session-effects.ts'
import { createWaiting } from './waiting.ts'

/** Tells one order from another; stored with the act. */
export type OrderId = Pick<Act, 'transaction' | 'content'>

export interface SessionCommands {
  /** Stores the order and waits until the portal shows it. */
  carryOut(order: Order, id: OrderId): Promise<Answer>
  /** The present state of an order that was taken before. */
  again(order: Order, act: Act): Promise<Answer>
  sawEvent(event: Event): void
  /** A look was taken, and settled. */
  sawLook(): void
}

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  /** Asks for a look at that device now. */
  look: (mac: Mac) => void
}

type End = Extract<Order, { command: 'session.end' }>
type Change = Exclude<Order, End>

// How long a reply waits for the portal to show what was ordered.
const confirmedWithin = 15_000

export function createSessionCommands({ clock, journal, recorder, look }: Parts): SessionCommands {
  const { waitFor, nextLook, sawEvent, sawLook } = createWaiting(clock, confirmedWithin)

  async function end(order: End, id: OrderId): Promise<Answer> {
    const stored = await recorder.inTurn(async (turn) => {
      const session = findSession(journal.books, order)
      if ('code' in session) return session
      const { mac, sessionId } = session
      const act = { ...id, sessionId, isEnding: true, seqs: [], epoch: journal.books.epoch }
      await turn.append([], {
        records: [
          { type: 'ending', mac },
          { type: 'acted', act },
        ],
      })
      // Watch from within the turn that stores the order: only later purchases count as bought again.
      return { mac, ending: waitFor((event) => endingOf(sessionId, event)) }
    })
    if ('code' in stored) return stored
    look(stored.mac)
    const event = await stored.ending
    if (event?.type === 'session.ended') return { data: event }
    return event ? boughtAgain : unconfirmed(journal.books, order, stored.mac)
  }

  async function change(order: Change, id: OrderId): Promise<Answer> {
    // Look once before the move, so that usage up to now is charged to the old device.
    if (order.command === 'session.move') {
      const looked = nextLook()
      look(order.from)
      await looked
    }
    const stored = await recorder.inTurn(async (turn) => {
      const { books } = journal
      const session = findSession(books, order.command === 'session.move' ? { mac: order.from } : order)
      if ('code' in session) return session
      const decided = decide(order, session)
      if ('code' in decided) return decided
      const { sessionId } = session
      const seqs = decided.events.map((_, index) => books.lastSeq + 1 + index)
      const act = { ...id, sessionId, seqs, epoch: books.epoch }
      await turn.append(decided.events, { records: [{ type: 'acted', act }] })
      const mac = order.command === 'session.move' ? order.to : session.mac
      return { sessionId, mac, effect: waitFor(() => effectOf(journal.books, order, sessionId)) }
    })
    if ('code' in stored) return stored
    look(stored.mac)
    await stored.effect
    return stateAfter(order, stored.sessionId)
  }

  function decide(order: Change, session: Session): Decided {
    const now = nowOf(clock)
    if (order.command === 'session.pause') return pauseSession(journal.books, session, now)
    if (order.command === 'session.resume') return resumeSession(journal.books, session, now)
    return moveSession(journal.books, session, order.to, now)
  }

  function stateAfter(order: Order, sessionId: string): Answer {
    const { books } = journal
    const session = sessionById(books, sessionId)
    if (!session) return refusal('superseded', 'the session has ended in the meantime')
    if (isUndone(order, session)) {
      return refusal('superseded', 'another order has changed the session in the meantime')
    }
    if (effectOf(books, order, sessionId) !== 'shown') return unconfirmed(books, order, session.mac)
    return { data: viewOf(session, nowOf(clock), books) }
  }

  async function endedAgain(order: Order, { sessionId = '', seqs, epoch }: Act): Promise<Answer> {
    const { books } = journal
    const seq = seqs.at(-1)
    const session = sessionById(books, sessionId)
    if (seq === undefined && session) return unconfirmed(books, order, session.mac)
    if (seq === undefined || epoch !== books.epoch) return { data: { sessionId, ended: true } }
    const [event] = (await journal.read(seq, 1)).events
    return { data: event?.seq === seq ? event : { sessionId, ended: true, ofSeq: seq } }
  }

  return {
    carryOut: (order, id) => (order.command === 'session.end' ? end(order, id) : change(order, id)),
    async again(order, act) {
      if (act.code === 'superseded') return boughtAgain
      if (act.code) return refusal(act.code, refusedBefore)
      return order.command === 'session.end' ? endedAgain(order, act) : stateAfter(order, act.sessionId ?? '')
    },
    sawEvent,
    sawLook,
  }
}

const boughtAgain = refusal('superseded', 'the customer has bought again: the session goes on')
const refusedBefore = 'this transaction was refused before, and is not tried again: use a new one'
