// Orders: what an operator does to a session is on disk first; the reply comes when the portal shows it, or says why not.
import type { Command, Event, Mac } from '../protocol/index.ts'
import { type Clock, nowOf } from './clock.ts'
import type { Journal } from './journal/journal.ts'
import { type Decided, findSession, moveSession, pauseSession, resumeSession } from './merchant/orders.ts'
import { viewOf } from './merchant/view.ts'
import type { Recorder } from './recorder.ts'
import { Refused } from './refused.ts'

export type Order = Extract<Command, { command: 'session.end' | 'session.pause' | 'session.resume' | 'session.move' }>

export interface Orders {
  /** Resolves with what to reply; throws {@link Refused}. */
  carryOut(order: Order): Promise<unknown>
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

  async function end(order: Extract<Order, { command: 'session.end' }>): Promise<unknown> {
    // From the same turn on: a purchase stored before the order does not keep the session going.
    const { mac, story } = await recorder.inTurn(async () => {
      const { mac, sessionId } = findSession(journal.books, order)
      await recorder.append([], { records: [{ type: 'ending', mac }] })
      const isAbout = (event?: Event) => event && 'sessionId' in event && event.sessionId === sessionId && event
      return { mac, story: seen((event) => (isAbout(event) && endings.has(event?.type ?? '') ? event : undefined)) }
    })
    look(mac)
    const event = await story
    if (event?.type === 'session.ended') return event
    if (event) throw new Refused('superseded', 'the customer has bought again: the session goes on')
    throw unconfirmed('the portal does not show the gate shut yet')
  }

  async function change(order: Exclude<Order, { command: 'session.end' }>): Promise<unknown> {
    // What was used so far is charged to the device that used it.
    if (order.command === 'session.move') {
      const looked = seen((event) => (event === undefined ? true : undefined))
      look(order.from)
      await looked
    }
    const { sessionId, mac, shown } = await recorder.inTurn(async () => {
      const session = findSession(journal.books, order.command === 'session.move' ? { mac: order.from } : order)
      const decided = decide(order, session)
      if ('code' in decided) throw new Refused(decided.code, decided.message)
      if (decided.events.length > 0) await recorder.append(decided.events)
      const { sessionId } = session
      const mac = order.command === 'session.move' ? order.to : session.mac
      return { sessionId, mac, shown: seen(() => isShown(order, sessionId)) }
    })
    look(mac)
    const result = await shown
    const now = [...journal.books.sessions.values()].find((session) => session.sessionId === sessionId)
    if (!now) throw new Refused('superseded', 'the session has ended in the meantime')
    if (result !== 'shown') throw unconfirmed(reasonOf(order, now.mac))
    return viewOf(now, nowOf(clock), !journal.books.portalUnreachable)
  }

  function decide(order: Exclude<Order, { command: 'session.end' }>, session: ReturnType<typeof findSession>): Decided {
    const now = nowOf(clock)
    if (order.command === 'session.pause') return pauseSession(journal.books, session, now)
    if (order.command === 'session.resume') return resumeSession(journal.books, session, now)
    return moveSession(journal.books, session, order.to, now)
  }

  function isShown(order: Order, sessionId: string): 'shown' | 'over' | undefined {
    const { sessions, shutting } = journal.books
    const session = [...sessions.values()].find((candidate) => candidate.sessionId === sessionId)
    if (!session) return 'over'
    if (order.command === 'session.pause') return session.seenOpen ? undefined : 'shown'
    const isOpen = session.seenOpen !== null
    if (order.command === 'session.move') return isOpen && !shutting.has(order.from) ? 'shown' : undefined
    return isOpen ? 'shown' : undefined
  }

  function reasonOf(order: Order, mac: Mac): string {
    if (journal.books.portalUnreachable) return 'the portal cannot be reached'
    if (order.command === 'session.pause') return 'the portal does not show the gate shut yet'
    return `the portal does not show the gate of ${mac} open yet; the device may not be there`
  }

  return {
    carryOut: (order) => (order.command === 'session.end' ? end(order) : change(order)),
    happened(event) {
      for (const watcher of watchers) watcher(event)
    },
  }
}

const endings: ReadonlySet<string> = new Set(['session.ended', 'purchase.accepted'])

function unconfirmed(why: string): Refused {
  return new Refused('gate-unconfirmed', `stored and being done, but ${why}; the agent goes on trying`)
}
