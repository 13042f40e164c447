// Whom to ask at a look. nodogsplash tells of all its devices at once, and as fast as of one. openNDS is asked for the
// devices that matter by their tokens, one by one, and for its whole list as often as that takes little of its time.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { type Session, stateOf } from '../merchant/session.ts'
import { type Neighbour, ofDevices } from '../portal/neighbour.ts'
import {
  type Asked,
  entriesOf,
  majorVersion,
  type PortalClient,
  type PortalList,
  type Question,
} from '../portal/portal-client.ts'
import { othersAt } from '../portal/shared-address.ts'
import type { Moment } from '../time/moment.ts'
import type { Step } from './gate-plan.ts'
import { dueIn, firstEndIn, isExpected, isWorthAsking, type LookSettings, type Sight } from './when-to-look.ts'

/** Facts about the portal itself, from the looks so far. */
export interface Seen extends Sight {
  kind: PortalKind
  version?: string
  /** When the whole list was last read, in milliseconds of this boot, and how long that took. */
  listedAt: number | undefined
  listMilliseconds: number
  /** When the whole list last could not be read, and how many times running. */
  listFailedAt: number
  listFailures: number
  /** How many addresses the LAN knows of the devices at more than one; and what it knew when the whole list was last read. */
  told: ReadonlyMap<Mac, number>
  addresses: ReadonlyMap<Mac, number>
  /** When a paid device was first seen at an address at which no entry of it is known. */
  arrivals: ReadonlyMap<string, number>
  /** A device has an address that no answer has named: only the whole list tells its entry. */
  isListWanted: boolean
}

export const nothingSeen: Seen = {
  kind: 'unknown',
  latencyMilliseconds: 0,
  absent: new Set(),
  shuts: new Map(),
  fastestBytesPerSecond: 0,
  listedAt: undefined,
  listMilliseconds: 0,
  listFailedAt: Number.NEGATIVE_INFINITY,
  listFailures: 0,
  told: new Map(),
  addresses: new Map(),
  arrivals: new Map(),
  isListWanted: false,
}

// A question about a device that has left may take so long: none is asked while a session may end meanwhile.
export const absentMilliseconds = 2000
// Devices asked about at one look, so that none near its end waits for all the others; and of those that wait or are away.
const mostAsked = 8
const mostWaitingAsked = 2
// Share of the daemon's time for whole lists; more while an entry is missing or somebody waits.
const listShare = 0.05
const wantedListShare = 0.2
// Longest time without a whole list: only it shows unpaid gates. Where the list shows those who wait, it comes sooner.
const longestWithoutList = 600_000
const longestWhileWaiting = 60_000
// openNDS 9.10 may end itself over its `status`, and everybody's gate with it, so there it is asked for rarely.
const rareList = 60_000
const rareWantedList = 10_000
// A paid device that has come to an address is expected to meet the portal's page there for so long.
const arrivalMilliseconds = 60_000
// A list that could not be read is asked for again after this, and after twice as long each time.
const firstListPause = 5000
// Time to shut an overdue session before the whole list blocks the daemon.
const shutMilliseconds = 100

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

/** The question that shows whether these steps were taken. */
export function askAgain(books: Books, steps: readonly Step[], known?: PortalList): Asked[] {
  // A step that made room at an IP is for the paid device that is there now.
  const roomFor = steps.flatMap(({ client }) => (client && known ? othersAt(client, known.clients) : []))
  const paid = roomFor.map(({ mac }) => mac).filter((mac) => books.sessions.has(mac))
  const macs = [...new Set([...steps.map((step) => step.mac), ...paid])]
  return macs.map((mac): Asked => {
    const taken = steps.flatMap((step) => (step.mac === mac && step.client ? [{ ...step, client: step.client }] : []))
    const ips = taken.map(({ client }) => client.ip)
    const others = (books.sessions.get(mac)?.meter.baseline ?? []).filter((entry) => !ips.includes(entry.ip))
    const names = [...taken.flatMap((step) => namesAfter(step, known)), ...others.map((entry) => entry.token)]
    return { mac, names: names.length > 0 ? names : [mac], ...sharedOf(mac, known) }
  })
}

