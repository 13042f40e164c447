// Settling a look: what it means for the sessions, told as events.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { endOf, leavingOf } from '../merchant/ending.ts'
import type { Draft } from '../merchant/event-draft.ts'
import type { Metering } from '../merchant/journal-record.ts'
import { meterSession } from '../merchant/metering.ts'
import { isPaid, lotsToSettle, metered, type Session } from '../merchant/session.ts'
import { disagreement } from '../merchant/two-meters.ts'
import { viewOf } from '../merchant/view.ts'
import { getDataUsageSinceBaseline, isContinued } from '../portal/baseline.ts'
import { entriesByMac, type PortalClient, type PortalList, tellsOf } from '../portal/portal-client.ts'
import { othersAt } from '../portal/shared-address.ts'
import { type Moment, type Now, since, timestamp } from '../time/moment.ts'
import { drift, metersDisagree, sessionIdOf } from './drift-words.ts'
import type { Drift } from './drifts.ts'
import { isUnpaid, type UnpaidPolicy } from './gate-plan.ts'
import { lostRules, nothingLost } from './lost-rules.ts'
import { findBlocked } from './silent-gates.ts'
import { withShut } from './unordered-shuts.ts'
import type { Known, Watch } from './watch.ts'

export interface Settled {
  metered: Metering[]
  /** Gates that a session was moved away from, now seen shut. */
  shut: Mac[]
  /** Of sessions: what somebody may bill or ask about. */
  events: Draft[]
  drifts: Drift[]
  /** Devices to ask about at once: their gates may have been shut along with another one. */
  askAtOnce: Mac[]
  watch: Watch
}

/** Charges every session and tells what began, ended or went wrong since the look before. */
export function settle(
  books: Books,
  list: PortalList,
  watch: Watch,
  unpaid: UnpaidPolicy,
  now: Now,
  known: Known = { after: list },
): Settled {
  const entries = entriesByMac(list.clients)
  const isRestarted = hasRestarted(books, list, entries, watch)
  const { along, ...lost } = isRestarted ? nothingLost : lostRules(books, list, watch, known, now)
  const look = {
    at: { bootId: now.bootId, at: list.askedAt ?? now.at },
    uptime: books.uptime,
    openedByOthers: openedByOthers(books, watch),
    blocked: new Set([...watch.blocked, ...lost.shutAlong]),
    listed: new Set(known.before?.clients.map(({ token }) => token)),
    ...(known.after.trusted && { trusted: known.after.trusted }),
    ...(known.guard && { guard: known.guard }),
    ...(known.knownGuard && { knownGuard: known.knownGuard }),
    neighbours: known.neighbours,
  }
  const watched = { ...watch, ...lost }
  const settled: Settled = { metered: [], shut: [], events: [], drifts: [], askAtOnce: [], watch: watched }
  if (isRestarted) settled.drifts.push(drift('portal-restarted', 'every gate is compared with the books again'))
  for (const session of books.sessions.values()) {
    if (!tellsOf(list, session.mac)) continue
    const ofDevice = entries.get(session.mac) ?? []
    const isFirst = watch.adopted.has(session.sessionId)
    const clients = isFirst ? ofDevice.map((client) => usedMeanwhile(client, known.after)) : ofDevice
    const metering = meterSession(session, { ...look, clients, isFirst })
    settleSession(settled, session, metering, ofDevice, isRestarted, now)
  }
  settleGates(settled, books, list, unpaid, now)
  settled.askAtOnce = [...new Set(along.map(({ mac }) => mac).filter((mac) => !tellsOf(list, mac)))]
  return settled
}

// While no agent looked, a device that has the address now may have used it, and have shut its own gate since: the customer is
// not charged for what may be another one's.
function usedMeanwhile(client: PortalClient, { clients }: PortalList): PortalClient {
  if (client.heldBy) return { ...client, heldBy: { ...client.heldBy, open: true } }
  // The device that has the address now may have it back from one whose gate is still open there.
  return othersAt(client, clients).some(({ open }) => open) ? { ...client, isContested: true } : client
}

