// The values that the page's server tells its browsers: one picture of the fleet, and what changed of it since.
import type { Session, Status } from '../../protocol/index.ts'

/** The word of a router about itself. Whether it is silent is a matter of time, which the browser tells by `heardAt`. */
export type ToldState = 'online' | 'degraded' | 'offline' | 'unknown'

/** In both metrics. */
export interface Sums {
  bytes: number
  milliseconds: number
}

export interface Money {
  unit: string
  /** Exact, as a decimal. */
  sum: string
}

/** One line of the table. */
export interface RouterRow {
  id: string
  state: ToldState
  /** When anything was heard of it last, in milliseconds of the server's clock. */
  heardAt: number
  /** Milliseconds without a word after which the router is called silent. */
  silentAfter: number
  open: number
  waiting: number
  paused: number
  bytesPerSecond: number
  /** By the router's own books, from its first day on. */
  sold: Sums
  used: Sums
  /** Sold and not accounted for: always 0. */
  difference: Sums
  /** Paid for accepted purchases, from the events that were seen. */
  money: Money[]
  portal: string
  warnings: readonly string[]
  /** Events that the broker has not taken. */
  outbox: number
}

/** A purchase of a session that is not over. */
export interface Bought {
  purchaseId: string
  at: string
  metric: 'bytes' | 'milliseconds'
  allotment: number
  paid?: { amount: number; unit: string }
}

export interface Device extends Session {
  bought: readonly Bought[]
  /** Bytes a second at the last reports, the newest last. */
  rates: readonly number[]
}

/** All that is shown of one router when somebody looks at it. */
export interface RouterDetail {
  id: string
  status?: Status
  devices: Device[]
  /** Bytes a second of all its devices; `at` in seconds of the wall clock. */
  rates: { at: readonly number[]; bytesPerSecond: readonly number[] }
  /** A device that waits for whoever tries it out by hand, in the simulation. */
  byHand?: string
}

export interface EventRow {
  id: string
  /** The router's time, or the server's where the router's clock was not to be trusted. */
  at: string
  routerId: string
  type: string
  text: string
  tone: 'plain' | 'good' | 'warn' | 'bad'
  mac?: string
  sessionId?: string
  purchaseId?: string
}

/** One line of what was sold. Without `unit`: granted, not paid for. */
export interface SaleRow {
  day: string
  routerId: string
  metric: 'bytes' | 'milliseconds'
  unit?: string
  source?: string
  purchases: number
  allotment: number
  amount: string
  change: string
}

/** A fault that can be put into a simulated fleet. */
export interface FaultKind {
  id: string
  name: string
  /** One sentence, for who wants to know before. */
  does: string
  target: 'router' | 'device' | 'fleet'
}

/** A fault that was put into the fleet, and what came of it; times in milliseconds of the fleet's own clock. */
export interface FaultRecord {
  number: number
  id: string
  name: string
  target: FaultKind['target']
  routerId: string
  at: number
  did: string
  /** Absent where it was over as soon as it had happened. */
  healsAt?: number
  healed?: { at: number; did: string }
  /** The newest last. */
  reactions: readonly { at: number; text: string; times: number }[]
}

/** One message of the stream. A frame without anything but `now` says that the server is there. */
export interface Frame {
  /** Milliseconds of the server's clock. */
  now: number
  /** Begins anew: all that is known goes before the rest of this frame is taken. */
  whole?: { stream: string; isReadOnly: boolean; kinds: readonly FaultKind[] }
  routers?: RouterRow[]
  events?: EventRow[]
  detail?: RouterDetail
  /** All of them, where any changed. */
  faults?: readonly FaultRecord[]
}

/** How many events a page keeps. */
export const eventsKept = 2000
