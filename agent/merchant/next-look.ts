// When to look again: often enough that the last look falls on the last bytes, seldom enough to be quiet.
import type { Mac } from '../../protocol/index.ts'
import { type Moment, since } from '../moment.ts'
import type { Books } from './books.ts'
import { currentLot, type Lot, type Session, stateOf } from './session.ts'

export interface LookSettings {
  lookIntervalMilliseconds: number
  nearIntervalMilliseconds: number
  linkMegabits: number
}

/** What looking is like at this portal. */
export interface Sight {
  /** How long the latest look took. */
  latencyMilliseconds: number
  /** Devices that have left the LAN: at openNDS every question about one takes a second, so they wait for their turn. */
  absent: ReadonlySet<Mac>
}

/** Milliseconds until the next look begins. */
export function nextLookIn(books: Books, now: Moment, settings: LookSettings, sight: Sight): number {
  const due = [...books.sessions.values()].map((session) => dueIn(session, now, settings, sight))
  const regular = Math.min(
    settings.lookIntervalMilliseconds - sight.latencyMilliseconds,
    ...due.map((is) => is.regular),
  )
  // A slow portal is left in peace for half of the time, unless something may end.
  const rested = Math.max(regular, Math.min(sight.latencyMilliseconds, settings.nearIntervalMilliseconds))
  return Math.max(0, Math.min(rested, ...due.map((is) => is.end)))
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
  const age = session.readAt && since(session.readAt, now)
  if (age === undefined || age === null) return { regular: 0, end: Number.POSITIVE_INFINITY }
  const latency = sight.latencyMilliseconds
  return { regular: intervalOf(session, settings, sight) - latency - age, end: endsIn(session, latency) - age }
}

/** Milliseconds until that session is expected to end, negative when it should have; infinite when nothing tells. */
export function endExpectedIn(session: Session, now: Moment): number {
  return usedUpIn(session) - ((session.readAt && since(session.readAt, now)) ?? 0)
}

function intervalOf(session: Session, settings: LookSettings, sight: Sight): number {
  const { lookIntervalMilliseconds: far, nearIntervalMilliseconds: near, linkMegabits } = settings
  const state = stateOf(session)
  if (state === 'paused' && !session.seenOpen) return Number.POSITIVE_INFINITY
  if (state !== 'open') return near
  if (sight.absent.has(session.mac)) return Number.POSITIVE_INFINITY
  const left = leftInCurrentMetric(session.lots)
  if (left?.metric === 'bytes' && left.amount <= far * linkMegabits * 125) return near
  return far
}

// Looks do not come closer than this, however near the end seems to be.
const closestMilliseconds = 10
// A prediction is trusted for this long; for what lies beyond, another look comes on the way.
const trustedMilliseconds = 300

/** Milliseconds from the last reading until the next one should begin, because the lots in use may end then. */
function endsIn(session: Session, latency: number): number {
  const end = usedUpIn(session)
  if (end === Number.POSITIVE_INFINITY || currentLot(session.lots)?.metric === 'milliseconds') return end
  const isFar = end > Math.max(trustedMilliseconds, 3 * latency)
  // The portal reads its counters about half-way through an answer.
  return Math.max(closestMilliseconds, Math.ceil(isFar ? end * 0.8 : end - latency / 2))
}

/** Milliseconds from the last reading until the lots in use are used up at the measured rate. */
function usedUpIn({ seenOpen, lots, bytesPerSecond }: Session): number {
  const left = seenOpen && leftInCurrentMetric(lots)
  if (!left) return Number.POSITIVE_INFINITY
  if (left.metric === 'milliseconds') return left.amount
  return bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : (left.amount / bytesPerSecond) * 1000
}

/** What is left of the lot in use and those right behind it in the same metric: until then nothing changes. */
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
