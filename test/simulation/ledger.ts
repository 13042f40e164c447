// The ledger: an observer's own account of one router, from the events as they are on its disk and from what the site
// really saw. It shares no code with the agent's books.
import type { Event, EventOf, Metric } from '../../protocol/index.ts'
import type { Device, Site } from './site.ts'

export interface OpenSession {
  sessionId: string
  device: Device
  lots: { purchaseId: string; metric: Metric; allotment: number }[]
  isStarted: boolean
  /** An operator has given orders about it: it may be shut although something is left. */
  hasOrders: boolean
  /** Bytes that no lot was charged for, up to the latest top-up. */
  givenAway: number
  /** The truth when it began. `lastRead`: what had passed when the portal was last read. */
  from: Pick<Device, 'passed' | 'free' | 'openMilliseconds' | 'seenOpen' | 'openings'> & { lastRead: number }
  /** What it used on the devices that it was moved away from. */
  earlier: Bounds
}

export interface Ledger {
  /** By sequence number, from 1: the text of every event on disk. */
  readonly texts: readonly string[]
  readonly outcomes: ReadonlyMap<string, Event>
  readonly sessions: ReadonlyMap<string, OpenSession>
  readonly sold: Record<Metric, number>
  /** An event is on disk. */
  record(event: Event): void
  /** A backend has sent that; `undefined` when nothing can be sold for it. */
  offered(purchaseId: string, sold: { metric: Metric; allotment: number } | undefined): void
  ordered(mac: string): void
  /** What of a session the portal showed to a living agent, at least and at most. */
  bounds(session: OpenSession): Bounds
}

export type Bounds = Record<Metric, { least: number; most: number }>

const noBounds: Bounds = { bytes: { least: 0, most: 0 }, milliseconds: { least: 0, most: 0 } }

