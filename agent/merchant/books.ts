// The books: everything the router knows, as the fold of its journal.
import type { CommandErrorCode, Event, EventOf, Mac, Metric, RefusalCode } from '../../protocol/index.ts'
import type { Baseline } from '../portal/baseline.ts'
import type { ShutAlong } from '../portal/prefix-defect.ts'
import { type Moment, wallOf } from '../time/moment.ts'
import { inTheirMeter } from './flat-sessions.ts'
import { addAllotment, type Lot, type Meter, metered, moved, type Session, unmetered, withoutLots } from './session.ts'

/** The records of a journal. Events are public; the other records are the agent's own. */
export type JournalRecord =
  | { type: 'event'; event: Event; purchase?: PurchaseNote }
  | { type: 'ending'; mac: Mac }
  | Metered
  | { type: 'acknowledged'; seq: number }
  /** Reachability, noted in memory when its gate.drift could not be stored. */
  | { type: 'portal'; unreachable: boolean }
  /** Gates that were to be shut, seen shut. */
  | { type: 'shut'; macs: Mac[] }
  /** Gates of sessions that lose their rules with another one, from before that one is shut; replaces what stood before. */
  | { type: 'shut-along'; gates: ShutAlong[] }
  | { type: 'lived'; uptime: number }
  /** An order was taken, or refused: the same transaction does not act again. */
  | { type: 'acted'; act: Omit<Act, 'uptime'> }
  /** An event that the broker will never take, because of its size. */
  | { type: 'skipped'; event: Skipped }
  /** Inherited events of that epoch, up to that one, have been taken by the broker. */
  | { type: 'inherited'; epoch: string; seq: number }
  /** The first decision of an epoch. */
  | { type: 'epoch'; epoch: string }

/** Facts about a purchase that the books keep beside its public answer. */
export interface PurchaseNote {
  /** Tells the same purchase again from another one under the same id. */
  content: string
  arrived: Moment & { wall: number }
  /** The point to measure a new session from, where its device was listed with a shut gate: it is opened at once. */
  baseline?: Baseline
  /** Milliseconds of the agent's running time, from the purchase on. */
  startWithin?: number
}

/** One transaction of an acting command, and enough of what came of it to say it again. */
export interface Act {
  transaction: string
  /** Tells the same order again from another one under the same transaction. */
  content: string
  /** How long the agent had run by then. */
  uptime: number
  /** Whom it was about. */
  sessionId?: string
  /** Why it was not done. */
  code?: CommandErrorCode
  /** Whether its session is still to end by it. */
  isEnding?: boolean
  /** The events that came of it, in the epoch it was taken in. */
  seqs: number[]
  epoch: string
}

export interface Skipped {
  epoch: string
  seq: number
  type: string
  bytes: number
}

/** Where the metering of some sessions stands; replaces what stood before. */
export interface Metered {
  type: 'metered'
  sessions: Metering[]
}

/** Where the metering of one session stands; `used` is per lot. */
export interface Metering {
  mac: Mac
  used: number[]
  meter: Meter
}

/** Where it stands when no more than this has changed in its meter. */
export function meteringOf({ mac, lots, meter }: Session, changes: Partial<Meter> = {}): Metering {
  return { mac, used: lots.map((lot) => lot.used), meter: { ...meter, ...changes } }
}

/** The outcome of one purchase id, and enough of it to say it again when its event has been pruned. */
export interface Outcome {
  content: string
  seq: number
  /** Set for an outcome of an earlier epoch. */
  epoch?: string
  /** How long the agent had run by then: its age is not told by a wall clock, which may jump by years. */
  uptime: number
  answer: Pick<EventOf<'purchase.accepted'>, 'sessionId' | 'mac' | 'metric' | 'allotment'> | { code: RefusalCode }
}

/** The outcomes of purchase ids, by id. */
export interface Purchases {
  get(id: string): Outcome | undefined
  has(id: string): boolean
  set(id: string, outcome: Outcome): unknown
  readonly size: number
}

/** Events of an earlier epoch that the broker has not taken, in the decisions from `fromN` on and before `beforeN`. */
export interface Inherited {
  epoch: string
  fromSeq: number
  toSeq: number
  fromN: number
  beforeN: number
}

/** A lot that damage took, until it is told: `used` as last known. */
export interface LostLot extends Lot {
  sessionId: string
  mac: Mac
}

