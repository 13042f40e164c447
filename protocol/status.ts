// The router's state on `router/<id>/status`, retained; the last will on the same topic says `offline`.
import * as z from 'zod'
import { Count, RouterId, Timestamp } from './values.ts'

/** An exact integer of any size on the wire; beyond 2^53 a reader that counts in floating point sees it rounded. */
const Sum = z.number().multipleOf(1)

const Balance = z.object({ sold: Sum, used: Sum, remaining: Sum, unused: Sum, difference: Sum })

/** The books' own audit, per metric: `difference = sold - used - remaining - unused`, always 0. */
export const Conservation = z.object({ bytes: Balance, milliseconds: Balance })
export type Conservation = z.infer<typeof Conservation>

export const PortalKind = z.enum(['nodogsplash', 'opennds', 'unknown'])
export type PortalKind = z.infer<typeof PortalKind>

const always = {
  version: z.literal(1),
  routerId: RouterId,
  epoch: z.string(),
  agentVersion: z.string(),
  bootId: z.string(),
}

/** `degraded`: the portal cannot be reached or the disk refuses writes; `warnings` says what a person should know. */
export const LiveStatus = z.object({
  ...always,
  state: z.enum(['online', 'degraded']),
  since: Timestamp,
  clockSynced: z.boolean(),
  portal: z.object({
    kind: PortalKind,
    version: z.string().nullable(),
    state: z.enum(['reachable', 'unreachable', 'unknown']),
  }),
  sessions: z.object({ open: Count, waiting: Count, paused: Count, closing: Count }),
  journal: z.object({ firstSeq: Count, lastSeq: Count, acknowledgedSeq: Count }),
  conservation: Conservation,
  /** Bytes put on flash since the agent started, and the mean of it for a day; null in the first hour. */
  flash: z.object({ writtenBytes: Count, bytesPerDay: Count.nullable() }),
  warnings: z.array(z.string()),
})
export type LiveStatus = z.infer<typeof LiveStatus>

/** The agent is stopped, or the broker has lost it. `since` is absent in the last will, which is written beforehand. */
export const OfflineStatus = z.object({ ...always, state: z.literal('offline'), since: Timestamp.optional() })

export const Status = z.discriminatedUnion('state', [LiveStatus, OfflineStatus])
export type Status = z.infer<typeof Status>