/**
 * The names by which an entry is found after a step: its token, unless that may have changed, which it does when the gate is shut; then
 * its IP. With an older entry at that IP no question by the IP tells of this one.
 */
function namesAfter({ act, client }: Step & { client: PortalClient }, known?: PortalList): string[] {
  const isAlone = othersAt(client, known?.clients ?? []).length === 0
  if (!isToken(client.token)) return [client.ip]
  if (act === 'open') return [client.token]
  return isAlone ? [client.ip] : [client.token, client.ip]
}

/** Everybody who has a session, one by one: for a portal whose whole list cannot be read. */
export function everybody({ sessions }: Books, known?: PortalList): Asked[] {
  return [...sessions.values()].map((session) => askedOf(session, { known }))
}

/** The facts about the portal after an answer; `milliseconds`: how long it took. */
export function afterLook(
  seen: Seen,
  question: Question,
  list: PortalList,
  books: Books,
  now: Moment,
  milliseconds: number,
  known: PortalList = list,
): Seen {
  const isWhole = list.only === undefined
  const names = isWhole || question === 'all' ? 1 : question.flatMap((asked) => asked.names).length
  const absent = new Set([...seen.absent].filter((mac) => known.clients.some((client) => client.mac === mac)))
  const told = new Map(seen.told)
  for (const { mac, addresses } of list.clients) {
    if (addresses === undefined) continue
    if (addresses === 0) absent.add(mac)
    else absent.delete(mac)
    told.set(mac, addresses)
  }
  // A LAN may remember an old address for ever, long after its entry went.
  const isNew = ([mac, count]: [Mac, number]) =>
    books.sessions.has(mac) && count > (seen.addresses.get(mac) ?? 1) && count > entriesOf(list.clients, mac).length
  const lacksElder = (client: PortalClient) => client.borrowed && othersAt(client, known.clients).length === 0
  const version = list.version ?? seen.version
  const fastest = Math.max(...[...books.sessions.values()].map(({ meter }) => meter.bytesPerSecond), 0)
  return {
    ...seen,
    kind: list.kind,
    ...(version !== undefined && { version }),
    latencyMilliseconds:
      question === 'all' && list.kind === 'opennds'
        ? seen.latencyMilliseconds
        : Math.round(milliseconds / Math.max(1, names)),
    absent,
    fastestBytesPerSecond: Math.max(seen.fastestBytesPerSecond, fastest),
    listedAt: isWhole ? now.at : seen.listedAt,
    listMilliseconds: isWhole ? milliseconds : seen.listMilliseconds,
    listFailures: isWhole ? 0 : seen.listFailures,
    told,
    addresses: isWhole ? told : seen.addresses,
    isListWanted: !isWhole && (seen.isListWanted || [...told].some(isNew) || list.clients.some(lacksElder)),
  }
}

/** The whole list could not be read: it is asked for again after a pause, and the devices that matter meanwhile. */
export function afterListFault(seen: Seen, now: Moment): Seen {
  return { ...seen, listFailures: seen.listFailures + 1, listFailedAt: now.at }
}

/** The devices that the router's kernel knows now; `undefined` where it does not tell, or of none of these. */
export function afterNeighbours(
  seen: Seen,
  neighbours: readonly Neighbour[] | undefined,
  known: PortalList | undefined,
  { sessions }: Pick<Books, 'sessions'>,
  now: Moment,
): Seen {
  const { present: _, ...rest } = seen
  const present = ofDevices(neighbours ?? [])
  const listed = known?.clients.map(({ mac }) => mac) ?? []
  // A machine whose LAN is another one knows none of the portal's devices: there its table says nothing.
  if (!neighbours || (!seen.present && !listed.some((mac) => present.has(mac)))) return rest
  // nodogsplash answers about absent devices as fast as about the others.
  const absent = seen.kind === 'opennds' ? listed.filter((mac) => !present.has(mac)) : []
  // A question by IP is answered about the oldest entry there: that of a device which has just come stands in the list alone.
  const isUnknown = ({ mac, ip }: Neighbour) => {
    return sessions.has(mac) && !known?.clients.some((client) => client.mac === mac && client.ip === ip)
  }
  const unknown = neighbours.filter(isUnknown).map(({ mac, ip }) => `${mac} ${ip}`)
  const arrivals = new Map(unknown.map((pair) => [pair, seen.arrivals.get(pair) ?? now.at]))
  const isExpected = [...arrivals.values()].some((at) => now.at - at <= arrivalMilliseconds)
  return { ...rest, present, absent: new Set(absent), arrivals, isListWanted: seen.isListWanted || isExpected }
}