export interface Books {
  epoch: string
  /** The first decision of this epoch: what stands before it in the journal belongs to another one. */
  epochFirstN: number
  /** Events of earlier epochs that the broker has not taken: they go out before all others. */
  inherited: Inherited[]
  /** Lots that were sold and whose decisions damage took: nobody who was told `accepted` is forgotten in silence. */
  lost: LostLot[]
  /** How long the agent has run, over all boots, in milliseconds. */
  uptime: number
  lastSeq: number
  acknowledgedSeq: number
  sessions: Map<Mac, Session>
  /** Devices that a session was moved away from, until the portal shows their gates shut. */
  shutting: Set<Mac>
  /** Open gates of sessions that let nothing through since another one was shut: no time is charged for them. */
  shutAlong: readonly ShutAlong[]
  /** The outcome of every purchase id: which event, for which content; kept for longer than the events themselves. */
  purchases: Purchases
  /** The acting commands of the last day at least. */
  acts: Act[]
  /** The last events that the broker would not take. */
  skipped: Skipped[]
  /** All that was ever sold: a sum without a limit, since one sale may be as large as a number gets. */
  sold: Record<Metric, bigint>
  /** Sums of what ended sessions used and left. */
  settled: Record<Metric, { used: bigint; unused: bigint }>
  /** Sums that damage took from the books: `sold = used + remaining + unused + writtenOff`. */
  writtenOff: Record<Metric, bigint>
  /** The newest time of a clock that could be believed. */
  syncedWall?: number
  /** The last life of the agent that the journal knows of. */
  lastAgent?: { bootId: string; stopped: boolean }
  portalUnreachable: boolean
}

export function emptyBooks(epoch: string, purchases: Purchases = new Map()): Books {
  return {
    epoch,
    epochFirstN: 1,
    inherited: [],
    lost: [],
    uptime: 0,
    lastSeq: 0,
    acknowledgedSeq: 0,
    sessions: new Map(),
    shutting: new Set(),
    shutAlong: [],
    purchases,
    acts: [],
    skipped: [],
    sold: { bytes: 0n, milliseconds: 0n },
    settled: { bytes: { used: 0n, unused: 0n }, milliseconds: { used: 0n, unused: 0n } },
    writtenOff: { bytes: 0n, milliseconds: 0n },
    portalUnreachable: false,
  }
}

/** Enters one record: with `beginEpoch` and the journal's forgetting of old ids, the only places where the books change. */
export function enter(books: Books, record: JournalRecord): void {
  switch (record.type) {
    case 'event':
      books.epoch = record.event.epoch
      books.lastSeq = record.event.seq ?? books.lastSeq
      if (record.event.clockSynced) books.syncedWall = Math.max(books.syncedWall ?? 0, wallOf(record.event.at))
      enterEvent(books, record.event, record.purchase)
      return
    case 'metered':
      for (const metering of record.sessions.map(inTheirMeter)) {
        change(books, metering.mac, (session) => metered(session, metering))
      }
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
    case 'shut-along':
      books.shutAlong = record.gates
      return
    case 'lived':
      books.uptime = Math.max(books.uptime, record.uptime)
      return
    case 'acted':
      books.acts = actsOfLastDay(books)
      books.acts.push({ ...record.act, uptime: books.uptime })
      return
    case 'skipped':
      books.skipped = [...books.skipped, record.event].slice(-mostSkipped)
      return
    case 'inherited':
      enterInherited(books, record)
      return
    case 'epoch':
      Object.assign(books, { epoch: record.epoch, lastSeq: 0, acknowledgedSeq: 0 })
  }
}

/** Those that must be known again: a day of the agent's life counts, whatever the wall clock says. */
export function actsOfLastDay({ acts, uptime: now }: Books): Act[] {
  return acts.filter(({ uptime }) => now - uptime <= rememberedFor)
}

const rememberedFor = 86_400_000
const mostSkipped = 100

/** An order to end a session is done by the end of the session, or undone by another purchase. */
function settleActs(
  books: Books,
  sessionId: string,
  outcome: { seq?: number | undefined; code?: CommandErrorCode },
): void {
  books.acts = books.acts.map((act) => {
    if (act.sessionId !== sessionId || !act.isEnding) return act
    const { isEnding: _, ...settled } = act
    if (outcome.code) return { ...settled, code: outcome.code }
    return outcome.seq === undefined ? settled : { ...settled, seqs: [...act.seqs, outcome.seq] }
  })
}

function enterEvent(books: Books, event: Event, purchase?: PurchaseNote): void {
  switch (event.type) {
    case 'purchase.accepted': {
      if (!purchase || event.seq === undefined) throw new Error(`event ${event.seq} lacks the purchase behind it`)
      const lot: Lot = { purchaseId: event.purchaseId, metric: event.metric, allotment: event.allotment, used: 0 }
      if (event.reference !== undefined) lot.reference = event.reference
      if (event.paid !== undefined) lot.paid = event.paid
      const session = books.sessions.get(event.mac)
      if (session?.ending) settleActs(books, session.sessionId, { code: 'superseded' })
      books.sessions.set(event.mac, addAllotment(session, event.sessionId, event.mac, lot, purchase, books.uptime))
      const { sessionId, mac, metric, allotment } = event
      const answer = { sessionId, mac, metric, allotment }
      books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, answer))
      books.sold[event.metric] += BigInt(event.allotment)
      // The device that a session was moved away from has paid again: its gate is no longer to be shut.
      books.shutting.delete(event.mac)
      return
    }
    case 'purchase.rejected':
      if (purchase && event.purchaseId !== undefined && event.seq !== undefined) {
        const answer = { code: event.code }
        books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, answer))
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
      if (event.reason === 'lost') {
        const told = new Set(event.purchases.map(({ purchaseId }) => purchaseId))
        books.lost = books.lost.filter(({ purchaseId }) => !told.has(purchaseId))
        return
      }
      settlePurchases(books, event.purchases)
      // A session that ends in parts, in one decision, is over with the last of them.
      if (event.part !== event.parts) return
      books.sessions.delete(event.mac)
      settleActs(books, event.sessionId, { seq: event.seq })
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

