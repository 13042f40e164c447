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
import type { GuardTable } from '../portal/guard-table.ts'
import { entriesByMac, type PortalClient, type PortalList, tellsOf } from '../portal/portal-client.ts'
import { gatesAlong, type ShutAlong, takesAlong } from '../portal/prefix-defect.ts'
import { type Moment, type Now, since, timestamp } from '../time/moment.ts'
import type { Drift } from './drifts.ts'
import { isUnpaid, type UnpaidPolicy } from './gate-plan.ts'
import { type Flow, findBlocked } from './silent-gates.ts'
import { type ShutsByDevice, withShut } from './unordered-shuts.ts'

/** The memory from look to look, besides the books. */
export interface Watch {
  /** Devices reported as open and unpaid, until seen otherwise. */
  unpaid: ReadonlySet<Mac>
  /** Gates that the agent itself has shut since the look before. */
  shut: ReadonlySet<Mac>
  /** Gates that the agent itself was opening since the look before. */
  opening: ReadonlySet<Mac>
  /** Sessions of an earlier life of the agent, until an answer tells of them: it may have been opening their gates. */
  adopted: ReadonlySet<string>
  flows: ReadonlyMap<Mac, Flow>
  /** Tokens of gates that the portal shut along with another one, and calls open: until it does no more. */
  shutAlong: ReadonlySet<string>
  /** Gates that go with another one, which is about to be shut or was when the agent died: until an answer tells of that one. */
  perhapsAlong: readonly ShutAlong[]
  /** IPs at which a gate was shut since the whole list was last read. */
  shutIps: ReadonlySet<string>
  /** Tokens of open gates that let nothing through. */
  blocked: ReadonlySet<string>
  shuts: ShutsByDevice
  /** Tokens of older entries at a paid device's IP that this agent has cleared, or tried to. */
  cleared: ReadonlySet<string>
  /** How often the portal would not open an older entry that was to be cleared, by token. */
  uncleared: ReadonlyMap<string, number>
}

export const nothingWatched: Watch = {
  unpaid: new Set(),
  shut: new Set(),
  opening: new Set(),
  adopted: new Set(),
  flows: new Map(),
  shutAlong: new Set(),
  perhapsAlong: [],
  shutIps: new Set(),
  blocked: new Set(),
  shuts: new Map(),
  cleared: new Set(),
  uncleared: new Map(),
}

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

/** The portal's list before this answer and with it. */
export interface Known {
  before?: PortalList
  after: PortalList
  /** The kernel's table, read after the portal answered; or as it was last known. */
  guard?: GuardTable
  knownGuard?: GuardTable
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
  const gone = isRestarted ? [] : goneFrom(books, list, known, now)
  const along = gone.flatMap((client) => gatesAlong(client, known.after))
  if (!isRestarted) along.push(...openedUnseen(books, list, known, watch))
  const isOpen = (token: string) => known.after.clients.some((client) => client.open && client.token === token)
  const decided = watch.perhapsAlong.filter(({ by }) => !by || tellsOf(list, by.mac))
  const confirmed = decided.filter(({ by }) => !by || !isOpen(by.token)).map(({ token }) => token)
  const before = isRestarted ? [] : [...watch.shutAlong, ...confirmed]
  const shutTokens = new Set([...before, ...along.map(({ token }) => token)].filter(isOpen))
  const look = {
    at: { bootId: now.bootId, at: list.askedAt ?? now.at },
    uptime: books.uptime,
    openedByOthers: openedByOthers(books, watch),
    blocked: new Set([...watch.blocked, ...shutTokens]),
    listed: new Set(known.before?.clients.map(({ token }) => token)),
    ...(known.after.trusted && { trusted: known.after.trusted }),
    ...(known.guard && { guard: known.guard }),
    ...(known.knownGuard && { knownGuard: known.knownGuard }),
  }
  const shutIps = new Set([...(list.only ? watch.shutIps : []), ...gone.map(({ ip }) => ip)])
  const perhapsAlong = isRestarted ? [] : watch.perhapsAlong.filter((gate) => !decided.includes(gate))
  const watched = { ...watch, shutAlong: shutTokens, perhapsAlong, shutIps }
  const settled: Settled = { metered: [], shut: [], events: [], drifts: [], askAtOnce: [], watch: watched }
  if (isRestarted) settled.drifts.push(drift('portal-restarted', 'every gate is compared with the books again'))
  for (const session of books.sessions.values()) {
    if (!tellsOf(list, session.mac)) continue
    const ofDevice = entries.get(session.mac) ?? []
    const clients = watch.adopted.has(session.sessionId) ? ofDevice.map(usedByHolder) : ofDevice
    const metering = meterSession(session, { ...look, clients })
    settleSession(settled, session, metering, ofDevice, isRestarted, now)
  }
  settleGates(settled, books, list, unpaid, now)
  settled.askAtOnce = [...new Set(along.map(({ mac }) => mac).filter((mac) => !tellsOf(list, mac)))]
  return settled
}

