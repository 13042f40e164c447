// What to ask at a look. nodogsplash tells of all its devices at once, and as fast as of one. openNDS takes its time for
// every device on its list, and a second for each that has left: there the devices that matter are asked for one by one,
// and the whole list as often as it takes little of the daemon's time.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import type { Moment } from '../moment.ts'
import type { Asked, PortalList, Question } from '../valve/portal-client.ts'
import type { Books } from './books.ts'
import type { Step } from './gate-plan.ts'
import { dueIn, endExpectedIn, type LookSettings, type Sight } from './next-look.ts'
import type { Session } from './session.ts'

/** What the looks so far have shown of the portal itself. */
export interface Seen extends Sight {
  kind: PortalKind
  /** When the whole list was last read, in milliseconds of this boot, and how long that took. */
  listedAt: number | undefined
  listMilliseconds: number
  /** How many addresses the LAN knew of the devices at more than one, when the whole list was last read. */
  addresses: ReadonlyMap<Mac, number>
  /** A device has an address that no answer has named: only the whole list tells its entry. */
  isListWanted: boolean
}

export const nothingSeen: Seen = {
  kind: 'unknown',
  latencyMilliseconds: 0,
  absent: new Set(),
  listedAt: undefined,
  listMilliseconds: 0,
  addresses: new Map(),
  isListWanted: false,
}

// So many devices at one look, so that none near its end waits for all the others.
const mostAsked = 8
// The whole list may take this part of the daemon's time, and while an entry is missing that much more ...
const listShare = 0.05
const wantedListShare = 0.2
// ... and comes so often all the same, for gates that nobody paid for.
const longestWithoutList = 600_000
// A session that should have ended is given so long to be shut.
const shutMilliseconds = 100

/** What to ask now: whoever is wanted, and whoever's turn it is. */
export function planLook(
  books: Books,
  now: Moment,
  settings: LookSettings,
  seen: Seen,
  wanted: ReadonlySet<Mac>,
): Question {
  if (seen.kind !== 'opennds' || listDueIn(books, now, settings, seen) === 0) return 'all'
  const turns = [...books.sessions.values()].map((session) => {
    return { session, due: wanted.has(session.mac) ? Number.NEGATIVE_INFINITY : turnOf(session, now, settings, seen) }
  })
  const asked = turns
    .filter(({ due }) => due <= settings.lookIntervalMilliseconds / 10)
    .sort((a, b) => a.due - b.due)
    .slice(0, mostAsked)
    .map(({ session }) => ({ mac: session.mac, names: namesOf(session) }))
  const shutting = [...books.shutting]
    .filter((mac) => !books.sessions.has(mac))
    .map((mac): Asked => ({ mac, names: [mac] }))
  return [...asked, ...shutting, ...absentTurn(books, now, settings, seen, asked)]
}

/** What to ask to see whether these steps were taken. */
export function askAgain(books: Books, steps: readonly Step[]): Question {
  const macs = [...new Set(steps.map((step) => step.mac))]
  return macs.map((mac): Asked => {
    // By IP: a token changes with the gate.
    const ips = steps.flatMap((step) => (step.mac === mac && step.client ? [step.client.ip] : []))
    const others = (books.sessions.get(mac)?.baseline ?? []).filter((entry) => !ips.includes(entry.ip))
    const names = [...ips, ...others.map((entry) => entry.token)]
    return { mac, names: names.length > 0 ? names : [mac] }
  })
}

/** What an answer says of the portal; `milliseconds`: how long it took. */
export function afterLook(
  seen: Seen,
  question: Question,
  list: PortalList,
  books: Books,
  now: Moment,
  milliseconds: number,
): Seen {
  const isWhole = list.only === undefined
  const names = isWhole || question === 'all' ? 1 : question.flatMap((asked) => asked.names).length
  const absent = new Set(isWhole ? [] : [...seen.absent].filter((mac) => !list.only?.has(mac)))
  for (const { mac, addresses } of list.clients) if (addresses === 0) absent.add(mac)
  const several = new Map<Mac, number>()
  for (const { mac, addresses = 1 } of list.clients) if (addresses > 1) several.set(mac, addresses)
  // A LAN may remember an old address for ever, long after its entry went.
  const isNew = ([mac, count]: [Mac, number]) =>
    books.sessions.has(mac) &&
    count > (seen.addresses.get(mac) ?? 1) &&
    count > list.clients.filter((client) => client.mac === mac).length
  return {
    kind: list.kind,
    latencyMilliseconds: Math.round(milliseconds / Math.max(1, names)),
    absent,
    listedAt: isWhole ? now.at : seen.listedAt,
    listMilliseconds: isWhole ? milliseconds : seen.listMilliseconds,
    addresses: isWhole ? several : seen.addresses,
    isListWanted: !isWhole && (seen.isListWanted || [...several].some(isNew)),
  }
}

/**
 * Milliseconds until the whole list is to be read; never where one answer tells all anyway. It lets sessions end first that
 * may do so while it is read: nobody can be shut meanwhile. But not for longer than once again its interval.
 */
export function listDueIn({ sessions }: Books, now: Moment, settings: LookSettings, seen: Seen): number {
  if (seen.kind !== 'opennds') return Number.POSITIVE_INFINITY
  if (seen.listedAt === undefined) return 0
  const affordable = seen.listMilliseconds / (seen.isListWanted ? wantedListShare : listShare)
  const shortest = seen.isListWanted ? settings.nearIntervalMilliseconds : settings.lookIntervalMilliseconds
  const interval = Math.max(Math.min(affordable, longestWithoutList), shortest - seen.listMilliseconds)
  const due = seen.listedAt + interval - now.at
  if (due > 0) return due
  const end = Math.min(...[...sessions.values()].map((session) => endExpectedIn(session, now)))
  const waits = end < 2 * seen.listMilliseconds ? Math.max(end, shutMilliseconds) : 0
  return Math.max(0, Math.min(waits, due + interval))
}

function turnOf(session: Session, now: Moment, settings: LookSettings, seen: Seen): number {
  const { regular, end } = dueIn(session, now, settings, seen)
  return Math.min(regular, end)
}

// One that has left the LAN at a time, the one not read for longest, and seldom: each costs the daemon a second.
function absentTurn(
  { sessions }: Books,
  now: Moment,
  settings: LookSettings,
  seen: Seen,
  asked: readonly Asked[],
): Asked[] {
  const absent = [...sessions.values()].filter((session) => seen.absent.has(session.mac) && session.seenOpen)
  const readAt = (session: Session) => session.readAt?.at ?? 0
  const [oldest] = absent.sort((a, b) => readAt(a) - readAt(b))
  const latest = Math.max(...absent.map(readAt))
  if (!oldest || asked.some(({ mac }) => mac === oldest.mac)) return []
  return now.at - latest < settings.lookIntervalMilliseconds / 2 ? [] : [{ mac: oldest.mac, names: namesOf(oldest) }]
}

/** By token where the gate was open at the last look: by anything else openNDS searches its whole list. */
function namesOf({ mac, seenOpen, baseline }: Session): readonly string[] {
  const tokens = baseline.map((entry) => entry.token).filter((token) => token !== '' && token !== 'null')
  return seenOpen && tokens.length > 0 ? tokens : [mac]
}
