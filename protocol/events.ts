// Everything a router tells on `router/<id>/usage`: one union, told apart by `type`.
import * as z from 'zod'
import { RefusalCode } from './purchase.ts'
import { Session } from './session.ts'
import {
  Amounts,
  Count,
  Mac,
  Metric,
  Paid,
  PaidInVain,
  Price,
  PurchaseId,
  Reference,
  RouterId,
  Timestamp,
} from './values.ts'

/** `seq` counts 1, 2, 3 ... within the journal `epoch`; `(epoch, seq)` identifies an event for ever. */
const Seq = z.int().min(1)

const unnumbered = {
  version: z.literal(1),
  routerId: RouterId,
  epoch: z.string(),
  at: Timestamp,
  clockSynced: z.boolean(),
}
const numbered = { ...unnumbered, seq: Seq }
// A repeated answer names the first one: `ofSeq`, and `ofEpoch` where that was in an earlier epoch. A conflict names the
// outcome that stands. An answer that is no outcome is not journalled and has no `seq`. `final` is true exactly for an
// outcome and its repetition.
const answered = {
  ...unnumbered,
  seq: Seq.optional(),
  ofSeq: Seq.optional(),
  ofEpoch: z.string().optional(),
  duplicate: z.literal(true).optional(),
  final: z.boolean(),
}

/**
 * The purchase is on disk and will be served. `notAfterJudged` is false when the clock was not to be trusted. `session` is
 * absent only in a repeated answer whose first event has been pruned.
 */
export const PurchaseAccepted = z.object({
  type: z.literal('purchase.accepted'),
  ...answered,
  purchaseId: PurchaseId,
  reference: Reference.optional(),
  sessionId: z.string(),
  mac: Mac,
  metric: Metric,
  allotment: Count,
  paid: Paid.optional(),
  session: Session.optional(),
  notAfterJudged: z.literal(false).optional(),
})

/**
 * The purchase is refused. `final: false` with `retry: true`: send the same again; with `retry: false`: the same again
 * changes nothing. Names what is sold here instead, and the prices in the unit that was paid. `sentId`: the id as it was
 * sent, where that is no valid one.
 */
export const PurchaseRejected = z.object({
  type: z.literal('purchase.rejected'),
  ...answered,
  purchaseId: PurchaseId.optional(),
  reference: Reference.optional(),
  mac: Mac.optional(),
  code: RefusalCode,
  message: z.string(),
  retry: z.boolean().optional(),
  sentId: z.string().max(128).optional(),
  paid: PaidInVain.optional(),
  metric: Metric.optional(),
  stepSize: Count.optional(),
  prices: z.array(Price).optional(),
})

/** The portal shows the gate open, for the first time in this session. */
export const SessionStarted = z.object({
  type: z.literal('session.started'),
  ...numbered,
  sessionId: z.string(),
  mac: Mac,
  openedAfterMilliseconds: Count,
  session: Session,
})

const changed = { ...numbered, sessionId: z.string(), mac: Mac, session: Session }
export const SessionPaused = z.object({ type: z.literal('session.paused'), ...changed })
export const SessionResumed = z.object({ type: z.literal('session.resumed'), ...changed })
/** The session goes on with another device. */
export const SessionMoved = z.object({ type: z.literal('session.moved'), ...changed, from: Mac, to: Mac })

/**
 * `abandoned`: the device did not come within `startWithin`, or not again for as long as the router waits. `lost`: damage of
 * the journal took the rest.
 */
export const EndReason = z.enum(['allotment-used', 'ended-by-command', 'abandoned', 'lost'])
export type EndReason = z.infer<typeof EndReason>

/** Each end reason as a RADIUS Acct-Terminate-Cause (RFC 2866, section 5.10). */
export const terminateCauses = {
  'allotment-used': { name: 'Session-Timeout', number: 5 },
  'ended-by-command': { name: 'Admin-Reset', number: 6 },
  abandoned: { name: 'Idle-Timeout', number: 4 },
  lost: { name: 'NAS-Error', number: 9 },
} as const satisfies Record<EndReason, { name: string; number: number }>

/** The outcome of one purchase at the end: `allotment = used + unused`. */
export const SettledPurchase = z.object({
  purchaseId: PurchaseId,
  reference: Reference.optional(),
  metric: Metric,
  allotment: Count,
  used: Count,
  unused: Count,
  paid: Paid.optional(),
})

