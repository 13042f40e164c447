// Orders: what an operator does to a session is on disk first; the reply comes when the portal shows it, or says why not.
import type { Command, Event, Mac } from '../../protocol/index.ts'
import type { Journal } from '../journal/journal.ts'
import type { Act } from '../merchant/books.ts'
import { type Decided, findSession, moveSession, pauseSession, resumeSession } from '../merchant/session-changes.ts'
import { viewOf } from '../merchant/view.ts'
import type { Recorder } from '../recorder.ts'
import { type Clock, nowOf } from '../time/clock.ts'
import { Refused } from './refused.ts'

export type Order = Extract<Command, { command: 'session.end' | 'session.pause' | 'session.resume' | 'session.move' }>

/** What tells one order from another: it is stored with what the order does. */
export type OrderId = Pick<Act, 'transaction' | 'content'>

export interface Orders {
  /** Resolves with what to reply; throws {@link Refused}. */
  carryOut(order: Order, id: OrderId): Promise<unknown>
  /** What is true now of an order that was taken before; throws {@link Refused}. */
  again(order: Order, act: Act): Promise<unknown>
  /** Lets an order that waits see what happened, or that a look was taken. */
  happened(event?: Event): void
}

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  /** Asks for a look at that device now. */
  look: (mac: Mac) => void
}

// How long a reply waits for the portal to show what was ordered.
const confirmedWithin = 15_000

