// Two meters count what a session moves, the portal's and the kernel's. Each keeps a total of its own, and the larger total is
// what has passed: their readings are apart in time, so the sum of the larger differences would always go against the customer.
import type { Volume } from '../portal/baseline.ts'
import { counted, type GuardTable, isCut, isHeld, type Quota } from '../portal/guard-table.ts'
import type { GuardMeter, Meter, Session } from './session.ts'

export interface Reading {
  /** The bytes by which the portal's counters have moved, and whether they are those of the baseline. */
  usage: Volume
  isContinued: boolean
  /** Whether what the kernel has counted since its last reading is the session's: its gate was open, by this agent's doing. */
  isCounted: boolean
  /** The kernel counts another device's bytes for it, and will until it has been told: the count is begun anew. */
  isLent?: boolean
  /** The kernel's table, read after the portal was: what the portal had counted by then has passed, or was dropped. */
  guard?: GuardTable | undefined
  /** Where it was not read: as it was last known. */
  known?: GuardTable | undefined
  /** The bytes after which the kernel is to cut it, by its last reading; infinite where it is to let it go. */
  left: number
  /** Nobody can tell whether what the portal counted has passed. */
  isMistaken?: boolean
}

export interface Counted {
  moved: Volume
  /** The portal's counters start anew: they may hold what the kernel dropped. */
  recounts?: boolean
  /** The part of it that passed beyond the kernel's limit: a packet. */
  beyond: number
  portal?: Volume
  guard?: GuardMeter
}

// A portal rounds each counter down to a whole KiB, so the difference of two readings may be a KiB too large.
const rounding = 1024

/** The bytes that passed since the look before, by both meters, and where each of them stands. */
export function countBoth(sessionId: string, meter: Meter, reading: Reading): Counted {
  const { usage, guard, known } = reading
  const quota = guard?.quotas.get(sessionId)
  if (reading.isMistaken) return { moved: nothing, beyond: 0 }
  if (!meter.guard && !quota) {
    const isAnew = meter.recountsFrom !== undefined
    return { moved: isAnew ? nothing : withinLimit(sessionId, reading), recounts: isAnew, beyond: 0 }
  }
  const charged = volumeOf(meter)
  const guardTotal = totalOf(meter.guard, quota, reading.isCounted)
  const recounts =
    (guard !== undefined || !isAtOldLimit(sessionId, meter, reading)) &&
    hasReached(guardTotal ?? plus(meter.portal ?? charged, usage), meter.recountsFrom)
  const portalTotal = recounts ? charged : plus(meter.portal ?? charged, usage)
  const isSpent = guard !== undefined && isCut(guard, sessionId)
  // Bytes that the portal counted of a device that the kernel had cut were dropped.
  const most = guard
    ? isSpent
      ? counted(guardTotal ?? charged)
      : Number.POSITIVE_INFINITY
    : known && isHeld(known, sessionId)
      ? limitTotal(meter.guard, known.quotas.get(sessionId))
      : Number.POSITIVE_INFINITY
  const portal = atMost(portalTotal, most, charged)
  const after = grown(charged, guardTotal && counted(guardTotal) >= counted(portal) ? guardTotal : portal)
  const limit = isSpent ? limitTotal(meter.guard, quota) : Number.POSITIVE_INFINITY
  const isBoth = guard !== undefined && isHeld(guard, sessionId) && !recounts && !isSpent
  const compared = isBoth ? comparedBy(meter, reading, quota) : undefined
  return {
    recounts,
    moved: minus(after, charged),
    beyond: Math.max(0, counted(after) - Math.max(limit, counted(charged))),
    ...(!reading.isLent &&
      guardAfter(meter.guard, quota, reading, known?.quotas.has(sessionId) === true, guardTotal, after, compared)),
    // The kernel was read later than these counters: they start at what was charged before either.
    portal: recounts ? minus(charged, { downloaded: rounding, uploaded: rounding }) : portal,
  }
}

/** The portal's count alone: what is beyond the limit of a kernel that holds the session, and cannot be asked, was dropped. */
function withinLimit(sessionId: string, { usage, known, left }: Reading): Volume {
  const most = known && isHeld(known, sessionId) ? left : Number.POSITIVE_INFINITY
  return atMost(volumeOf(usage), most, nothing)
}

/**
 * Whether the kernel still held the session at a limit of before a top-up when it was read: until it has been told, it drops
 * what the portal counts.
 */
export function isAtOldLimit(
  sessionId: string,
  { guard: before }: Meter,
  { guard, known, left }: Pick<Reading, 'guard' | 'known' | 'left'>,
): boolean {
  const table = guard ?? known
  if (!table) return true
  const limit = isHeld(table, sessionId) ? table.quotas.get(sessionId)?.limit : undefined
  return before !== undefined && limit !== undefined && limit < limitOf(before.at, left)
}

/** The kernel's limit for a session: `at`, its count so far, and `left`, the bytes that the session may still use. */
export function limitOf(at: Volume, left: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, counted(at) + left)
}

