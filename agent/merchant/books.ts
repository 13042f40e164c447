// The books: everything the router knows, as the fold of its journal.
import type { CommandErrorCode, Event, EventOf, Mac, Metric, RefusalCode } from '../../protocol/index.ts'
import type { ShutAlong } from '../portal/prefix-defect.ts'
import { wallOf } from '../time/moment.ts'
import { inTheirMeter } from './flat-sessions.ts'
import type { Act, JournalRecord, PurchaseNote, Skipped } from './journal-record.ts'
import { addAllotment, type Lot, metered, moved, type Session, withoutLots } from './session.ts'

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
  readonly size: number
}

export interface WritablePurchases extends Purchases {
  set(id: string, outcome: Outcome): unknown
}

/** The books as everybody reads them: a change is a record, which the journal stores and enters. */
export type Books = { readonly [K in keyof WritableBooks]: ReadOnly<WritableBooks[K]> }

type ReadOnly<T> = T extends WritablePurchases
  ? Purchases
  : T extends Map<infer K, infer V>
    ? ReadonlyMap<K, V>
    : T extends Set<infer V>
      ? ReadonlySet<V>
      : T extends (infer V)[]
        ? readonly V[]
        : Readonly<T>

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

/** The journal's own: nobody else is given it. */
export interface WritableBooks {
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
  purchases: WritablePurchases
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
  /** The boot in which the kernel's table was made; absent where it is not there. */
  guardedSince?: string
}

export function emptyBooks(epoch: string, purchases: WritablePurchases = new Map()): WritableBooks {
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
export function enter(books: WritableBooks, record: JournalRecord): void {
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
    case 'guard':
      if (record.bootId === undefined) delete books.guardedSince
      else books.guardedSince = record.bootId
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
  books: WritableBooks,
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

function enterEvent(books: WritableBooks, event: Event, purchase?: PurchaseNote): void {
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

function settlePurchases(books: WritableBooks, purchases: EventOf<'session.ended'>['purchases']): void {
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

function enterInherited({ inherited }: WritableBooks, { epoch, seq }: { epoch: string; seq: number }): void {
  const [first] = inherited
  if (first?.epoch !== epoch) return
  first.fromSeq = Math.max(first.fromSeq, seq + 1)
  if (first.fromSeq > first.toSeq) inherited.shift()
}

function change(books: WritableBooks, mac: Mac, to: (session: Session) => Session): void {
  const session = books.sessions.get(mac)
  if (session) books.sessions.set(mac, to(session))
}

/**
 * Begins another epoch, after events were lost: no number that was given before is given again. Events of the old
 * epoch that the broker has not taken go out under their old numbers.
 */
export function beginEpoch(books: WritableBooks, epoch: string, firstN: number): void {
  const { acknowledgedSeq, lastSeq, epochFirstN } = books
  if (lastSeq > acknowledgedSeq) {
    const [fromSeq, toSeq] = [acknowledgedSeq + 1, lastSeq]
    books.inherited.push({ epoch: books.epoch, fromSeq, toSeq, fromN: epochFirstN, beforeN: firstN })
  }
  Object.assign(books, { epoch, epochFirstN: firstN, lastSeq: 0, acknowledgedSeq: 0 })
}