/** Used-up purchases leave a session that has many: later events go on including them in their totals only. */
export const SessionSettled = z.object({
  type: z.literal('session.settled'),
  ...numbered,
  sessionId: z.string(),
  mac: Mac,
  purchases: z.array(SettledPurchase),
})

/**
 * The portal shows the gate shut for good. `used`, `downloaded`, `uploaded` and `openMilliseconds` are of the whole session.
 * `overshootBytes`: read from counters beyond the last lot. `unreadBytes`: an estimate, by the measured rate, of what nobody
 * could read while the gate was shutting or after a shut that the agent did not order. Both are given away. A session of many
 * purchases ends in parts, one event each: `purchases` are that part's, and the totals stand in the last part. `cut`: who stopped
 * the device, the router's `kernel` by its guard or the `portal` at the agent's order; absent where its gate was shut already.
 */
export const SessionEnded = z.object({
  type: z.literal('session.ended'),
  ...numbered,
  sessionId: z.string(),
  mac: Mac,
  part: z.int().min(1).optional(),
  parts: z.int().min(1).optional(),
  startedAt: Timestamp.nullable(),
  reason: EndReason,
  terminateCause: z.object({ name: z.string(), number: z.int() }),
  purchases: z.array(SettledPurchase),
  used: Amounts.optional(),
  downloaded: Count.optional(),
  uploaded: Count.optional(),
  openMilliseconds: Count.optional(),
  overshootBytes: Count.optional(),
  unreadBytes: Count.optional(),
  cut: z.enum(['kernel', 'portal']).optional(),
})

export const DriftKind = z.enum([
  'paid-but-blocked',
  'open-but-unpaid',
  'portal-restarted',
  'portal-unreachable',
  'portal-back',
  'shared-address',
  'guard-lost',
  'meters-disagree',
])
export type DriftKind = z.infer<typeof DriftKind>

/**
 * Portal and books disagree; `repair` says what the agent does about it. The same kind about the same device is told at most
 * once in five minutes: `count` says how many times it happened since it was last told, `since` when the first of them was.
 * `unreadBytes`: an estimate, by the measured rate, of what passed before a shut that the agent did not order. `guard-lost`: the
 * kernel's table was taken away; `meters-disagree`: portal and kernel have counted differently, `repair` says how much each.
 */
export const GateDrift = z.object({
  type: z.literal('gate.drift'),
  ...numbered,
  kind: DriftKind,
  mac: Mac.optional(),
  sessionId: z.string().optional(),
  repair: z.string(),
  unreadBytes: Count.optional(),
  count: z.int().min(1).optional(),
  since: Timestamp.optional(),
})

const ofAgent = { ...numbered, agentVersion: z.string(), bootId: z.string() }
/** RADIUS Accounting-On. `why`: the first start on this state directory, or what ended the agent before. */
export const AgentStarted = z.object({
  type: z.literal('agent.started'),
  ...ofAgent,
  why: z.enum(['first-start', 'after-stop', 'after-crash', 'after-reboot']),
})
/** RADIUS Accounting-Off. `why` is the signal; paid gates stay open. */
export const AgentStopped = z.object({ type: z.literal('agent.stopped'), ...ofAgent, why: z.string() })

/** Where every session stands, cumulative; `afterSeq` is the last event it includes. At most 100 sessions a part. */
export const Usage = z.object({
  type: z.literal('usage'),
  ...unnumbered,
  afterSeq: Count,
  part: z.int().min(1),
  parts: z.int().min(1),
  sessions: z.array(Session).max(100),
})
export type Usage = z.infer<typeof Usage>

/** An event of the journal: on disk before it is published, published in `seq` order, at least once. */
export const Event = z.discriminatedUnion('type', [
  PurchaseAccepted,
  PurchaseRejected,
  SessionStarted,
  SessionPaused,
  SessionResumed,
  SessionMoved,
  SessionSettled,
  SessionEnded,
  GateDrift,
  AgentStarted,
  AgentStopped,
])
export type Event = z.infer<typeof Event>
export type EventOf<T extends Event['type']> = Extract<Event, { type: T }>

/** Every message on the usage topic: events and usage reports. */
export const UsageMessage = z.discriminatedUnion('type', [...Event.options, Usage])
export type UsageMessage = z.infer<typeof UsageMessage>
