// A session: one device's stay, paid by lots that are used first in, first out.
import type { EndReason, Mac, Metric, Paid, SessionState, WaitingFor } from '../../protocol/index.ts'
import type { Baseline, Volume } from '../portal/baseline.ts'
import type { Moment } from '../time/moment.ts'

/** The goods of one purchase: `allotment = used + remaining`. */
export interface Lot {
  purchaseId: string
  reference?: string
  metric: Metric
  allotment: number
  used: number
  /** The payment for it, where this router priced it. */
  paid?: Paid
}

export interface Session {
  sessionId: string
  mac: Mac
  lots: readonly Lot[]
  /** The sums of the used-up lots that have left the session. */
  passed: Record<Metric, number>
  /** When the first purchase arrived. */
  arrived: Moment & { wall: number }
  /** When the latest purchase arrived. */
  paidAt: Moment
  startedAt: string | null
  /** The agent's running time by which the gate must have opened; absent where the session may wait. */
  startBy?: number
  /** Set when it must end whatever is left. */
  ending?: EndReason
  paused: boolean
  meter: Meter
}

/** The part of a session that a look at the portal changes, besides how much of its lots is used. */
export interface Meter {
  /** The counters up to which the customer has been charged. */
  baseline: Baseline
  /** When the portal last showed the gate open; null while it does not. */
  seenOpen: Moment | null
  /** When the portal last showed the gate open, since it is shut. */
  lastOpen: Moment | null
  /** When the portal last answered about this session. */
  readAt: Moment | null
  downloaded: number
  uploaded: number
  openMilliseconds: number
  bytesPerSecond: number
  overshootBytes: number
  /** An estimate of what nobody could read. */
  unreadBytes: number
  /** The agent's running time when the gate was last seen open, or when the session began. */
  idleSince: number
  /** Why a paid gate is not open, as the latest look showed it. */
  waitingFor?: WaitingFor | undefined
  /** All that was moved, by the portal's counters, where the kernel counts too. */
  portal?: Volume | undefined
  /** The kernel's meter, while it counts the session. */
  guard?: GuardMeter | undefined
  /**
   * The total at which the kernel's limit stood when more was bought: of a session that reached it the portal may have counted
   * what the kernel dropped, so its counters start anew.
   */
  recountsFrom?: number | undefined
  /** Milliseconds that were left when more were bought: the kernel lets the device pass for this time until it is told. */
  untoldLeft?: number | undefined
  /** Who has stopped the device: the kernel by its guard, or the portal at this agent's order. */
  cut?: 'kernel' | 'portal' | undefined
}

/** The kernel's meter of a session. */
export interface GuardMeter {
  /** The kernel's count when it was last read. */
  at: Volume
  /** All that the session has moved, as the kernel makes it, at that count. */
  total: Volume
  /** The counts of both since the gate opened, to hold them against each other; nothing is charged by them. */
  compared?: { portal: number; guard: number }
}

/** The meter of a session that no look has told of yet. */
export const unmetered: Meter = {
  baseline: [],
  seenOpen: null,
  lastOpen: null,
  readAt: null,
  downloaded: 0,
  uploaded: 0,
  openMilliseconds: 0,
  bytesPerSecond: 0,
  overshootBytes: 0,
  unreadBytes: 0,
  idleSince: 0,
}

/** Of a purchase, beside its lot: when it came, what its device's counters were, and how long it may wait to be opened. */
export interface Addition {
  arrived: Moment & { wall: number }
  baseline?: Baseline
  isGuarded?: true
  startWithin?: number
}

/** Adds a lot to a device's session, or opens the session with it. Usage up to now stays as it is. */
export function addAllotment(
  session: Session | undefined,
  sessionId: string,
  mac: Mac,
  lot: Lot,
  { arrived, baseline = [], isGuarded, startWithin }: Addition,
  uptime: number,
): Session {
  const { bootId, at } = arrived
  const latest = startWithin === undefined ? undefined : uptime + startWithin
  if (session) {
    // A purchase cancels a pending session.end: a paid device is not shut out. It also waits as long as its longest purchase.
    const { ending: _, startBy, ...open } = session
    const isBound = startBy !== undefined && latest !== undefined
    return {
      ...open,
      lots: [...session.lots, lot],
      meter: untold(session),
      paidAt: { bootId, at },
      ...(isBound && { startBy: Math.max(startBy, latest) }),
    }
  }
  return {
    sessionId,
    mac,
    lots: [lot],
    passed: { bytes: 0, milliseconds: 0 },
    arrived,
    paidAt: { bootId, at },
    ...(latest !== undefined && { startBy: latest }),
    startedAt: null,
    paused: false,
    meter: {
      ...unmetered,
      baseline,
      idleSince: uptime,
      ...(isGuarded && { portal: nothing, guard: { at: nothing, total: nothing } }),
    },
  }
}

