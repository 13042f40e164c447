// Journal records: what one line of the journal says. Events are public; the other records are the agent's own.
import type { CommandErrorCode, Event, Mac } from '../../protocol/index.ts'
import type { Baseline } from '../portal/baseline.ts'
import type { ShutAlong } from '../portal/prefix-defect.ts'
import type { Moment } from '../time/moment.ts'
import type { Meter, Session } from './session.ts'

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
  /** The kernel's table was made in that boot; or taken away. */
  | { type: 'guard'; bootId?: string }
  /** The first decision of an epoch. */
  | { type: 'epoch'; epoch: string }

/** Facts about a purchase that the books keep beside its public answer. */
export interface PurchaseNote {
  /** Tells the same purchase again from another one under the same id. */
  content: string
  arrived: Moment & { wall: number }
  /** The point to measure a new session from, where its device was listed with a shut gate: it is opened at once. */
  baseline?: Baseline
  /** The kernel counts a new session from the first packet on. */
  isGuarded?: true
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
