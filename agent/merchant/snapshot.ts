// A snapshot: the books as JSON, and the books again from any snapshot that this or an earlier version has written.
import type { Event, Mac, Metric } from '../../protocol/index.ts'
import {
  type Books,
  emptyBooks,
  type Inherited,
  type Outcome,
  type WritableBooks,
  type WritablePurchases,
} from './books.ts'
import { inTheirMeter } from './flat-sessions.ts'
import { type Session, unmetered } from './session.ts'

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

type Snapshot = Omit<
  WritableBooks,
  'sessions' | 'shutting' | 'purchases' | 'inherited' | 'sold' | 'settled' | 'writtenOff'
> & {
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
export function fromSnapshot(snapshot: object, purchases: WritablePurchases = new Map()): WritableBooks {
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