export function createOrders({ clock, journal, recorder, look }: Parts): Orders {
  const watchers = new Set<(event?: Event) => void>()

  /** Resolves with what `see` finds, now or when something happens; with undefined when the time is over. */
  async function seen<T>(see: (event?: Event) => T | undefined): Promise<T | undefined> {
    const over = new AbortController()
    let found: T | undefined
    const watcher = (event?: Event) => {
      found ??= see(event)
      if (found !== undefined) over.abort()
    }
    watchers.add(watcher)
    await clock.sleep(confirmedWithin, over.signal)
    watchers.delete(watcher)
    return found
  }

  async function end(order: Extract<Order, { command: 'session.end' }>, id: OrderId): Promise<unknown> {
    // From the same turn on: a purchase stored before the order does not keep the session going.
    const { mac, story } = await recorder.inTurn(async () => {
      const { mac, sessionId } = findSession(journal.books, order)
      const act = { ...id, sessionId, isEnding: true, seqs: [], epoch: journal.books.epoch }
      await recorder.append([], {
        records: [
          { type: 'ending', mac },
          { type: 'acted', act },
        ],
      })
      return { mac, story: seen((event) => endingOf(sessionId, event)) }
    })
    look(mac)
    const event = await story
    if (event?.type === 'session.ended') return event
    if (event) throw boughtAgain()
    throw unconfirmed(reasonOf(order, mac))
  }

  async function change(order: Exclude<Order, { command: 'session.end' }>, id: OrderId): Promise<unknown> {
    // What was used so far is charged to the device that used it.
    if (order.command === 'session.move') {
      const looked = seen((event) => (event === undefined ? true : undefined))
      look(order.from)
      await looked
    }
    const { sessionId, mac, shown } = await recorder.inTurn(async () => {
      const { books } = journal
      const session = findSession(books, order.command === 'session.move' ? { mac: order.from } : order)
      const decided = decide(order, session)
      if ('code' in decided) throw new Refused(decided.code, decided.message)
      const { sessionId } = session
      const seqs = decided.events.map((_, index) => books.lastSeq + 1 + index)
      const act = { ...id, sessionId, seqs, epoch: books.epoch }
      await recorder.append(decided.events, { records: [{ type: 'acted', act }] })
      const mac = order.command === 'session.move' ? order.to : session.mac
      return { sessionId, mac, shown: seen(() => isShown(order, sessionId)) }
    })
    look(mac)
    await shown
    return stateAfter(order, sessionId)
  }

  function stateAfter(order: Order, sessionId: string): unknown {
    const now = sessionOf(sessionId)
    if (!now) throw new Refused('superseded', 'the session has ended in the meantime')
    if (isUndone(order, now)) throw new Refused('superseded', 'another order has changed the session in the meantime')
    if (isShown(order, sessionId) !== 'shown') throw unconfirmed(reasonOf(order, now.mac))
    return viewOf(now, nowOf(clock), !journal.books.portalUnreachable)
  }

  function sessionOf(sessionId: string) {
    return [...journal.books.sessions.values()].find((session) => session.sessionId === sessionId)
  }

  function decide(order: Exclude<Order, { command: 'session.end' }>, session: ReturnType<typeof findSession>): Decided {
    const now = nowOf(clock)
    if (order.command === 'session.pause') return pauseSession(journal.books, session, now)
    if (order.command === 'session.resume') return resumeSession(journal.books, session, now)
    return moveSession(journal.books, session, order.to, now)
  }

  function isShown(order: Order, sessionId: string): 'shown' | 'over' | undefined {
    const { shutting, portalUnreachable } = journal.books
    const session = sessionOf(sessionId)
    if (!session || isUndone(order, session)) return 'over'
    // A portal that cannot be asked shows nothing, whatever it showed before.
    if (portalUnreachable) return undefined
    if (order.command === 'session.pause') return session.seenOpen ? undefined : 'shown'
    const isOpen = session.seenOpen !== null
    if (order.command === 'session.move') return isOpen && !shutting.has(order.from) ? 'shown' : undefined
    return isOpen ? 'shown' : undefined
  }

  function reasonOf(order: Order, mac: Mac): string {
    if (journal.books.portalUnreachable) return 'the portal cannot be reached'
    if (order.command === 'session.pause' || order.command === 'session.end') {
      return 'the portal does not show the gate shut yet'
    }
    return `the portal does not show the gate of ${mac} open yet; the device may not be there`
  }

  async function endedAgain(order: Order, { sessionId = '', seqs, epoch }: Act): Promise<unknown> {
    const seq = seqs.at(-1)
    const session = sessionOf(sessionId)
    if (seq === undefined && session) throw unconfirmed(reasonOf(order, session.mac))
    if (seq === undefined || epoch !== journal.books.epoch) return { sessionId, ended: true }
    const {
      events: [event],
    } = await journal.read(seq, 1)
    return event?.seq === seq ? event : { sessionId, ended: true, ofSeq: seq }
  }

  return {
    carryOut: (order, id) => (order.command === 'session.end' ? end(order, id) : change(order, id)),
    async again(order, act) {
      if (act.code === 'superseded') throw boughtAgain()
      if (act.code)
        throw new Refused(act.code, 'this transaction was refused before, and is not tried again: use a new one')
      return order.command === 'session.end' ? endedAgain(order, act) : stateAfter(order, act.sessionId ?? '')
    },
    happened(event) {
      for (const watcher of watchers) watcher(event)
    },
  }
}

/** Whether the session is no longer as it was ordered, since somebody ordered otherwise. */
function isUndone(order: Order, { mac, paused }: { mac: Mac; paused: boolean }): boolean {
  switch (order.command) {
    case 'session.pause':
      return !paused
    case 'session.resume':
      return paused
    case 'session.move':
      return mac !== order.to
    case 'session.end':
      return false
  }
}

const endings: ReadonlySet<string> = new Set(['session.ended', 'purchase.accepted'])

function endingOf(sessionId: string, event: Event | undefined): Event | undefined {
  if (!event || !('sessionId' in event) || event.sessionId !== sessionId) return undefined
  // A session that ends in parts is over with the last of them, which has the totals.
  if (event.type === 'session.ended' && event.part !== event.parts) return undefined
  return endings.has(event.type) ? event : undefined
}

function unconfirmed(why: string): Refused {
  return new Refused('gate-unconfirmed', `stored and being done, but ${why}; the agent goes on trying`)
}

function boughtAgain(): Refused {
  return new Refused('superseded', 'the customer has bought again: the session goes on')
}
