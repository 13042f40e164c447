// A session: one device's stay, paid by lots that are used first in, first out.
import type { EndReason, Mac, Metric, Paid, SessionState } from '../../protocol/index.ts'
import type { Moment } from '../moment.ts'
import type { Baseline } from '../valve/baseline.ts'

/** What one purchase bought: `allotment = used + remaining`. */
export interface Lot {
  purchaseId: string
  reference?: string
  metric: Metric
  allotment: number
  used: number
  /** What was paid for it, where this router priced it. */
  paid?: Paid
}

export interface Session {
  sessionId: string
  mac: Mac
  lots: readonly Lot[]
  /** When the first purchase arrived. */
  arrived: Moment & { wall: number }
  startedAt: string | null
  /** Set when it must end whatever is left. */
  ending?: EndReason
  paused: boolean
  /** The counters up to which the customer has been charged. */
  baseline: Baseline
  /** When the portal last showed the gate open; null while it does not. */
  seenOpen: Moment | null
  /** When the portal last answered about this session. */
  readAt: Moment | null
  downloaded: number
  uploaded: number
  openMilliseconds: number
  bytesPerSecond: number
  overshootBytes: number
}

/** Adds a lot to a device's session, or opens the session with it. What was used before stays as it is. */
export function addAllotment(
  session: Session | undefined,
  sessionId: string,
  mac: Mac,
  lot: Lot,
  { arrived, baseline = [] }: Pick<Session, 'arrived'> & { baseline?: Baseline },
): Session {
  if (session) {
    // Whoever pays again while an operator ends the session stays: nobody is paid and shut.
    const { ending: _, ...open } = session
    return { ...open, lots: [...session.lots, lot] }
  }
  return {
    sessionId,
    mac,
    lots: [lot],
    arrived,
    startedAt: null,
    paused: false,
    baseline,
    seenOpen: null,
    readAt: null,
    downloaded: 0,
    uploaded: 0,
    openMilliseconds: 0,
    bytesPerSecond: 0,
    overshootBytes: 0,
  }
}

/** The session as it goes on with the device it was moved to. */
export function moved(session: Session, to: Mac): Session {
  return { ...session, mac: to, baseline: [], seenOpen: null, bytesPerSecond: 0 }
}

/** What the lots still hold, per metric. */
export function remainingOf(lots: readonly Lot[]): Record<Metric, number> {
  return sumOf(lots, (lot) => lot.allotment - lot.used)
}

export function sumOf(lots: readonly Lot[], part: (lot: Lot) => number): Record<Metric, number> {
  const sum = { bytes: 0, milliseconds: 0 }
  for (const lot of lots) sum[lot.metric] += part(lot)
  return sum
}

/** The lot that is being used: the first that is not used up. */
export function currentLot(lots: readonly Lot[]): Lot | undefined {
  return lots.find((lot) => lot.used < lot.allotment)
}

/** Whether the gate belongs open: something is left, and nobody has paused or ended the session. */
export function isPaid(session: Session): boolean {
  return !session.paused && session.ending === undefined && currentLot(session.lots) !== undefined
}

export function stateOf(session: Session): SessionState {
  if (session.ending !== undefined || currentLot(session.lots) === undefined) return 'closing'
  if (session.paused) return 'paused'
  return session.seenOpen ? 'open' : 'waiting'
}

/** Uses the lots in order. Bytes and time count against the lot in use only; what no lot covers is overshoot. */
export function useLots(
  lots: readonly Lot[],
  used: { bytes: number; milliseconds: number },
): { lots: Lot[]; overshootBytes: number } {
  const left = { ...used }
  let last: Metric | undefined
  const charged = lots.map((lot) => {
    if (lot.used >= lot.allotment) return lot
    // Where one metric follows the other nobody can tell when: the rest of this interval is the customer's.
    if (last !== undefined && last !== lot.metric) left.bytes = left.milliseconds = 0
    last = lot.metric
    const taken = Math.min(left[lot.metric], lot.allotment - lot.used)
    left[lot.metric] -= taken
    const after = { ...lot, used: lot.used + taken }
    if (after.used < after.allotment) left.bytes = left.milliseconds = 0
    return after
  })
  return { lots: charged, overshootBytes: last === 'milliseconds' ? 0 : left.bytes }
}