// While no agent looked, a device that has the address now may have used it, and have shut its own gate since: the customer is
// not charged for what may be another one's.
function usedByHolder(client: PortalClient): PortalClient {
  return client.heldBy ? { ...client, heldBy: { ...client.heldBy, open: true } } : client
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
    // Such a gate is renewed at every look until that is done; the drift is told once.
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

function metersDisagree({ mac, sessionId }: Session, { portal, guard }: { portal: number; guard: number }): Drift {
  const repair = `since the gate opened the portal has counted ${portal} bytes and the kernel ${guard}: the larger total is charged`
  return drift('meters-disagree', repair, { mac, sessionId })
}

/** The gate of a device whose IP another one has now is being shut. */
export function sharedAddress(books: Books, { mac, ip }: PortalClient, holder: Mac | undefined): Drift {
  const repair = `${ip} has passed to ${holder ?? 'another device'}: this gate is read and shut, and opens when the device has an address again`
  return drift('shared-address', repair, { mac, ...sessionIdOf(books, mac) })
}

function sessionIdOf({ sessions }: Books, mac: Mac): { sessionId?: string } {
  const session = sessions.get(mac)
  return session ? { sessionId: session.sessionId } : {}
}

// Gates that were open before this answer and are not now, whoever shut them, may have taken others along.
function goneFrom(books: Books, list: PortalList, { before, after }: Known, now: Now): Gate[] {
  const open = new Set(after.clients.filter((client) => client.open).map(({ token }) => token))
  const openBefore = before ? before.clients.filter((client) => client.open) : gatesByBooks(books, now)
  return openBefore.filter(({ mac, token }) => tellsOf(list, mac) && !open.has(token))
}

// While no agent ran a customer may have shut its own gate, and others with it.
function gatesByBooks({ sessions }: Books, now: Now): Gate[] {
  const open = [...sessions.values()].filter(({ meter }) => meter.seenOpen && since(meter.seenOpen, now) !== undefined)
  return open.flatMap(({ mac, meter }) => meter.baseline.map(({ token, ip }) => ({ mac, token, ip })))
}

type Gate = Pick<PortalClient, 'mac' | 'ip' | 'token'>

// An entry that its customer opened before it was known may have lost its rules with a gate that was shut since.
function openedUnseen(
  { sessions }: Books,
  list: PortalList,
  { before, after }: Known,
  { shutIps, opening, adopted }: Watch,
): PortalClient[] {
  return list.clients.filter((client) => {
    const { mac, token } = client
    const session = sessions.get(mac)
    if (!client.open || !session || opening.has(mac) || adopted.has(session.sessionId)) return false
    const isKnown = [...session.meter.baseline, ...(before?.clients ?? [])].some((entry) => entry.token === token)
    return !isKnown && [...shutIps].some((ip) => takesAlong(ip, client, after))
  })
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
  return {
    type: 'session.started',
    sessionId: session.sessionId,
    mac: session.mac,
    openedAfterMilliseconds: Math.round(waited),
    session: viewOf({ ...session, startedAt: timestamp(now.wall) }, now, { portalUnreachable: false }),
  }
}

export function drift(
  kind: Drift['kind'],
  repair: string,
  about: { mac?: Mac; sessionId?: string; unreadBytes?: number } = {},
): Drift {
  return { type: 'gate.drift', kind, ...about, repair }
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