/**
 * Milliseconds until the whole list is to be read; Infinity unless openNDS. Reading the list may block the daemon, so it waits
 * for sessions that may end meanwhile, at most one interval more.
 */
export function listDueIn(books: Books, now: Moment, settings: LookSettings, seen: Seen): number {
  if (seen.kind !== 'opennds') return Number.POSITIVE_INFINITY
  const pause = listPauseLeft(seen, now)
  if (pause > 0) return pause
  if (seen.listedAt === undefined) return 0
  const somebodyWaits = [...books.sessions.values()].some(isAway)
  const isWanted =
    seen.isListWanted || [...books.sessions.values()].some((session) => isAway(session) && isExpected(session, now))
  const affordable = seen.listMilliseconds / (isWanted ? wantedListShare : listShare)
  const shortest = isWanted ? settings.nearIntervalMilliseconds : settings.lookIntervalMilliseconds
  const longest = somebodyWaits ? longestWhileWaiting : longestWithoutList
  const rarely = majorVersion(seen) >= 10 ? 0 : seen.isListWanted ? rareWantedList : rareList
  const interval = Math.max(Math.min(affordable, longest), shortest - seen.listMilliseconds, rarely)
  const due = seen.listedAt + interval - now.at
  if (due > 0) return due
  const end = firstEndIn(books, now, seen)
  const waits = end < 2 * seen.listMilliseconds ? Math.max(end, shutMilliseconds) : 0
  return Math.max(0, Math.min(waits, due + interval))
}

function listPauseLeft({ listFailures, listFailedAt }: Seen, now: Moment): number {
  if (listFailures === 0) return 0
  const pause = Math.min(firstListPause * 2 ** (listFailures - 1), longestWithoutList)
  return Math.max(0, listFailedAt + pause - now.at)
}

// Paid, and not let in: the device may not be there, and a question about it then takes the daemon's time for nothing.
function isAway(session: Session): boolean {
  return stateOf(session) === 'waiting'
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

/**
 * By token, as far as it is known: by anything else openNDS searches its whole list, and tells of the oldest entry there. A
 * device may use any of its entries at an address that it has now.
 */
function askedOf({ mac, meter }: Session, { known, present }: AskContext): Asked {
  const { seenOpen, baseline } = meter
  const metered = seenOpen ? baseline.map((entry) => entry.token).filter(isToken) : []
  const own = entriesOf(known?.clients, mac)
  const here = present?.get(mac)?.map(({ ip }) => ip)
  const newIps = here?.filter((ip) => !own.some((entry) => entry.ip === ip)) ?? []
  const isUsable = ({ ip, token }: PortalClient) => isToken(token) && (here ? here.includes(ip) : metered.length === 0)
  const usable = own.filter(isUsable).map(({ token }) => token)
  const names = [...new Set([...metered, ...usable]), ...newIps, ...(metered.length > 0 ? [] : [mac])]
  return { mac, names, ...sharedOf(mac, known) }
}

const isToken = (token: string): boolean => token !== '' && token !== 'null'

// An entry that no list has shown may have an older one at its IP; one that was read there has.
function sharedOf(mac: Mac, known?: PortalList): Pick<Asked, 'shared'> {
  const entries = entriesOf(known?.clients, mac)
  if (entries.length === 0) return { shared: 'every' }
  const isShared = (entry: PortalClient) => entry.borrowed || othersAt(entry, known?.clients ?? []).length > 0
  const shared = entries.filter(isShared).map(({ ip }) => ip)
  return shared.length > 0 ? { shared } : {}
}

interface AskContext {
  known?: PortalList | undefined
  present?: Seen['present'] | undefined
}
