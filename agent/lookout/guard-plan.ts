// The guard plan: what the kernel's table should hold by the books, and what to change in it for that. Pure.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { remainingOf, type Session, soleMetric } from '../merchant/session.ts'
import { limitOf } from '../merchant/two-meters.ts'
import type { Volume } from '../portal/baseline.ts'
import { counted, type GuardChange, type GuardTable, isOver, type Quota } from '../portal/guard-table.ts'
import type { Neighbour } from '../portal/neighbour.ts'
import type { PortalClient } from '../portal/portal-client.ts'
import { type Now, since } from '../time/moment.ts'

/** Facts that the plan is made from, besides the books. */
export interface GuardContext {
  now: Now
  /** The kernel's table as it is. */
  table: GuardTable
  /** The portal's entries as far as they are known, in the order of their age. */
  known: readonly PortalClient[]
  neighbours?: readonly Neighbour[] | undefined
  trusted?: readonly Mac[] | undefined
  /** The addresses at which a gate is about to be opened, each with its device. */
  opening?: readonly Neighbour[]
}

/** The table as it should be. `until` is undefined where what is there stays. */
export interface WantedTable {
  quotas: ReadonlyMap<string, Quota>
  byIp: ReadonlyMap<string, string>
  until: ReadonlyMap<string, number | undefined>
}

/** Why a session with an open gate is not in the table. */
export type Unguarded = 'both-metrics' | 'no-address'

export interface GuardPlan {
  wanted: WantedTable
  /** Devices whose end the kernel keeps, once the table is as wanted. */
  guarded: ReadonlySet<Mac>
  unguarded: ReadonlyMap<Mac, Unguarded>
}

/** The table as the books want it: a quota for a session that has bytes only, a time for one that has time only. */
export function guardPlan(books: Books, context: GuardContext): GuardPlan {
  const quotas = new Map<string, Quota>()
  const byIp = new Map<string, string>()
  const until = new Map<string, number | undefined>()
  const guarded = new Set<Mac>()
  const unguarded = new Map<Mac, Unguarded>()
  const owners = ownersOf(books, context)
  for (const session of books.sessions.values()) {
    const { mac, sessionId } = session
    const ended = unsettledEnds(session, context)
    for (const ip of ended) until.set(ip, undefined)
    const metric = ended.length > 0 ? undefined : soleMetric(session.lots)
    const ips = [...owners].flatMap(([ip, owner]) => (owner === session ? [ip] : []))
    // The owner lets that device through for nothing: nothing of it is counted, and nothing cut.
    if (context.trusted?.includes(mac) || session.meter.waitingFor === 'trusted') continue
    if (metric === undefined || ips.length === 0) {
      if (session.meter.seenOpen) unguarded.set(mac, metric === undefined ? 'both-metrics' : 'no-address')
      continue
    }
    guarded.add(mac)
    if (metric === 'milliseconds') for (const ip of ips) until.set(ip, endOf(session, context))
    else {
      quotas.set(sessionId, quotaOf(session, context.table))
      for (const ip of ips) byIp.set(ip, sessionId)
    }
  }
  return { wanted: { quotas, byIp, until }, guarded, unguarded }
}

/**
 * The changes that bring the table to what is wanted, in an order in which the kernel takes them. `read`: sessions whose counts
 * were read when nothing was counted for them any more.
 */
export function guardChanges(
  table: GuardTable,
  { quotas, byIp, until }: WantedTable,
  now: number,
  read: ReadonlySet<string>,
): GuardChange[] {
  const left = [...table.byIp].filter(([ip, sessionId]) => byIp.get(ip) !== sessionId)
  const changes: GuardChange[] = left.map(([ip]) => ({ do: 'release', ip }))
  for (const sessionId of table.quotas.keys()) {
    // A count goes in two steps: nothing is counted any more, the next reading takes it, and then it is removed.
    if (!quotas.has(sessionId) && read.has(sessionId)) changes.push({ do: 'remove', sessionId })
  }
  const raised = new Set<string>()
  for (const [sessionId, quota] of quotas) {
    const before = table.quotas.get(sessionId)
    if (!before) changes.push({ do: 'add', sessionId, quota })
    else if (before.limit !== quota.limit) changes.push({ do: 'limit', sessionId, limit: quota.limit })
    if (before && before.limit < quota.limit) raised.add(sessionId)
  }
  for (const [ip, sessionId] of byIp) {
    const isNew = table.byIp.get(ip) !== sessionId
    if (isNew) changes.push({ do: 'assign', ip, sessionId })
    const { limit } = quotas.get(sessionId) as Quota
    const isSpent = counted(table.quotas.get(sessionId) ?? (quotas.get(sessionId) as Quota)) >= limit
    // A quota that is raised opens nothing while the address stands in `cut`; it may have come there a moment ago.
    if (!isSpent && (isNew || raised.has(sessionId) || table.cut.has(ip))) changes.push({ do: 'uncut', ip })
    if (isSpent && !table.cut.has(ip)) changes.push({ do: 'cut', ip })
  }
  const strays = [...table.cut].filter((ip) => !byIp.has(ip) && !left.some(([other]) => other === ip))
  changes.push(...strays.map((ip): GuardChange => ({ do: 'uncut', ip })))
  return [...changes, ...timeChanges(table, until, now)]
}

