// The ledger: an observer's own account of one router, from the events as they are on its disk and from what the site
// really saw. It shares no code with the agent's books.
import type { Event, EventOf, Metric } from '../../protocol/index.ts'
import { boundsOf, noBounds, startOn, sumOf, wrongCharges } from './charges.ts'
import type { Bounds, OpenSession } from './open-session.ts'
import type { Site } from './site.ts'

/** The offer for a purchase, as its backend may count on it. */
export interface Terms {
  sold: { metric: Metric; allotment: number } | undefined
  startWithin?: number | undefined
}

export interface Ledger {
  /** By sequence number, from 1: the text of every event on disk. */
  readonly texts: readonly string[]
  readonly outcomes: ReadonlyMap<string, Event>
  readonly sessions: ReadonlyMap<string, OpenSession>
  readonly sold: Record<Metric, bigint>
  /** An event is on disk. */
  record(event: Event): void
  /** A backend has sent that; `undefined` when nothing can be sold for it. */
  offered(purchaseId: string, terms: Terms): void
  ordered(mac: string): void
  /** Another life of the agent: it does not know what drifts the one before has told. */
  newLife(): void
  /** The use that an agent which does its work has charged or stated by now, at least and at most. */
  bounds(session: OpenSession): Bounds
}

/** `watchEnd`: judges the end of a session besides. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one account that every event changes.
export function createLedger(
  site: Site,
  now: () => number,
  violate: (what: string) => void,
  watchEnd: (session: OpenSession, event: EventOf<'session.ended'>) => void = () => {},
): Ledger {
  const texts: string[] = []
  const outcomes = new Map<string, Event>()
  const sessions = new Map<string, OpenSession>()
  const ended = new Set<string>()
  const offers = new Map<string, Terms[]>()
  const sold = { bytes: 0n, milliseconds: 0n }
  const drifts = new Map<string, number>()
  let epoch: string | undefined

  function record(event: Event) {
    const text = JSON.stringify(event)
    epoch ??= event.epoch
    if (event.epoch !== epoch) violate(`the epoch changed to ${event.epoch} without any damage: ${text}`)
    const seq = event.seq ?? 0
    const before = texts[seq - 1]
    if (before === text) return
    if (before !== undefined) return violate(`event ${seq} changed from ${before} to ${text}`)
    if (seq !== texts.length + 1) return violate(`event ${seq} follows event ${texts.length}: ${text}`)
    texts.push(text)
    site.touch()
    enter(event)
  }

  function enter(event: Event) {
    if (event.type === 'purchase.accepted' || event.type === 'purchase.rejected') outcome(event)
    if (event.type === 'session.started') started(event)
    if (event.type === 'session.moved') move(event)
    if (event.type === 'session.ended') end(event)
    if (event.type === 'session.settled') settled(event)
    if (event.type === 'gate.drift') drift(event)
    if (event.type === 'session.paused' || event.type === 'session.resumed') sessionOf(event)
  }

  function outcome(event: EventOf<'purchase.accepted' | 'purchase.rejected'>) {
    const { purchaseId } = event
    if (purchaseId === undefined || !event.final) return violate(`no outcome, and journalled: ${JSON.stringify(event)}`)
    if (outcomes.has(purchaseId)) return violate(`purchase ${purchaseId} has a second outcome, event ${event.seq}`)
    outcomes.set(purchaseId, event)
    const offered = offers.get(purchaseId)
    if (!offered) return violate(`purchase ${purchaseId} was never sent`)
    if (event.type === 'purchase.rejected') return rejected(event)
    const { metric, allotment } = event
    const isFair = offered.some(({ sold }) => sold?.metric === metric && sold.allotment === allotment)
    if (!isFair) violate(`purchase ${purchaseId} was sold as ${allotment} ${metric}`)
    accept(event)
  }

  function rejected({ code, purchaseId, mac }: EventOf<'purchase.rejected'>) {
    if (code !== 'allotment-overflow' || mac === undefined) return
    const session = sessions.get(mac)
    for (const { sold } of offers.get(purchaseId ?? '') ?? []) {
      if (!sold || (session && sumOf(session)[sold.metric] + sold.allotment > Number.MAX_SAFE_INTEGER)) continue
      violate(`purchase ${purchaseId} of ${sold.allotment} ${sold.metric} would fit, and is refused with ${code}`)
    }
  }

  /** An event that is told again and again wears the flash. */
  function drift({ kind, mac, ...event }: EventOf<'gate.drift'>) {
    const session = mac === undefined ? undefined : sessions.get(mac)
    if (session) session.unreadBytes += event.unreadBytes ?? 0
    const about = `${kind} ${mac ?? 'the portal'}`
    const last = drifts.get(about)
    drifts.set(about, now())
    if (last !== undefined && now() - last < driftMilliseconds)
      violate(`${about} is told again after ${now() - last} ms`)
  }

  function accept({ sessionId, mac, purchaseId, metric, allotment, session }: EventOf<'purchase.accepted'>) {
    sold[metric] += BigInt(allotment)
    const lot = { purchaseId, metric, allotment }
    const open = sessions.get(mac)
    if (open && open.sessionId !== sessionId) violate(`${mac} has session ${open.sessionId} and gets ${sessionId}`)
    if (open) {
      open.lots.push(lot)
      open.soldAt = now()
      // Use that slipped by when everything was used up is the customer's: the new lot begins whole.
      if (session) open.givenAway = Math.max(0, session.downloaded + session.uploaded - (session.used.bytes ?? 0))
      return
    }
    if (ended.has(sessionId)) violate(`session ${sessionId} has ended and is sold more`)
    const device = site.byMac.get(mac)
    if (!device) return violate(`${mac} is no device here`)
    const begun = {
      sessionId,
      lots: [lot],
      begunAt: now(),
      soldAt: now(),
      isStarted: false,
      hasOrders: false,
      givenAway: 0,
      earlier: noBounds,
      told: [],
      unreadBytes: 0,
    }
    const within = Math.min(
      ...(offers.get(purchaseId) ?? []).map((offer) => offer.startWithin ?? Number.POSITIVE_INFINITY),
    )
    // It was decided before it was on disk.
    const abandonableAt = now() + within - decisionMilliseconds
    sessions.set(mac, { ...begun, abandonableAt, device, from: startOn(site, device) })
  }

  function move({ from, to, sessionId }: EventOf<'session.moved'>) {
    const session = sessionOf({ mac: from, sessionId })
    const device = site.byMac.get(to)
    if (!session || !device || sessions.has(to)) return violate(`session ${sessionId} cannot be moved to ${to}`)
    const earlier = boundsOf(site, session)
    sessions.delete(from)
    sessions.set(to, { ...session, device, from: startOn(site, device), earlier, hasOrders: true })
  }

  function sessionOf({ mac, sessionId }: { mac: string; sessionId: string }): OpenSession | undefined {
    const session = sessions.get(mac)
    if (session?.sessionId === sessionId) return session
    violate(`${mac} has no session ${sessionId}`)
    return undefined
  }

  function started(event: EventOf<'session.started'>) {
    const session = sessionOf(event)
    if (!session) return
    if (session.isStarted) violate(`session ${event.sessionId} started twice`)
    session.isStarted = true
  }

  /** Lots that are used up leave a session that has many of them. */
  function settled(event: EventOf<'session.settled'>) {
    const session = sessionOf(event)
    if (!session) return
    const rest = event.purchases.find(({ unused }) => unused !== 0)
    if (rest) violate(`${at(event)}: ${rest.purchaseId} leaves with ${rest.unused} unused`)
    session.told.push(...event.purchases)
  }

  function end(event: EventOf<'session.ended'>) {
    const session = sessionOf(event)
    if (!session) return
    session.told.push(...event.purchases)
    const { part = 1, parts = 1 } = event
    if (part < parts) return
    checkLots(session, event)
    for (const wrong of wrongCharges(site, session, event)) violate(`${at(event)}: ${wrong}`)
    watchEnd(session, event)
    sessions.delete(event.mac)
    ended.add(event.sessionId)
  }

  function checkLots(session: OpenSession, event: EventOf<'session.ended'>) {
    const { told } = session
    const lots = told.map(({ purchaseId, metric, allotment }) => ({ purchaseId, metric, allotment }))
    if (JSON.stringify(lots) !== JSON.stringify(session.lots)) violate(`${at(event)} has other lots than were sold`)
    const unbalanced = told.find(({ allotment, used, unused }) => used + unused !== allotment || unused < 0)
    if (unbalanced) violate(`${at(event)}: used + unused is not what was sold: ${JSON.stringify(unbalanced)}`)
    const firstUnused = told.findIndex(({ unused }) => unused > 0)
    if (firstUnused >= 0 && told.slice(firstUnused + 1).some(({ used }) => used > 0)) {
      violate(`${at(event)}: a lot was used before the one sold earlier`)
    }
    if (event.reason === 'allotment-used' && firstUnused >= 0) violate(`${at(event)} ended with something left`)
    const isAbandoned = event.reason === 'abandoned'
    if (isAbandoned && (session.isStarted || now() < session.abandonableAt)) {
      violate(`${at(event)} is abandoned too early, or has begun`)
    }
  }

  const at = (event: { sessionId: string; seq: number }) => `session ${event.sessionId} (event ${event.seq})`

  return {
    texts,
    outcomes,
    sessions,
    sold,
    record,
    offered: (purchaseId, terms) => offers.set(purchaseId, [...(offers.get(purchaseId) ?? []), terms]),
    ordered: (mac) => {
      const session = sessions.get(mac)
      if (session) session.hasOrders = true
    },
    newLife: () => drifts.clear(),
    bounds: (session) => boundsOf(site, session),
  }
}

// One kind of drift about one device is told so often at most; one that was late on disk seems to be nearer to the next.
const driftMilliseconds = 290_000
// A full or slow disk takes a decision late.
const decisionMilliseconds = 10_000
