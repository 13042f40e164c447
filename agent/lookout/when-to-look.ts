// When to look again: often enough that the last look falls on the last bytes, seldom enough to be quiet.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import { lateIn } from '../merchant/abandoned.ts'
import type { Books } from '../merchant/books.ts'
import { currentLot, isPaid, type Lot, type Session, stateOf } from '../merchant/session.ts'
import type { Neighbour } from '../portal/neighbour.ts'
import { type Moment, since } from '../time/moment.ts'
import { openAgainIn, readingInterval, type ShutsByDevice } from './unordered-shuts.ts'

export interface LookSettings {
  lookIntervalMilliseconds: number
  nearIntervalMilliseconds: number
  linkMegabits: number
}

/** How quickly the portal answers, and which devices have left. */
export interface Sight {
  /** openNDS is asked about each device by itself, so there nobody is asked about in vain. */
  kind?: PortalKind
  /** How long the latest look took. */
  latencyMilliseconds: number
  /** Devices that have left the LAN: at openNDS every question about one takes a second, so they wait for their turn. */
  absent: ReadonlySet<Mac>
  /** The devices on the LAN and their addresses, where the router can tell. */
  present?: ReadonlyMap<Mac, readonly Neighbour[]>
  /** Gates that shut without an order. */
  shuts: ShutsByDevice
  /** Devices whose end the router's kernel keeps, and tells of. */
  guarded?: ReadonlySet<Mac>
  /** The fastest that a device was seen to be. */
  fastestBytesPerSecond: number
}

/** Milliseconds until the next look begins. */
export function nextLookIn(books: Books, now: Moment, settings: LookSettings, sight: Sight): number {
  const due = [...books.sessions.values()].map((session) => dueIn(session, now, settings, sight))
  const regular = Math.min(
    settings.lookIntervalMilliseconds - sight.latencyMilliseconds,
    ...due.map((is) => is.regular),
  )
  // Wait at least as long as the last look took, unless an end is expected: looks take at most half the portal's time.
  const rested = Math.max(regular, Math.min(sight.latencyMilliseconds, settings.nearIntervalMilliseconds))
  return Math.max(0, Math.min(rested, lateIn(books), ...due.map((is) => is.end)))
}

/**
 * Milliseconds until that session is to be asked about, negative when that should have been: as often as configured,
 * from answer to answer, and when its end may come.
 */
export function dueIn(
  session: Session,
  now: Moment,
  settings: LookSettings,
  sight: Sight,
): { regular: number; end: number } {
  const { readAt } = session.meter
  const age = readAt && since(readAt, now)
  if (age === undefined || age === null) return { regular: 0, end: Number.POSITIVE_INFINITY }
  const latency = sight.latencyMilliseconds
  const regular = intervalOf(session, now, settings, sight) - latency - age
  const again = isPaid(session) ? openAgainIn(sight.shuts.get(session.mac), now.at) : 0
  // The kernel keeps the last byte.
  const isGuarded = currentLot(session.lots)?.metric === 'bytes' && sight.guarded?.has(session.mac) === true
  const isLeftAlone = isGuarded || usesNothing(session, sight)
  const end = isLeftAlone ? Number.POSITIVE_INFINITY : endsIn(session, latency) - age
  return { regular: again > 0 ? Math.max(regular, again) : regular, end }
}

// Nobody uses bytes who is not there, and the question would take the daemon a second.
function usesNothing({ mac, lots }: Session, { absent }: Pick<Sight, 'absent'>): boolean {
  return absent.has(mac) && currentLot(lots)?.metric === 'bytes'
}

// Negative when it should have ended; infinite when nothing tells.
function endExpectedIn(session: Session, now: Moment): number {
  const { readAt } = session.meter
  return usedUpIn(session) - ((readAt && since(readAt, now)) ?? 0)
}

/**
 * Milliseconds until the first session is expected to end whose end nobody else keeps. Everybody else waits for that end: one that
 * never comes, because its device has left, would keep every other payer outside.
 */
export function firstEndIn(
  { sessions }: Pick<Books, 'sessions'>,
  now: Moment,
  sight: Pick<Sight, 'guarded' | 'absent'>,
): number {
  const open = [...sessions.values()].filter(
    (session) => !sight.guarded?.has(session.mac) && !usesNothing(session, sight),
  )
  return Math.min(...open.map((session) => endExpectedIn(session, now)))
}

// A device that has just paid, or was just seen on line, is expected at any moment; one that was not, later and later.
const expectedFor = 60_000