/** Adds to `settled` the meaning of the look for one session. */
function settleSession(
  settled: Settled,
  before: Session,
  metering: Metering,
  entries: readonly PortalClient[],
  isRestarted: boolean,
  now: Now,
): void {
  const { mac, sessionId } = before
  const lost = lostReading(before, metering, entries, settled.watch)
  if (lost) metering.meter.unreadBytes += lost.bytes
  const differing = disagreement(before.meter, metering.meter)
  if (differing) settled.drifts.push(metersDisagree(before, differing))
  // A portal that has lost its clients did not shut one device's gate.
  if (lost && !isRestarted) {
    settled.watch = {
      ...settled.watch,
      shuts: withShut(settled.watch.shuts, mac, lost.at, before.meter.bytesPerSecond),
    }
  }
  settled.metered.push(metering)
  const after = metered(before, metering)
  settled.events.push(...eventsOf(before, after, now))
  const leaving = isPaid(after) ? lotsToSettle(after.lots) : []
  if (leaving.length > 0) settled.events.push(...leavingOf(after, leaving))
  if (!before.meter.seenOpen || after.meter.seenOpen || !isPaid(after) || settled.watch.shut.has(mac)) return
  const repair =
    entries.length > 0 ? 'the gate is being opened again' : 'the gate opens as soon as the portal sees the device'
  settled.drifts.push(
    drift('paid-but-blocked', repair, { mac, sessionId, ...(lost && lost.bytes > 0 && { unreadBytes: lost.bytes }) }),
  )
}

function settleGates(settled: Settled, books: Books, list: PortalList, unpaid: UnpaidPolicy, now: Now): void {
  const { watch, drifts } = settled
  const open = list.clients.filter((client) => isUnpaid(books, list, client)).map((client) => client.mac)
  const repair = unpaid === 'close' ? 'the gate is being shut' : 'reported only, as configured'
  for (const mac of new Set(open)) {
    if (!watch.unpaid.has(mac)) drifts.push(drift('open-but-unpaid', repair, { mac }))
  }
  const openMacs = new Set(list.clients.filter((client) => client.open).map((client) => client.mac))
  settled.shut = [...books.shutting].filter((mac) => tellsOf(list, mac) && !openMacs.has(mac))
  const { flows, blocked } = findBlocked(watch.flows, books, list, now)
  const deaf = list.clients.filter((client) => blocked.includes(client) || isShutAlong(client, watch, books))
  for (const { mac, token } of deaf) {
    // A gate that lets nothing through is renewed at every look until it does; its drift is told once.
    if (!watch.blocked.has(token)) drifts.push(drift('paid-but-blocked', renewal, { mac, ...sessionIdOf(books, mac) }))
  }
  const notCovered = <T extends Mac>(macs: ReadonlySet<T>) => [...macs].filter((mac) => !tellsOf(list, mac))
  settled.watch = {
    ...watch,
    unpaid: new Set([...notCovered(watch.unpaid), ...open]),
    shut: new Set(notCovered(watch.shut)),
    opening: new Set(notCovered(watch.opening)),
    adopted: new Set(
      [...books.sessions.values()].flatMap(({ mac, sessionId }) => {
        return watch.adopted.has(sessionId) && !tellsOf(list, mac) ? [sessionId] : []
      }),
    ),
    flows,
    blocked: new Set(deaf.map(({ token }) => token)),
    shuts: new Map([...watch.shuts].filter(([mac]) => books.sessions.has(mac))),
  }
}

const renewal = 'the portal calls the gate open and nothing comes through: it is shut and opened again'

function isShutAlong({ mac, open, token }: PortalClient, watch: Watch, { sessions }: Books): boolean {
  return open && sessions.has(mac) && watch.shutAlong.has(token)
}