// The kernel ends a time this much later than the books, never before them; and one that differs by little stays.
const timeSlack = 25
const mostTimeSlack = 75

function timeChanges(table: GuardTable, wanted: WantedTable['until'], now: number): GuardChange[] {
  const changes: GuardChange[] = []
  for (const ip of table.until.keys()) if (!wanted.has(ip)) changes.push({ do: 'untime', ip })
  for (const [ip, end] of wanted) {
    if (end === undefined || isRightTime(table.until.get(ip), end, now)) continue
    changes.push({ do: 'time', ip, until: end <= now ? now : end + timeSlack })
  }
  return changes
}

function isRightTime(before: number | null | undefined, end: number, now: number): boolean {
  if (before === undefined) return false
  // A time that is over stays over: it is not given once more for the slack.
  return before === null ? end <= now : before >= end && before <= end + mostTimeSlack
}

// The kernel has ended the time of an open gate, and no look has charged for it yet: more time, or bytes, that were bought since
// are given when a look has told how much of the old ones was used.
function unsettledEnds({ mac, meter }: Session, { table, known, now }: GuardContext): string[] {
  if (!meter.seenOpen || meter.cut === 'kernel') return []
  const ips = known.flatMap((client) => (client.mac === mac ? client.ip : []))
  return ips.filter((ip) => isOver(table.until.get(ip), now.at))
}

// In the kernel's counting, which went on from where the session was last charged.
function quotaOf({ sessionId, lots, meter }: Session, table: GuardTable): Quota {
  const at: Volume = meter.guard?.at ?? table.quotas.get(sessionId) ?? { downloaded: 0, uploaded: 0 }
  return { downloaded: at.downloaded, uploaded: at.uploaded, limit: limitOf(at, remainingOf(lots).bytes) }
}

// Time that is bought and not yet seen to run: the kernel gives it and as long as an opening may take, until a look tells.
const openingMilliseconds = 10_000

function endOf({ mac, lots, meter }: Session, { now, opening = [] }: GuardContext): number | undefined {
  const { milliseconds } = remainingOf(lots)
  const age = meter.seenOpen && since(meter.seenOpen, now)
  if (age !== null && age !== undefined) return now.at - age + milliseconds
  return opening.some((one) => one.mac === mac) ? now.at + milliseconds + openingMilliseconds : undefined
}

/** Each address with the session that it stands for: that of the newest open entry, else of the newest. */
function ownersOf({ sessions }: Books, context: GuardContext): Map<string, Session | undefined> {
  const { table, known, neighbours = [], opening = [] } = context
  const owners = new Map<string, { session: Session | undefined; isOpen: boolean }>()
  for (const { ip, mac, open, heldBy } of known) {
    const before = owners.get(ip)
    // The address has passed to another device, whose gate is shut: nothing of it is counted for this one.
    const session = heldBy ? undefined : sessions.get(mac)
    if (!before || open || !before.isOpen) owners.set(ip, { session, isOpen: open })
  }
  for (const { ip, mac } of opening) owners.set(ip, { session: sessions.get(mac), isOpen: true })
  const onTheLan = new Map(neighbours.map(({ ip, mac }) => [ip, mac]))
  const byId = new Map([...sessions.values()].map((session) => [session.sessionId, session]))
  const isOthers = (ip: string, { mac }: Session) => (onTheLan.get(ip) ?? mac) !== mac
  const found = new Map([...owners].map(([ip, { session }]) => [ip, session]))
  // A device stays in the table until its session ends, also while the portal has no entry of it.
  for (const [ip, sessionId] of table.byIp) {
    const session = byId.get(sessionId)
    if (session && !found.has(ip) && !isOthers(ip, session)) found.set(ip, session)
  }
  return found
}