/**
 * Both meters of a session whose gate is about to open: they start at what is charged so far. `isSure`: the kernel's table is as it
 * was read by the look that found the gate shut. `isOthers`: the gate of another device is open at that address.
 */
export function beginMeters(
  { sessionId, meter }: Session,
  table: GuardTable | undefined,
  { isSure = true, isOthers = (_ip: string): boolean => false } = {},
): Pick<Meter, 'portal' | 'guard'> {
  if (!table) return { portal: undefined, guard: undefined }
  // The kernel goes on counting while nobody can ask it: begun from an old reading, what is charged since would count twice.
  if (!isSure) return { portal: volumeOf(meter), guard: meter.guard }
  // Another gate of the device is open: both meters go on, each from its own last reading.
  if (meter.seenOpen && meter.guard) return { portal: meter.portal, guard: meter.guard }
  const total = volumeOf(meter)
  // Until the kernel is told, it counts another device's bytes for this session: the next reading begins the count.
  const isLent = !meter.guard && [...table.byIp].some(([ip, owner]) => owner === sessionId && isOthers(ip))
  if (isLent) return { portal: total, guard: undefined }
  return { portal: total, guard: { at: volumeOf(table.quotas.get(sessionId) ?? nothing), total } }
}

/** Whether the two differ by more than the time between their readings explains; both figures. */
export function disagreement(before: Meter, after: Meter): { portal: number; guard: number } | undefined {
  const [earlier, now] = [before.guard?.compared, after.guard?.compared]
  if (!earlier || !now) return undefined
  // The kernel is read after the portal: its count lies between that of the portal then and at the portal's next reading.
  const differs = (more: number, less: number) => more - less > Math.max(leastDifference, more * leastPart)
  return differs(earlier.guard, now.portal) || differs(now.portal, now.guard) ? now : undefined
}

const leastDifference = 1_000_000
const leastPart = 0.01

function totalOf(before: GuardMeter | undefined, quota: Quota | undefined, isCounted: boolean): Volume | undefined {
  if (!before || !quota || !isCounted) return undefined
  // A count that went down is another one: it starts at what is charged so far.
  const isReplaced = quota.downloaded < before.at.downloaded || quota.uploaded < before.at.uploaded
  return isReplaced ? undefined : plus(before.total, minus(quota, before.at))
}

function guardAfter(
  before: GuardMeter | undefined,
  quota: Quota | undefined,
  { guard, known, isCounted }: Reading,
  isKnown: boolean,
  total: Volume | undefined,
  after: Volume,
  compared: GuardMeter['compared'],
): { guard?: GuardMeter } {
  // Bytes that passed at a shut gate are nobody's, and only a reading at both ends of that tells how many they were.
  // A session that is not in the table is not counted, and goes on from there when it is again.
  if (!quota && guard) return before ? { guard: { at: before.at, total: after } } : {}
  if (!quota) return before && known && (isCounted || !isKnown) ? { guard: before } : {}
  // A count that is behind what is charged goes on from there.
  const isAhead = total && counted(total) >= counted(after)
  return { guard: { at: volumeOf(quota), total: isAhead ? total : after, ...(compared && { compared }) } }
}

function comparedBy(
  { guard }: Meter,
  { usage, isContinued, isCounted }: Reading,
  quota: Quota | undefined,
): GuardMeter['compared'] {
  if (!guard || !quota || !isContinued || !isCounted) return undefined
  const { portal = 0, guard: kernel = 0 } = guard.compared ?? {}
  return { portal: portal + counted(usage), guard: kernel + counted(minus(quota, guard.at)) }
}

// The portal's counters are behind by what they round down.
function hasReached(total: Volume, end: number | undefined): boolean {
  return end !== undefined && counted(total) + 2 * rounding >= end
}

/** All that the session will have moved when the kernel cuts it. */
function limitTotal(meter: GuardMeter | undefined, quota: Quota | undefined): number {
  if (!meter || !quota) return Number.POSITIVE_INFINITY
  return counted(meter.total) + Math.max(0, quota.limit - counted(meter.at))
}

const nothing: Volume = { downloaded: 0, uploaded: 0 }

function volumeOf({ downloaded, uploaded }: Volume): Volume {
  return { downloaded, uploaded }
}

function plus(a: Volume, b: Volume): Volume {
  return { downloaded: a.downloaded + b.downloaded, uploaded: a.uploaded + b.uploaded }
}

function minus(a: Volume, b: Volume): Volume {
  return { downloaded: a.downloaded - b.downloaded, uploaded: a.uploaded - b.uploaded }
}

function atMost(total: Volume, most: number, least: Volume): Volume {
  return counted(total) <= most ? total : grown(least, { ...total, downloaded: most - total.uploaded })
}

// From one total to another: no direction falls, and the sum is the larger one of the two.
function grown(from: Volume, to: Volume): Volume {
  const sum = Math.max(counted(from), counted(to))
  const downloaded = Math.min(Math.max(from.downloaded, to.downloaded), sum - from.uploaded)
  return { downloaded, uploaded: sum - downloaded }
}
