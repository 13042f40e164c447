// The fleet as it is known right now, folded from its messages, for the screen.
import type { Conservation, Event, LiveStatus, RouterId, Session, Status, UsageMessage } from '../../protocol/index.ts'

/** A session, the last event that its numbers include, and when they came. */
export interface SessionView {
  asOfSeq: number
  session: Session
  seenAt: number
}

export interface RouterView {
  routerId: RouterId
  /** The journal that `lastSeq` and the sessions belong to. */
  epoch: string
  state: Status['state'] | 'unknown'
  portal?: LiveStatus['portal']
  warnings: readonly string[]
  conservation?: Conservation
  usageIntervalMilliseconds: number
  lastSeq: number
  sessions: ReadonlyMap<string, SessionView>
  /** When anything came from it last; 0 where nobody noted it. */
  heardAt: number
}

/** An event, or the same drift of several devices. */
export interface EventView {
  event: Event
  times: number
}

export interface FleetView {
  routers: ReadonlyMap<RouterId, RouterView>
  /** The newest last. */
  events: readonly EventView[]
}

export const emptyFleet: FleetView = { routers: new Map(), events: [] }

/** How many events are kept to be shown. */
const eventsKept = 40

/** `now` is the fleet's own time. */
export function seeUsage(fleet: FleetView, message: UsageMessage, now = 0): FleetView {
  const router = { ...routerOf(fleet, message), heardAt: now }
  if (message.type === 'usage') return withRouter(fleet, seeSessions(router, message.sessions, message.afterSeq, now))
  const seen = { ...fleet, events: withEvent(fleet.events, message) }
  // A repeated answer has no place of its own in the order, and nothing new in it.
  if (message.seq === undefined || message.seq <= router.lastSeq) return withRouter(seen, router)
  return withRouter(seen, { ...seeEvent(router, message, message.seq, now), lastSeq: message.seq })
}

export function seeStatus(fleet: FleetView, status: Status, now = 0): FleetView {
  // A router whose disk cannot be read does not say which journal it has.
  const { routerId, epoch = fleet.routers.get(routerId)?.epoch ?? '' } = status
  const router = { ...routerOf(fleet, { routerId, epoch }), heardAt: now }
  if (status.state === 'offline') return withRouter(fleet, { ...router, state: 'offline' })
  const { state, portal, warnings, conservation, usageIntervalMilliseconds } = status
  return withRouter(fleet, {
    ...router,
    state,
    portal,
    warnings,
    ...(conservation && { conservation }),
    usageIntervalMilliseconds,
  })
}

/** Nothing was heard of it for three of its reports. */
export function isSilent({ state, heardAt, usageIntervalMilliseconds }: RouterView, now: number): boolean {
  return state !== 'offline' && now - heardAt > 3 * usageIntervalMilliseconds
}

function seeEvent(router: RouterView, event: Event, seq: number, now: number): RouterView {
  if (event.type === 'session.ended') {
    const sessions = new Map(router.sessions)
    sessions.delete(event.sessionId)
    return { ...router, sessions }
  }
  return 'session' in event && event.session ? seeSessions(router, [event.session], seq, now) : router
}

// Reports and events travel separately: only what is newer replaces what is known.
function seeSessions(router: RouterView, seen: readonly Session[], asOfSeq: number, seenAt: number): RouterView {
  if (asOfSeq < router.lastSeq) return router
  const sessions = new Map(router.sessions)
  for (const session of seen) {
    if (asOfSeq >= (sessions.get(session.sessionId)?.asOfSeq ?? 0))
      sessions.set(session.sessionId, { asOfSeq, session, seenAt })
  }
  return { ...router, sessions }
}

// A portal that starts again blocks everybody who paid: that is one line, not seven.
function withEvent(events: readonly EventView[], event: Event): readonly EventView[] {
  const last = events.at(-1)
  if (last && isSameDrift(last.event, event)) return [...events.slice(0, -1), { event, times: last.times + 1 }]
  return [...events, { event, times: 1 }].slice(-eventsKept)
}

function isSameDrift(one: Event, other: Event): boolean {
  if (one.type !== 'gate.drift' || other.type !== 'gate.drift') return false
  return one.routerId === other.routerId && one.kind === other.kind && one.repair === other.repair
}

function withRouter(fleet: FleetView, router: RouterView): FleetView {
  return { ...fleet, routers: new Map(fleet.routers).set(router.routerId, router) }
}

// A router that starts another journal has forgotten its sessions.
function routerOf(fleet: FleetView, { routerId, epoch }: { routerId: RouterId; epoch: string }): RouterView {
  const known = fleet.routers.get(routerId)
  if (known?.epoch === epoch) return known
  const nothing = { warnings: [], lastSeq: 0, sessions: new Map(), heardAt: 0 }
  const { state = 'unknown', usageIntervalMilliseconds = Number.POSITIVE_INFINITY } = known ?? {}
  return { routerId, epoch, state, usageIntervalMilliseconds, ...nothing }
}
