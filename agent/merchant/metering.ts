// Metering: what a look at the portal means for each session's lots.
import { type Moment, since } from '../moment.ts'
import { clearDataBaseline, getDataUsageSinceBaseline, isContinued, setDataBaseline } from '../valve/baseline.ts'
import type { PortalClient } from '../valve/portal-client.ts'
import { type Books, type Metering, meteringOf } from './books.ts'
import { currentLot, type Session, useLots } from './session.ts'

/** What a look showed of every session, and when. */
export interface Look {
  at: Moment
  clients: readonly PortalClient[]
}

/** Charges every session for what was used since the look before. */
export function meter(books: Books, look: Look): Metering[] {
  return [...books.sessions.values()].map((session) => meterSession(session, look))
}

/** Charges one session: bytes by the portal's counters, time while the gate was seen open at both ends of it. */
export function meterSession(session: Session, { clients, at }: Look): Metering {
  const entries = clients.filter((client) => client.mac === session.mac)
  const isOpen = entries.some((entry) => entry.open)
  const { downloaded, uploaded } = getDataUsageSinceBaseline(session.baseline, entries)
  const openFor = session.seenOpen && isContinued(session.baseline, entries) ? (since(session.seenOpen, at) ?? 0) : 0
  const charged = useLots(session.lots, { bytes: downloaded + uploaded, milliseconds: openFor })
  return {
    mac: session.mac,
    used: charged.lots.map((lot) => lot.used),
    baseline: isOpen ? setDataBaseline(entries.filter((entry) => entry.open)) : baselineWhileShut(session),
    seenOpen: isOpen ? at : null,
    readAt: at,
    downloaded: session.downloaded + downloaded,
    uploaded: session.uploaded + uploaded,
    openMilliseconds: session.openMilliseconds + openFor,
    bytesPerSecond: isOpen ? rateOf(session, downloaded + uploaded, at) : 0,
    overshootBytes: session.overshootBytes + charged.overshootBytes,
  }
}

/** The point to measure from, put on disk before the gate opens: an agent that dies in between still knows it. */
export function opening(session: Session, clients: readonly PortalClient[]): Metering {
  const entries = clients.filter((client) => client.mac === session.mac)
  return { ...meteringOf(session), baseline: setDataBaseline(entries) }
}

/** The session whose gate the portal would not open: there is nothing to measure from. */
export function unopened(session: Session): Metering {
  return { ...meteringOf(session), ...(!session.seenOpen && { baseline: clearDataBaseline() }) }
}

// A gate that was open is shut now: nothing to measure from. One that is about to open keeps what was set for it.
function baselineWhileShut(session: Session): Session['baseline'] {
  return session.seenOpen ? clearDataBaseline() : session.baseline
}

// A rate is smoothed over this time: two looks shortly after one another say little.
const rateMemoryMilliseconds = 500

function rateOf(session: Session, bytes: number, at: Moment): number {
  const interval = session.seenOpen && since(session.seenOpen, at)
  if (!interval) return session.bytesPerSecond
  const weight = 1 - Math.exp(-interval / rateMemoryMilliseconds)
  // One that stands still shows at once: otherwise its end would be looked for again and again.
  const before = bytes === 0 ? session.bytesPerSecond / 2 : session.bytesPerSecond
  return Math.round(before * (1 - weight) + (bytes / interval) * 1000 * weight)
}

/**
 * What passed between the last reading and the shut that took so long: the portal forgets its counters with the gate, so the
 * measured rate stands for them. Only what no lot was there for: nobody is charged by an estimate.
 */
export function slippedBy(session: Session, milliseconds: number): Metering {
  const isBytes = session.lots.at(-1)?.metric === 'bytes' && currentLot(session.lots) === undefined
  const slipped = isBytes ? Math.round((session.bytesPerSecond * milliseconds) / 1000) : 0
  return { ...meteringOf(session), overshootBytes: session.overshootBytes + slipped }
}

/** Whether a gate's opening lacks a point to measure from. */
export function lacksBaseline(session: Session, clients: readonly PortalClient[]): boolean {
  const entries = clients.filter((client) => client.mac === session.mac)
  return entries.some(({ token }) => !session.baseline.some((entry) => entry.token === token))
}

/** With the daemon gone everybody is on line and nobody is charged: no gate counts as seen open. */
export function unseen(books: Books): Metering[] {
  const open = [...books.sessions.values()].filter((session) => session.seenOpen)
  return open.map((session) => ({ ...meteringOf(session), seenOpen: null, bytesPerSecond: 0 }))
}
