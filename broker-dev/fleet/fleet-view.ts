// The fleet as it is known right now, folded from its messages, for the table.
import type { Event, LiveStatus, RouterId, Session, Status, UsageMessage } from '../../protocol/index.ts'

/** A session and the last event that its numbers include. */
interface SessionView {
  asOfSeq: number
  session: Session
}

export interface RouterView {
  routerId: RouterId
  /** The journal that `lastSeq` and the sessions belong to. */
  epoch: string
  state: Status['state'] | 'unknown'
  portal?: LiveStatus['portal']
  warnings: readonly string[]
  lastSeq: number
  sessions: ReadonlyMap<string, SessionView>
}

export interface FleetView {
  routers: ReadonlyMap<RouterId, RouterView>
  /** The newest last. */
  events: readonly Event[]
}

export const emptyFleet: FleetView = { routers: new Map(), events: [] }

/** How many events are kept to be shown. */
const eventsKept = 20

export function seeUsage(fleet: FleetView, message: UsageMessage): FleetView {
  const router = routerOf(fleet, message)
  if (message.type === 'usage') return withRouter(fleet, seeSessions(router, message.sessions, message.afterSeq))
  const events = [...fleet.events, message].slice(-eventsKept)
  // A repeated answer has no place of its own in the order, and nothing new in it.
  if (message.seq === undefined || message.seq <= router.lastSeq) return { ...fleet, events }
  return { ...withRouter(fleet, { ...seeEvent(router, message, message.seq), lastSeq: message.seq }), events }
}

export function seeStatus(fleet: FleetView, status: Status): FleetView {
  const router = routerOf(fleet, status)
  if (status.state === 'offline') return withRouter(fleet, { ...router, state: 'offline' })
  const { state, portal, warnings } = status
  return withRouter(fleet, { ...router, state, portal, warnings })
}

function seeEvent(router: RouterView, event: Event, seq: number): RouterView {
  if (event.type === 'session.ended') {
    const sessions = new Map(router.sessions)
    sessions.delete(event.sessionId)
    return { ...router, sessions }
  }
  return 'session' in event && event.session ? seeSessions(router, [event.session], seq) : router
}

// Reports and events travel separately: only what is newer replaces what is known.
function seeSessions(router: RouterView, seen: readonly Session[], asOfSeq: number): RouterView {
  if (asOfSeq < router.lastSeq) return router
  const sessions = new Map(router.sessions)
  for (const session of seen) {
    if (asOfSeq >= (sessions.get(session.sessionId)?.asOfSeq ?? 0))
      sessions.set(session.sessionId, { asOfSeq, session })
  }
  return { ...router, sessions }
}

function withRouter(fleet: FleetView, router: RouterView): FleetView {
  return { ...fleet, routers: new Map(fleet.routers).set(router.routerId, router) }
}

// A router that starts another journal has forgotten its sessions.
function routerOf(fleet: FleetView, { routerId, epoch }: { routerId: RouterId; epoch: string }): RouterView {
  const known = fleet.routers.get(routerId)
  if (known?.epoch === epoch) return known
  return { routerId, epoch, state: known?.state ?? 'unknown', warnings: [], lastSeq: 0, sessions: new Map() }
}
