// The books: everything the router knows, as the fold of its journal.
import type { Event, EventOf, Mac, Metric, RefusalCode } from '../../protocol/index.ts'
import type { Moment } from '../moment.ts'
import type { Baseline } from '../valve/baseline.ts'
import { addAllotment, type Lot, moved, type Session, withoutLots } from './session.ts'

/** What one journal holds. Events are public; the other records are the agent's own. */
export type JournalRecord =
  | { type: 'event'; event: Event; purchase?: PurchaseNote }
  | { type: 'ending'; mac: Mac }
  | Metered
  | { type: 'acknowledged'; seq: number }
  /** What a portal does while the disk refuses to keep the event about it. */
  | { type: 'portal'; unreachable: boolean }
  /** Gates that were to be shut, seen shut. */
  | { type: 'shut'; macs: Mac[] }
  | { type: 'lived'; uptime: number }
  /** So many of the inherited events have been taken by the broker. */
  | { type: 'inherited'; told: number }

/** What the books keep of a purchase beside its public answer. */
export interface PurchaseNote {
  /** Tells the same purchase again from another one under the same id. */
  content: string
  arrived: Moment & { wall: number }
  /** The point to measure a new session from, where its device was listed with a shut gate: it is opened at once. */
  baseline?: Baseline
  /** Milliseconds of the agent's running time, from the purchase on. */
  startWithin?: number
}

/** Where the metering of some sessions stands; replaces what stood before. */
export interface Metered {
  type: 'metered'
  sessions: Metering[]
}
/** The part of a session that a look at the portal changes; `used` is per lot. */
export type Metering = Omit<
  Session,
  'sessionId' | 'lots' | 'passed' | 'arrived' | 'paidAt' | 'startedAt' | 'startBy' | 'ending' | 'paused'
> & { used: number[] }

/** The outcome of one purchase id, and enough of it to say it again when its event has been pruned. */
export interface Outcome {
  content: string
  seq: number
  /** Where that was not the present one. */
  epoch?: string
  /** How long the agent had run by then: its age is not told by a wall clock, which may jump by years. */
  uptime: number
  answer: Pick<EventOf<'purchase.accepted'>, 'sessionId' | 'mac' | 'metric' | 'allotment'> | { code: RefusalCode }
}

export interface Books {
  epoch: string
  /** The first decision of this epoch: what stands before it in the journal belongs to another one. */
  epochFirstN: number
  /** Events of an earlier epoch that the broker has not taken yet: they go out before all others. */
  inherited: Event[]
  /** How long the agent has run, over all boots, in milliseconds. */
  uptime: number
  lastSeq: number
  acknowledgedSeq: number
  sessions: Map<Mac, Session>
  /** Devices that a session was moved away from, until the portal shows their gates shut. */
  shutting: Set<Mac>
  /** The outcome of every purchase id: which event, for which content; kept for longer than the events themselves. */
  purchases: Map<string, Outcome>
  /** All that was ever sold: a sum without a limit, since one sale may be as large as a number gets. */
  sold: Record<Metric, bigint>
  /** What ended sessions used and left. */
  settled: Record<Metric, { used: bigint; unused: bigint }>
  /** The last life of the agent that the journal knows of. */
  lastAgent?: { bootId: string; stopped: boolean }
  portalUnreachable: boolean
}

export function emptyBooks(epoch: string): Books {
  return {
    epoch,
    epochFirstN: 1,
    inherited: [],
    uptime: 0,
    lastSeq: 0,
    acknowledgedSeq: 0,
    sessions: new Map(),
    shutting: new Set(),
    purchases: new Map(),
    sold: { bytes: 0n, milliseconds: 0n },
    settled: { bytes: { used: 0n, unused: 0n }, milliseconds: { used: 0n, unused: 0n } },
    portalUnreachable: false,
  }
}

/** Enters one record. The only place where the books change. */
export function enter(books: Books, record: JournalRecord): void {
  switch (record.type) {
    case 'event':
      books.epoch = record.event.epoch
      books.lastSeq = record.event.seq ?? books.lastSeq
      enterEvent(books, record.event, record.purchase)
      return
    case 'metered':
      for (const metering of record.sessions) enterMetering(books, metering)
      return
    case 'ending':
      change(books, record.mac, (session) => ({ ...session, ending: 'ended-by-command' }))
      return
    case 'acknowledged':
      books.acknowledgedSeq = Math.max(books.acknowledgedSeq, record.seq)
      return
    case 'portal':
      books.portalUnreachable = record.unreachable
      return
    case 'shut':
      for (const mac of record.macs) books.shutting.delete(mac)
      return
    case 'lived':
      books.uptime = Math.max(books.uptime, record.uptime)
      return
    case 'inherited':
      books.inherited.splice(0, record.told)
  }
}

