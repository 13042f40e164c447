// The books: everything the router knows, as the fold of its journal. Only enter.ts and the journal's forgetting of old ids change them.
import type { EventOf, Mac, Metric, RefusalCode } from '../../protocol/index.ts'
import type { ShutAlong } from '../portal/prefix-defect.ts'
import type { Act, Skipped } from './journal-record.ts'
import type { Lot, Session } from './session.ts'

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