export function createLedger(site: Site, violate: (what: string) => void): Ledger {
  const texts: string[] = []
  const outcomes = new Map<string, Event>()
  const sessions = new Map<string, OpenSession>()
  const ended = new Set<string>()
  const offers = new Map<string, ({ metric: Metric; allotment: number } | undefined)[]>()
  const sold = { bytes: 0, milliseconds: 0 }
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
    if (event.type === 'session.paused' || event.type === 'session.resumed') sessionOf(event)
  }

  function outcome(event: EventOf<'purchase.accepted' | 'purchase.rejected'>) {
    const { purchaseId } = event
    if (purchaseId === undefined || !event.final) return violate(`no outcome, and journalled: ${JSON.stringify(event)}`)
    if (outcomes.has(purchaseId)) return violate(`purchase ${purchaseId} has a second outcome, event ${event.seq}`)
    outcomes.set(purchaseId, event)
    const offered = offers.get(purchaseId)
    if (!offered) return violate(`purchase ${purchaseId} was never sent`)
    if (event.type === 'purchase.rejected') return
    const { metric, allotment } = event
    const isFair = offered.some((offer) => offer?.metric === metric && offer.allotment === allotment)
    if (!isFair) violate(`purchase ${purchaseId} was sold as ${allotment} ${metric}`)
    accept(event)
  }

  function accept({ sessionId, mac, purchaseId, metric, allotment, session }: EventOf<'purchase.accepted'>) {
    sold[metric] += allotment
    const lot = { purchaseId, metric, allotment }
    const open = sessions.get(mac)
    if (open && open.sessionId !== sessionId) violate(`${mac} has session ${open.sessionId} and gets ${sessionId}`)
    if (open) {
      open.lots.push(lot)
      // What slipped by when everything was used up is the customer's: the new lot begins whole.
      if (session) open.givenAway = Math.max(0, session.downloaded + session.uploaded - (session.used.bytes ?? 0))
      return
    }
    if (ended.has(sessionId)) violate(`session ${sessionId} has ended and is sold more`)
    const device = site.byMac.get(mac)
    if (!device) return violate(`${mac} is no device here`)
    const begun = { sessionId, lots: [lot], isStarted: false, hasOrders: false, givenAway: 0, earlier: noBounds }
    sessions.set(mac, { ...begun, ...startOn(device) })
  }

  function startOn(device: Device) {
    // What passed before, and who opened the gate, is not this session's; a look under way may count from before it.
    if (device.isOpen) device.openedByOthers = true
    return { device, from: { ...device, lastRead: device.passed - device.unread } }
  }

  function move({ from, to, sessionId }: EventOf<'session.moved'>) {
    const session = sessionOf({ mac: from, sessionId })
    const device = site.byMac.get(to)
    if (!session || !device || sessions.has(to)) return violate(`session ${sessionId} cannot be moved to ${to}`)
    const earlier = bounds(session)
    sessions.delete(from)
    sessions.set(to, { ...session, ...startOn(device), earlier, hasOrders: true })
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

  function end(event: EventOf<'session.ended'>) {
    const session = sessionOf(event)
    if (!session) return
    const lots = event.purchases.map(({ purchaseId, metric, allotment }) => ({ purchaseId, metric, allotment }))
    if (JSON.stringify(lots) !== JSON.stringify(session.lots)) violate(`${at(event)} has other lots than were sold`)
    const unbalanced = event.purchases.find(({ allotment, used, unused }) => used + unused !== allotment || unused < 0)
    if (unbalanced) violate(`${at(event)}: used + unused is not what was sold: ${JSON.stringify(unbalanced)}`)
    const firstUnused = event.purchases.findIndex(({ unused }) => unused > 0)
    if (firstUnused >= 0 && event.purchases.slice(firstUnused + 1).some(({ used }) => used > 0)) {
      violate(`${at(event)}: a lot was used before the one sold earlier`)
    }
    if (event.reason === 'allotment-used' && firstUnused >= 0) violate(`${at(event)} ended with something left`)
    checkCharges(session, event)
    sessions.delete(event.mac)
    ended.add(event.sessionId)
  }

  function checkCharges(session: OpenSession, event: EventOf<'session.ended'>) {
    const { bytes, milliseconds } = bounds(session)
    const charged = { bytes: event.used?.bytes ?? 0, milliseconds: event.used?.milliseconds ?? 0 }
    if (charged.bytes > bytes.most) violate(`${at(event)}: ${charged.bytes} bytes charged, ${bytes.most} passed`)
    if (charged.milliseconds > milliseconds.most) {
      violate(`${at(event)}: ${charged.milliseconds} ms charged, open for ${milliseconds.most} ms`)
    }
    const metered = (event.downloaded ?? 0) + (event.uploaded ?? 0)
    if (metered > bytes.most) violate(`${at(event)}: ${metered} bytes metered, ${bytes.most} passed`)
    const sums = sumOf(session)
    if (sums.milliseconds === 0 && charged.bytes + (event.overshootBytes ?? 0) < bytes.least) {
      const counted = charged.bytes + (event.overshootBytes ?? 0)
      violate(`${at(event)}: ${counted} bytes charged or named as overshoot, ${bytes.least} were shown`)
    }
    if (sums.bytes === 0 && charged.milliseconds < Math.min(milliseconds.least, sums.milliseconds)) {
      violate(`${at(event)}: ${charged.milliseconds} ms charged, ${milliseconds.least} ms were shown`)
    }
  }

  const at = (event: EventOf<'session.ended'>) => `session ${event.sessionId} (event ${event.seq})`

  function bounds({ device, from, earlier }: OpenSession): Bounds {
    site.touch()
    const passed = device.passed - from.passed
    const free = device.free - from.free + device.unread
    const rounding = 2 * 1024 * (device.openings - from.openings + 2)
    const open = device.openMilliseconds - from.openMilliseconds
    return {
      // The portal rounds each counter down: a session that began on an open gate began at a rounded number.
      bytes: {
        least: earlier.bytes.least + Math.max(0, passed - free - rounding),
        most: earlier.bytes.most + device.passed - from.lastRead + 2 * 1024,
      },
      milliseconds: {
        least: earlier.milliseconds.least + device.seenOpen - from.seenOpen,
        most: earlier.milliseconds.most + open,
      },
    }
  }

  return {
    texts,
    outcomes,
    sessions,
    sold,
    record,
    offered: (purchaseId, sale) => offers.set(purchaseId, [...(offers.get(purchaseId) ?? []), sale]),
    ordered: (mac) => {
      const session = sessions.get(mac)
      if (session) session.hasOrders = true
    },
    bounds,
  }
}

export function sumOf({ lots }: Pick<OpenSession, 'lots'>): Record<Metric, number> {
  const sum = { bytes: 0, milliseconds: 0 }
  for (const { metric, allotment } of lots) sum[metric] += allotment
  return sum
}
