// Changes of a session that an operator may order, decided as events.
import type { CommandError, Mac } from '../../protocol/index.ts'
import type { Now } from '../time/moment.ts'
import type { Books } from './books.ts'
import type { Draft } from './event-draft.ts'
import { currentLot, moved, type Session } from './session.ts'
import { viewOf } from './view.ts'

/** The events to store (none, when it is so already), or why it cannot be done. */
export type Decided = { events: Draft[] } | CommandError

/** The session of that device or of that id; where both are given, both must match. */
export function findSession(
  books: Books,
  { mac, sessionId }: { mac?: Mac | undefined; sessionId?: string | undefined },
): Session | CommandError {
  if (mac === undefined && sessionId === undefined) {
    return { code: 'invalid-message', message: 'give a mac or a sessionId' }
  }
  const session = mac === undefined ? sessionById(books, sessionId) : books.sessions.get(mac)
  if (session && (sessionId === undefined || session.sessionId === sessionId)) return session
  const which = [mac, sessionId].filter((name) => name !== undefined).join(' and ')
  return { code: 'not-found', message: `there is no session of ${which} on this router` }
}

export function sessionById(books: Books, sessionId: string | undefined): Session | undefined {
  return [...books.sessions.values()].find((session) => session.sessionId === sessionId)
}

/** Shuts the gate and keeps what is left. */
export function pauseSession(books: Books, session: Session, now: Now): Decided {
  if (session.paused) return { events: [] }
  if (isOver(session)) return over
  return { events: [changed('session.paused', { ...session, paused: true }, books, now)] }
}

/** Opens the gate again. */
export function resumeSession(books: Books, session: Session, now: Now): Decided {
  if (!session.paused) return isOver(session) ? over : { events: [] }
  if (isOver(session)) return over
  return { events: [changed('session.resumed', { ...session, paused: false }, books, now)] }
}

/** Lets the session go on with another device; the first one's gate is shut. */
export function moveSession(books: Books, session: Session, to: Mac, now: Now): Decided {
  const from = session.mac
  if (from === to) return { code: 'invalid-message', message: 'from and to are the same device' }
  if (isOver(session)) return over
  if (books.sessions.has(to)) return { code: 'conflict', message: `${to} has a session of its own; end that one first` }
  return { events: [{ ...changed('session.moved', moved(session, to), books, now), from, to }] }
}

const over: Decided = { code: 'conflict', message: 'the session is used up or being ended' }

function isOver(session: Session): boolean {
  return session.ending !== undefined || currentLot(session.lots) === undefined
}

function changed<T extends 'session.paused' | 'session.resumed' | 'session.moved'>(
  type: T,
  session: Session,
  books: Books,
  now: Now,
) {
  const { sessionId, mac } = session
  return { type, sessionId, mac, session: viewOf(session, now, books) }
}