/** Devices of sessions whose gate, if it is open now, was opened by somebody else than this agent. */
function openedByOthers(books: Books, { adopted, opening }: Watch): Set<Mac> {
  const others = [...books.sessions.values()].filter(({ mac, sessionId, meter }) => {
    return !meter.seenOpen && !adopted.has(sessionId) && !opening.has(mac)
  })
  return new Set(others.map(({ mac }) => mac))
}

/**
 * Estimates the bytes that nobody can read any more after an open gate was shut without an order, perhaps opened again: half of the
 * measured rate since the last reading, because the shut may have come at any moment of it.
 */
function lostReading(
  { mac, meter: before }: Session,
  { meter: after }: Metering,
  entries: readonly PortalClient[],
  watch: Watch,
): { bytes: number; at: number } | undefined {
  if (!before.seenOpen || watch.shut.has(mac) || isContinued(before.baseline, entries)) return undefined
  const at = (after.readAt as Moment).at
  // Bytes that the kernel has counted need no estimate.
  const isCounted = before.guard !== undefined && after.guard !== undefined
  const unread = isCounted ? 0 : ((after.readAt && since(before.seenOpen, after.readAt)) ?? 0)
  const rate = Math.max(before.bytesPerSecond, watch.shuts.get(mac)?.bytesPerSecond ?? 0)
  return { bytes: Math.round((rate * unread) / 2000), at }
}

function eventsOf(before: Session, after: Session, now: Now): Draft[] {
  // Judge by the session before this look: a lot found used up now was used through an open gate, so it did start.
  if (after.meter.seenOpen) return after.startedAt === null && isPaid(before) ? [started(after, now)] : []
  if (isPaid(after)) return []
  const isKept = after.paused && after.ending === undefined && hasRest(after)
  return isKept ? [] : endOf(after, after.ending ?? 'allotment-used')
}

function started(session: Session, now: Now): Draft {
  const waited = since(session.arrived, now) ?? Math.max(0, now.wall - session.arrived.wall)
  // Its time runs from the look that saw the gate open, and that was asked for a while ago: a payer who reckons its end from a later
  // start would find it cut too early.
  const age = (session.meter.seenOpen && since(session.meter.seenOpen, now)) ?? 0
  return {
    type: 'session.started',
    sessionId: session.sessionId,
    mac: session.mac,
    openedAfterMilliseconds: Math.round(waited),
    session: viewOf({ ...session, startedAt: timestamp(now.wall - age) }, now, { portalUnreachable: false }),
  }
}

function hasRest(session: Session): boolean {
  return session.lots.some((lot) => lot.used < lot.allotment)
}

// A counter that went down, or two and more open entries gone at once, is the portal's own doing and not a device's, unless
// this agent has just shut them.
function hasRestarted(
  books: Books,
  list: PortalList,
  entries: ReadonlyMap<Mac, PortalClient[]>,
  { shut }: Watch,
): boolean {
  const told = [...books.sessions.values()].filter(({ mac }) => tellsOf(list, mac) && !shut.has(mac))
  const open = told.filter((session) => session.meter.seenOpen && isPaid(session))
  const tokens = new Set(list.clients.map((client) => client.token))
  // nodogsplash goes on listing a device that has logged out. openNDS does not: there two may have done so at once.
  const isListed = ({ mac }: Session) => list.kind === 'nodogsplash' && entries.has(mac)
  const gone = open.filter(
    (session) => !session.meter.baseline.some(({ token }) => tokens.has(token)) && !isListed(session),
  )
  // Those of an older entry at the same IP begin anew with that one's gate.
  const own = ({ mac }: Session) => (entries.get(mac) ?? []).filter((client) => !client.borrowed)
  const reset = open.some((session) => getDataUsageSinceBaseline(session.meter.baseline, own(session)).restarted)
  return reset || (open.length > 1 && gone.length === open.length)
}