function intervalOf(session: Session, now: Moment, settings: LookSettings, sight: Sight): number {
  const { lookIntervalMilliseconds: far, nearIntervalMilliseconds: near } = settings
  const state = stateOf(session)
  if (state === 'paused' && !session.meter.seenOpen) return Number.POSITIVE_INFINITY
  if (state === 'waiting') {
    if (sight.kind === 'opennds' && !isWorthAsking(session, now, sight)) return Number.POSITIVE_INFINITY
    return isExpected(session, now) ? near : far
  }
  if (state !== 'open') return near
  if (sight.absent.has(session.mac)) return Number.POSITIVE_INFINITY
  // The kernel counts up to the moment at which a customer logs out, and it keeps the end.
  if (sight.guarded?.has(session.mac)) return far
  const regular = isNearItsEnd(session, settings, sight) ? near : far
  return Math.min(regular, readingInterval(sight.shuts.get(session.mac), now.at))
}

/** Whether the device of a waiting session may come at any moment. */
export function isExpected({ paidAt, meter }: Session, now: Moment): boolean {
  const { lastOpen } = meter
  // After a reboot everybody comes back.
  const ages = [paidAt, ...(lastOpen ? [lastOpen] : [])].map((moment) => since(moment, now) ?? now.at)
  return ages.some((age) => age <= expectedFor)
}

/**
 * Whether openNDS is asked about a device that waits. The LAN tells who is there. Where it does not, a device is asked about
 * while it may come at any moment; later the whole list tells when it has met the portal's page.
 */
export function isWorthAsking(session: Session, now: Moment, { present }: Sight): boolean {
  return present ? present.has(session.mac) : isExpected(session, now)
}

function isNearItsEnd(session: Session, settings: LookSettings, sight: Sight): boolean {
  const left = leftInCurrentMetric(session.lots)
  const fastest = Math.max(settings.linkMegabits * 125_000, sight.fastestBytesPerSecond)
  return left?.metric === 'bytes' && left.amount <= (settings.lookIntervalMilliseconds * fastest) / 1000
}

/**
 * Milliseconds until somebody who was away may be back, and the LAN is to be looked at: it costs the portal nothing, which is
 * asked when somebody has come. Infinite where nobody waits for anybody, or the LAN does not tell.
 */
export function noticeIn({ sessions }: Books, settings: LookSettings, sight: Sight): number {
  if (!sight.present) return Number.POSITIVE_INFINITY
  const isAwaited = [...sessions.values()].some((session) => {
    const isAway = !sight.present?.has(session.mac)
    const isNear = () => !sight.guarded?.has(session.mac) && isNearItsEnd(session, settings, sight)
    return isAway && isPaid(session) && (!session.meter.seenOpen || isNear())
  })
  return isAwaited ? settings.nearIntervalMilliseconds : Number.POSITIVE_INFINITY
}

// Looks do not come closer than this, however near the end seems to be.
const closestMilliseconds = 10
// An end predicted beyond this is approached by a look on the way, at 80 %.
const trustedMilliseconds = 300

/** Milliseconds from the last reading until the next one should begin, because the lots in use may end then. */
function endsIn(session: Session, latency: number): number {
  const end = usedUpIn(session)
  if (end === Number.POSITIVE_INFINITY || currentLot(session.lots)?.metric === 'milliseconds') return end
  const isFar = end > Math.max(trustedMilliseconds, 3 * latency)
  // The portal reads its counters as soon as it is asked.
  return Math.max(closestMilliseconds, Math.ceil(isFar ? end * 0.8 : end))
}

/** Milliseconds from the last reading until the lots in use are used up at the measured rate. */
function usedUpIn({ lots, meter }: Session): number {
  const { seenOpen, bytesPerSecond } = meter
  const left = seenOpen && leftInCurrentMetric(lots)
  if (!left) return Number.POSITIVE_INFINITY
  if (left.metric === 'milliseconds') return left.amount
  return bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : (left.amount / bytesPerSecond) * 1000
}

/** The rest of the lot in use and of those right behind it in the same metric: until it is used nothing changes. */
function leftInCurrentMetric(lots: readonly Lot[]): { metric: Lot['metric']; amount: number } | undefined {
  const metric = currentLot(lots)?.metric
  if (!metric) return undefined
  let amount = 0
  for (const lot of lots.filter((candidate) => candidate.used < candidate.allotment)) {
    if (lot.metric !== metric) break
    amount += lot.allotment - lot.used
  }
  return { metric, amount }
}