// The kernel's limit is raised for a purchase. Until then the kernel may have dropped what the portal counted, and cut a device
// whose gate the portal shows open.
function untold({ meter, lots }: Session): Meter {
  const left = meter.untoldLeft ?? remainingOf(lots).milliseconds
  return {
    ...meter,
    ...recountsFrom(meter, lots),
    ...(meter.seenOpen && left > 0 && { untoldLeft: left }),
  }
}

function recountsFrom({ guard, cut, recountsFrom }: Meter, lots: readonly Lot[]): Pick<Meter, 'recountsFrom'> {
  if (recountsFrom !== undefined) return { recountsFrom }
  if (guard && soleMetric(lots) === 'bytes') {
    return { recountsFrom: guard.total.downloaded + guard.total.uploaded + remainingOf(lots).bytes }
  }
  return cut === 'kernel' ? { recountsFrom: 0 } : {}
}

const nothing: Volume = { downloaded: 0, uploaded: 0 }

/** The session as it goes on with the device it was moved to. */
export function moved(session: Session, to: Mac): Session {
  const meter: Meter = { ...session.meter, baseline: [], seenOpen: null, bytesPerSecond: 0 }
  for (const of of ['waitingFor', 'portal', 'guard', 'recountsFrom', 'untoldLeft', 'cut'] as const) delete meter[of]
  return { ...session, mac: to, meter }
}

/** The session with its meter as a look has left it. */
export function metered(session: Session, { used, meter }: { used: readonly number[]; meter: Meter }): Session {
  const lots = session.lots.map((lot, index) => ({ ...lot, used: used[index] ?? lot.used }))
  return { ...session, lots, meter }
}

/** The metric of all that is left, which the kernel can guard; of lots that are used up, that of the last one. */
export function soleMetric(lots: readonly Lot[]): Metric | undefined {
  const left = new Set(lots.filter((lot) => lot.used < lot.allotment).map(({ metric }) => metric))
  if (left.size === 0) return lots.at(-1)?.metric
  return left.size === 1 ? [...left][0] : undefined
}

/** The rest of the lots, per metric. */
export function remainingOf(lots: readonly Lot[]): Record<Metric, number> {
  return sumOf(lots, (lot) => lot.allotment - lot.used)
}

/** How many purchases a session may hold that are not used up. */
export const mostLiveLots = 256
// When a session holds this many used-up lots, the oldest of them leave it.
const usedUpLots = 64
const leavingLots = 32

/** The used-up lots that leave the session now: its oldest, once it holds too many. */
export function lotsToSettle(lots: readonly Lot[]): readonly Lot[] {
  const live = lots.findIndex((lot) => lot.used < lot.allotment)
  const usedUp = live < 0 ? lots.length : live
  return usedUp < usedUpLots ? [] : lots.slice(0, leavingLots)
}

/** The session without the used-up lots of these purchases; its totals go on including them. */
export function withoutLots(session: Session, purchaseIds: ReadonlySet<string>): Session {
  const passed = { ...session.passed }
  const leaving = session.lots.filter((lot) => purchaseIds.has(lot.purchaseId))
  for (const lot of leaving) passed[lot.metric] += lot.used
  return { ...session, passed, lots: session.lots.filter((lot) => !leaving.includes(lot)) }
}

/** All that the session was ever sold, per metric. */
export function allotmentOf({ lots, passed }: Session): Record<Metric, number> {
  return added(
    passed,
    sumOf(lots, (lot) => lot.allotment),
  )
}

/** All that it has used, per metric. */
export function usedOf({ lots, passed }: Session): Record<Metric, number> {
  return added(
    passed,
    sumOf(lots, (lot) => lot.used),
  )
}

function added(a: Record<Metric, number>, b: Record<Metric, number>): Record<Metric, number> {
  return { bytes: a.bytes + b.bytes, milliseconds: a.milliseconds + b.milliseconds }
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
  return session.meter.seenOpen ? 'open' : 'waiting'
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
    // Nobody knows when in this interval the metric changed: the rest of it is free (decision 0003).
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
