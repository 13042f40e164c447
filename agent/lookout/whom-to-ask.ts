// Whom to ask at a look. nodogsplash tells of all its devices at once, and as fast as of one. openNDS is asked for the
// devices that matter by their tokens, one by one, and for its whole list as often as that takes little of its time.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import type { Session } from '../merchant/session.ts'
import type { Asked, PortalList, Question } from '../portal/portal-client.ts'
import type { Moment } from '../time/moment.ts'
import { askedOf, everybody } from './asked.ts'
import { isAway, listDueIn, listPauseLeft } from './list-due.ts'
import type { Seen } from './seen.ts'
import { dueIn, firstEndIn, isWorthAsking, type LookSettings } from './when-to-look.ts'

// A question about a device that has left takes up to this time: none is put while a session may end before its answer.
export const absentMilliseconds = 2000

// Devices asked about at one look: a session near its end must not wait for the answers about all the others.
const mostAsked = 8
// Of them, devices that wait or are away.
const mostWaitingAsked = 2

/** The question to ask now: the devices that are wanted, and those whose turn it is; ends first. */
export function planLook(
  books: Books,
  now: Moment,
  settings: LookSettings,
  seen: Seen,
  wanted: ReadonlySet<Mac>,
  known?: PortalList,
): Question {
  if (seen.kind !== 'opennds')
    return seen.listFailures > 0 && listPauseLeft(seen, now) > 0 ? everybody(books, known) : 'all'
  if (listDueIn(books, now, settings, seen) === 0) return 'all'
  const context = { known, present: seen.present }
  const soon = settings.lookIntervalMilliseconds / 10
  const turns = [...books.sessions.values()].map((session) => ({ session, ...dueIn(session, now, settings, seen) }))
  const ends = turns.filter(({ end }) => end <= 0).sort((a, b) => a.end - b.end)
  if (ends.length > 0) return ends.slice(0, mostAsked).map(({ session }) => askedOf(session, context))
  const isWanted = ({ mac }: Session) => wanted.has(mac)
  const due = turns
    .filter(({ session, regular, end }) => isWanted(session) || Math.min(regular, end) <= soon)
    .sort((a, b) => Number(isWanted(b.session)) - Number(isWanted(a.session)) || a.regular - b.regular)
  const [waiting, others] = [due.filter((turn) => isAway(turn.session)), due.filter((turn) => !isAway(turn.session))]
  const away = waiting.filter(({ session }) => isWanted(session) || isWorthAsking(session, now, seen))
  const asked = [...others.slice(0, mostAsked), ...away.slice(0, mostWaitingAsked)]
  const fitting = Math.max(1, Math.floor(firstEndIn(books, now, seen) / Math.max(1, seen.latencyMilliseconds)))
  const shutting = [...books.shutting].filter((mac) => !books.sessions.has(mac))
  return [
    ...asked.slice(0, fitting).map(({ session }) => askedOf(session, context)),
    ...shutting.map((mac): Asked => ({ mac, names: [mac] })),
    ...absentTurn(books, now, settings, seen, new Set(asked.map(({ session }) => session.mac))).map((session) => {
      return askedOf(session, context)
    }),
  ]
}

// At most one absent device per half look interval, the least recently read: each may cost the daemon a second.
function absentTurn(
  { sessions }: Books,
  now: Moment,
  settings: LookSettings,
  seen: Seen,
  asked: ReadonlySet<Mac>,
): Session[] {
  if (firstEndIn({ sessions }, now, seen) < absentMilliseconds) return []
  const absent = [...sessions.values()].filter((session) => seen.absent.has(session.mac) && session.meter.seenOpen)
  const readAt = (session: Session) => session.meter.readAt?.at ?? 0
  const [oldest] = absent.sort((a, b) => readAt(a) - readAt(b))
  const latest = Math.max(...absent.map(readAt))
  if (!oldest || asked.has(oldest.mac)) return []
  return now.at - latest < settings.lookIntervalMilliseconds / 2 ? [] : [oldest]
}