function enterEvent(books: Books, event: Event, purchase?: PurchaseNote): void {
  switch (event.type) {
    case 'purchase.accepted': {
      if (!purchase || event.seq === undefined) throw new Error(`event ${event.seq} lacks the purchase behind it`)
      const lot: Lot = { purchaseId: event.purchaseId, metric: event.metric, allotment: event.allotment, used: 0 }
      if (event.reference !== undefined) lot.reference = event.reference
      const session = books.sessions.get(event.mac)
      books.sessions.set(event.mac, addAllotment(session, event.sessionId, event.mac, lot, purchase, books.uptime))
      const { sessionId, mac, metric, allotment } = event
      const answer = { sessionId, mac, metric, allotment }
      books.purchases.set(event.purchaseId, { content: purchase.content, seq: event.seq, uptime: books.uptime, answer })
      books.sold[event.metric] += BigInt(event.allotment)
      // Whoever a session was moved away from has paid again: that gate is no longer to be shut.
      books.shutting.delete(event.mac)
      return
    }
    case 'purchase.rejected':
      if (purchase && event.purchaseId !== undefined && event.seq !== undefined) {
        const answer = { code: event.code }
        books.purchases.set(event.purchaseId, {
          content: purchase.content,
          seq: event.seq,
          uptime: books.uptime,
          answer,
        })
      }
      return
    case 'session.started':
      change(books, event.mac, (session) => ({ ...session, startedAt: event.session.startedAt }))
      return
    case 'session.paused':
    case 'session.resumed':
      change(books, event.mac, (session) => ({ ...session, paused: event.type === 'session.paused' }))
      return
    case 'session.moved': {
      const session = books.sessions.get(event.from)
      if (!session) return
      books.sessions.delete(event.from)
      books.sessions.set(event.to, moved(session, event.to))
      books.shutting.add(event.from)
      return
    }
    case 'session.settled':
      settlePurchases(books, event.purchases)
      change(books, event.mac, (session) => withoutLots(session, new Set(event.purchases.map((one) => one.purchaseId))))
      return
    case 'session.ended':
      settlePurchases(books, event.purchases)
      // A session that ends in parts, in one decision, is over with the last of them.
      if (event.part === event.parts) books.sessions.delete(event.mac)
      return
    case 'gate.drift':
      if (event.kind === 'portal-unreachable') books.portalUnreachable = true
      if (event.kind === 'portal-back') books.portalUnreachable = false
      return
    case 'agent.started':
      books.lastAgent = { bootId: event.bootId, stopped: false }
      return
    case 'agent.stopped':
      books.lastAgent = { bootId: event.bootId, stopped: true }
  }
}

function settlePurchases(books: Books, purchases: EventOf<'session.ended'>['purchases']): void {
  for (const { metric, used, unused } of purchases) {
    books.settled[metric].used += BigInt(used)
    books.settled[metric].unused += BigInt(unused)
  }
}

function enterMetering(books: Books, { used, ...metering }: Metering): void {
  change(books, metering.mac, (session) => ({
    ...session,
    ...metering,
    lots: session.lots.map((lot, index) => ({ ...lot, used: used[index] ?? lot.used })),
  }))
}

/** Where the metering of a session stands. */
export function meteringOf(session: Session): Metering {
  const {
    sessionId: _id,
    lots,
    passed: _passed,
    arrived: _arrived,
    paidAt: _paid,
    startedAt: _started,
    startBy: _startBy,
    ending: _ending,
    paused: _paused,
    ...rest
  } = session
  return { ...rest, used: lots.map((lot) => lot.used) }
}

function change(books: Books, mac: Mac, to: (session: Session) => Session): void {
  const session = books.sessions.get(mac)
  if (session) books.sessions.set(mac, to(session))
}

/**
 * Begins another epoch, after events were lost: no number that was given before is given again. What the broker has not
 * taken of the old epoch goes out under its old numbers.
 */
export function beginEpoch(books: Books, epoch: string, firstN: number, unacknowledged: readonly Event[]): void {
  books.inherited.push(...unacknowledged.filter((event) => event.epoch === books.epoch))
  for (const outcome of books.purchases.values()) outcome.epoch ??= books.epoch
  Object.assign(books, { epoch, epochFirstN: firstN, lastSeq: 0, acknowledgedSeq: 0 })
}

/** The books as JSON, for a snapshot. */
export function toSnapshot(books: Books): object {
  const { sessions, shutting, purchases, sold, settled, ...rest } = books
  return {
    ...rest,
    sessions: [...sessions.values()],
    shutting: [...shutting],
    purchases: [...purchases],
    sold: eachMetric((metric) => String(sold[metric])),
    settled: eachMetric((metric) => ({
      used: String(settled[metric].used),
      unused: String(settled[metric].unused),
    })),
  }
}

/** The books as a snapshot has them. */
export function fromSnapshot(snapshot: object): Books {
  const { sessions, shutting, purchases, sold, settled, ...rest } = snapshot as Snapshot
  return {
    ...rest,
    sold: eachMetric((metric) => BigInt(sold[metric])),
    settled: eachMetric((metric) => ({
      used: BigInt(settled[metric].used),
      unused: BigInt(settled[metric].unused),
    })),
    sessions: new Map(sessions.map((session) => [session.mac, { ...laterParts(session, rest.uptime), ...session }])),
    shutting: new Set(shutting),
    purchases: new Map(purchases),
  }
}

// What a session of the first snapshots lacks.
function laterParts({ arrived }: Session, uptime: number): Partial<Session> {
  const passed = { bytes: 0, milliseconds: 0 }
  return {
    passed,
    paidAt: { bootId: arrived.bootId, at: arrived.at },
    lastOpen: null,
    unreadBytes: 0,
    idleSince: uptime,
  }
}

/** The first snapshots held their sums as numbers. */
type Snapshot = Omit<Books, 'sessions' | 'shutting' | 'purchases' | 'sold' | 'settled'> & {
  sessions: Session[]
  shutting: Mac[]
  purchases: [string, Outcome][]
  sold: Record<Metric, string | number>
  settled: Record<Metric, { used: string | number; unused: string | number }>
}

function eachMetric<T>(of: (metric: Metric) => T): Record<Metric, T> {
  return { bytes: of('bytes'), milliseconds: of('milliseconds') }
}
