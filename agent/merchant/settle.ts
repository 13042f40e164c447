// Settling a look: what it means for the sessions, told as events.
import { type EndReason, type Mac, terminateCauses } from '../../protocol/index.ts'
import { type Now, since, timestamp } from '../moment.ts'
import { getDataUsageSinceBaseline } from '../valve/baseline.ts'
import { entriesByMac, type PortalClient, type PortalList, tellsOf } from '../valve/portal-client.ts'
import { type Flow, findBlocked } from './blocked.ts'
import type { Books, Metering } from './books.ts'
import type { Draft } from './draft.ts'
import { isUnpaid, type UnpaidPolicy } from './gate-plan.ts'
import { meterSession } from './metering.ts'
import { isPaid, type Session, sumOf } from './session.ts'
import { amounts, viewOf } from './view.ts'

/** What the agent remembers from look to look besides the books. */
export interface Watch {
  /** Devices reported as open and unpaid, until seen otherwise. */
  unpaid: ReadonlySet<Mac>
  /** Gates that the agent itself has shut since the look before. */
  shut: ReadonlySet<Mac>
  flows: ReadonlyMap<Mac, Flow>
  /** Tokens of gates that the portal shut along with another one, and calls open. */
  shutAlong: ReadonlySet<string>
  /** Tokens of open gates that let nothing through. */
  blocked: ReadonlySet<string>
}

export const nothingWatched: Watch = {
  unpaid: new Set(),
  shut: new Set(),
  flows: new Map(),
  shutAlong: new Set(),
  blocked: new Set(),
}

export interface Settled {
  metered: Metering[]
  /** Gates that a session was moved away from, now seen shut. */
  shut: Mac[]
  events: Draft[]
  watch: Watch
}

/** Charges every session and tells what began, ended or went wrong since the look before. */
export function settle(books: Books, list: PortalList, watch: Watch, unpaid: UnpaidPolicy, now: Now): Settled {
  const at = { bootId: now.bootId, at: now.at }
  const entries = entriesByMac(list.clients)
  const events: Draft[] = []
  const metered: Metering[] = []
  if (hasRestarted(books, list, entries))
    events.push(drift('portal-restarted', 'every gate is compared with the books again'))
  for (const before of books.sessions.values()) {
    if (!tellsOf(list, before.mac)) continue
    const { used, ...metering } = meterSession(before, { at, clients: entries.get(before.mac) ?? [] })
    metered.push({ ...metering, used })
    const lots = before.lots.map((lot, index) => ({ ...lot, used: used[index] ?? lot.used }))
    events.push(...storyOf(before, { ...before, ...metering, lots }, list, watch, now))
  }
  const open = list.clients.filter((client) => isUnpaid(books, list, client)).map((client) => client.mac)
  const repair = unpaid === 'close' ? 'the gate is being shut' : 'reported only, as configured'
  for (const mac of new Set(open)) {
    if (!watch.unpaid.has(mac)) events.push(drift('open-but-unpaid', repair, { mac }))
  }
  const openMacs = new Set(list.clients.filter((client) => client.open).map((client) => client.mac))
  const shut = [...books.shutting].filter((mac) => tellsOf(list, mac) && !openMacs.has(mac))
  const untold = (macs: ReadonlySet<Mac>) => [...macs].filter((mac) => !tellsOf(list, mac))
  const { flows, blocked } = findBlocked(watch.flows, books, list, now)
  const deaf = list.clients.filter((client) => blocked.includes(client) || isShutAlong(client, watch, books))
  for (const { mac } of deaf) events.push(drift('paid-but-blocked', renewal, { mac, ...sessionIdOf(books, mac) }))
  const next: Watch = {
    unpaid: new Set([...untold(watch.unpaid), ...open]),
    shut: new Set(untold(watch.shut)),
    flows,
    shutAlong: new Set([...watch.shutAlong].filter((token) => !list.clients.some((client) => client.token === token))),
    blocked: new Set(deaf.map(({ token }) => token)),
  }
  return { metered, shut, events, watch: next }
}

const renewal = 'the portal calls the gate open and nothing comes through: it is shut and opened again'

function isShutAlong({ mac, open, token }: PortalClient, watch: Watch, { sessions }: Books): boolean {
  return open && sessions.has(mac) && watch.shutAlong.has(token)
}

function sessionIdOf({ sessions }: Books, mac: Mac): { sessionId?: string } {
  const session = sessions.get(mac)
  return session ? { sessionId: session.sessionId } : {}
}

function storyOf(before: Session, after: Session, list: PortalList, watch: Watch, now: Now): Draft[] {
  const { mac, sessionId } = after
  // Paid before this look: what it found used up was used through an open gate.
  if (after.seenOpen && after.startedAt === null && isPaid(before)) return [started(after, now)]
  if (after.seenOpen) return []
  if (isPaid(after)) {
    if (!before.seenOpen || watch.shut.has(mac)) return []
    const known = list.clients.some((client) => client.mac === mac)
    const repair = known ? 'the gate is being opened again' : 'the gate opens as soon as the portal sees the device'
    return [drift('paid-but-blocked', repair, { mac, sessionId })]
  }
  return after.paused && after.ending === undefined && hasRest(after) ? [] : [ended(after)]
}

function started(session: Session, now: Now): Draft {
  const waited = since(session.arrived, now) ?? Math.max(0, now.wall - session.arrived.wall)
  return {
    type: 'session.started',
    sessionId: session.sessionId,
    mac: session.mac,
    openedAfterMilliseconds: Math.round(waited),
    session: viewOf({ ...session, startedAt: timestamp(now.wall) }, now, true),
  }
}

function ended(session: Session): Draft {
  const reason: EndReason = session.ending ?? 'allotment-used'
  return {
    type: 'session.ended',
    sessionId: session.sessionId,
    mac: session.mac,
    startedAt: session.startedAt,
    reason,
    terminateCause: terminateCauses[reason],
    purchases: session.lots.map(({ allotment, used, ...lot }) => ({
      ...lot,
      allotment,
      used,
      unused: allotment - used,
    })),
    used: amounts(
      session,
      sumOf(session.lots, (lot) => lot.used),
    ),
    downloaded: session.downloaded,
    uploaded: session.uploaded,
    openMilliseconds: session.openMilliseconds,
    overshootBytes: session.overshootBytes,
  }
}

export function drift(
  kind: Extract<Draft, { type: 'gate.drift' }>['kind'],
  repair: string,
  about: { mac?: Mac; sessionId?: string } = {},
): Draft {
  return { type: 'gate.drift', kind, ...about, repair }
}

function hasRest(session: Session): boolean {
  return session.lots.some((lot) => lot.used < lot.allotment)
}

// A counter that went down, or two and more open entries gone at once, is the portal's own doing and not a device's.
function hasRestarted(books: Books, list: PortalList, entries: ReadonlyMap<Mac, PortalClient[]>): boolean {
  const told = [...books.sessions.values()].filter(({ mac }) => tellsOf(list, mac))
  const open = told.filter((session) => session.seenOpen && isPaid(session))
  const tokens = new Set(list.clients.map((client) => client.token))
  const gone = open.filter((session) => !session.baseline.some((entry) => tokens.has(entry.token)))
  const reset = open.some(({ baseline, mac }) => getDataUsageSinceBaseline(baseline, entries.get(mac) ?? []).restarted)
  return reset || (open.length > 1 && gone.length === open.length)
}