/** The outcome of a purchase as its event says it. */
export function outcomeOf(
  { uptime }: Books,
  { seq = 0, epoch }: Event,
  { content }: PurchaseNote,
  answer: Outcome['answer'],
): Outcome {
  return { content, seq, epoch, uptime, answer }
}

function enterInherited({ inherited }: Books, { epoch, seq }: { epoch: string; seq: number }): void {
  const [first] = inherited
  if (first?.epoch !== epoch) return
  first.fromSeq = Math.max(first.fromSeq, seq + 1)
  if (first.fromSeq > first.toSeq) inherited.shift()
}

function change(books: Books, mac: Mac, to: (session: Session) => Session): void {
  const session = books.sessions.get(mac)
  if (session) books.sessions.set(mac, to(session))
}

/**
 * Begins another epoch, after events were lost: no number that was given before is given again. What the broker has not
 * taken of the old epoch goes out under its old numbers.
 */
export function beginEpoch(books: Books, epoch: string, firstN: number): void {
  const { acknowledgedSeq, lastSeq, epochFirstN } = books
  if (lastSeq > acknowledgedSeq) {
    const [fromSeq, toSeq] = [acknowledgedSeq + 1, lastSeq]
    books.inherited.push({ epoch: books.epoch, fromSeq, toSeq, fromN: epochFirstN, beforeN: firstN })
  }
  Object.assign(books, { epoch, epochFirstN: firstN, lastSeq: 0, acknowledgedSeq: 0 })
}

/** The books as JSON, for a snapshot; what is remembered of purchases stands in files of its own. */
export function toSnapshot(books: Books): object {
  const { sessions, shutting, purchases: _, sold, settled, writtenOff, ...rest } = books
  return {
    ...rest,
    sessions: [...sessions.values()],
    shutting: [...shutting],
    sold: eachMetric((metric) => String(sold[metric])),
    settled: eachMetric((metric) => ({
      used: String(settled[metric].used),
      unused: String(settled[metric].unused),
    })),
    writtenOff: eachMetric((metric) => String(writtenOff[metric])),
  }
}

/** A sum as a snapshot has it: its digits, or a number in the first ones. */
type StoredSum = string | number

type Snapshot = Omit<Books, 'sessions' | 'shutting' | 'purchases' | 'inherited' | 'sold' | 'settled' | 'writtenOff'> & {
  sessions: Session[]
  shutting: Mac[]
  /** Of the first format: there the purchases were part of it, and inherited events stood in it themselves. */
  purchases?: [string, Outcome][]
  inherited: (Inherited | Event)[]
  sold: Record<Metric, StoredSum>
  settled: Record<Metric, { used: StoredSum; unused: StoredSum }>
  writtenOff?: Record<Metric, StoredSum>
}

/** The books as a snapshot has them; `purchases` is what is remembered of purchases besides. */
export function fromSnapshot(snapshot: object, purchases: Purchases = new Map()): Books {
  const stored = snapshot as Snapshot
  const { sessions, shutting, purchases: ofFirstFormat = [], inherited, sold, settled, writtenOff, ...rest } = stored
  for (const [id, outcome] of ofFirstFormat) purchases.set(id, { epoch: rest.epoch, ...outcome })
  return {
    ...emptyBooks(rest.epoch),
    ...rest,
    sold: eachMetric((metric) => BigInt(sold[metric])),
    settled: eachMetric((metric) => ({
      used: BigInt(settled[metric].used),
      unused: BigInt(settled[metric].unused),
    })),
    writtenOff: eachMetric((metric) => BigInt(writtenOff?.[metric] ?? 0)),
    inherited: inherited.map((range) => ('type' in range ? rangeOf(range, rest.epochFirstN) : range)),
    sessions: new Map(sessions.map((session) => [session.mac, readSession(session, rest.uptime)])),
    shutting: new Set(shutting),
    purchases,
  }
}

// Fields that sessions of the first snapshots lack.
function readSession(stored: Session, uptime: number): Session {
  const session = inTheirMeter(stored)
  const { bootId, at } = session.arrived
  const passed = { bytes: 0, milliseconds: 0 }
  return {
    ...{ passed, paidAt: { bootId, at } },
    ...session,
    meter: Object.assign({ ...unmetered, idleSince: uptime }, session.meter),
  }
}

function eachMetric<T>(of: (metric: Metric) => T): Record<Metric, T> {
  return { bytes: of('bytes'), milliseconds: of('milliseconds') }
}

const rangeOf = ({ epoch, seq = 0 }: Event, beforeN: number): Inherited => ({
  ...{ epoch, fromSeq: seq, toSeq: seq, fromN: 0, beforeN },
})
