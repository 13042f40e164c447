// The router's state on `router/<id>/status`, retained; the last will on the same topic says `offline`.
import * as z from 'zod'
import { Count, PriceList, RouterId, Timestamp } from './values.ts'

/** An exact integer of any size on the wire; beyond 2^53 a reader that counts in floating point sees it rounded. */
const Sum = z.number().multipleOf(1)

const Balance = z.object({
  sold: Sum,
  used: Sum,
  remaining: Sum,
  unused: Sum,
  /** The amount that damage took from the books; absent where it took nothing. Negative where it hid what had been sold. */
  writtenOff: Sum.optional(),
  difference: Sum,
})

/** The books' own audit, per metric: `difference = sold - used - remaining - unused`, always 0. */
export const Conservation = z.object({ bytes: Balance, milliseconds: Balance })
export type Conservation = z.infer<typeof Conservation>

export const PortalKind = z.enum(['nodogsplash', 'opennds', 'unknown'])
export type PortalKind = z.infer<typeof PortalKind>

/**
 * Whether the router's kernel cuts by itself on the last byte and millisecond. `off`: nothing does. `refused`: it cannot. `lost`:
 * something has taken its table away, and it is being built again. `devices`: whose end it keeps; `unguarded`: open gates whose
 * end the agent keeps, because the device has bytes and time left, or no address is known of it.
 */
export const GuardStatus = z.object({
  kind: z.enum(['nftables', 'none']),
  state: z.enum(['active', 'off', 'refused', 'lost']),
  devices: Count,
  unguarded: z.object({ bothMetrics: Count, noAddress: Count }),
})

const always = {
  version: z.literal(1),
  routerId: RouterId,
  agentVersion: z.string(),
  bootId: z.string(),
}

/** An event that the broker will never take, because of its size. */
const Skipped = z.object({ epoch: z.string(), seq: z.int().min(1), type: z.string(), bytes: Count })

/** As the router's books have it. */
const booked = {
  epoch: z.string(),
  sessions: z.object({ open: Count, waiting: Count, paused: Count, closing: Count }),
  journal: z.object({ firstSeq: Count, lastSeq: Count, acknowledgedSeq: Count }),
  conservation: Conservation,
}

const untold = z.never().optional()

const known = {
  clockSynced: z.boolean(),
  portal: z.object({
    kind: PortalKind,
    version: z.string().nullable(),
    state: z.enum(['reachable', 'unreachable', 'unknown']),
  }),
  /**
   * Bytes put on flash since the agent started, and the mean of it for a day; null in the first hour. `refusing`: the disk takes
   * no writes, so nothing is sold; older agents say so in `warnings` only.
   */
  flash: z.object({
    writtenBytes: Count,
    bytesPerDay: Count.nullable(),
    state: z.enum(['sound', 'refusing']).optional(),
  }),
  /** The router's price list, so that a backend can quote before it sells; left out where the broker takes small messages only. */
  prices: z.object({ ...PriceList.shape, directGrants: z.boolean() }).optional(),
  /** The last events that were too large for the broker. */
  skipped: z.array(Skipped),
  guard: GuardStatus,
  usageIntervalMilliseconds: Count,
  warnings: z.array(z.string()),
}

/**
 * `degraded`: the portal cannot be reached, the disk refuses writes or sales are stopped. `warnings` says why, and all else
 * that a person should know. `since`: from when on the router has been in this state and seen by the broker without a break.
 */
export const LiveStatus = z.object({
  ...{ ...always, ...booked },
  state: z.enum(['online', 'degraded']),
  since: Timestamp,
  ...known,
})
export type LiveStatus = z.infer<typeof LiveStatus>

/** The agent has started on a disk that cannot be read: which journal it has and what it has sold is not known, and no zero either. */
export const UnreadStatus = z.object({
  ...always,
  ...{ epoch: untold, sessions: untold, journal: untold, conservation: untold },
  state: z.literal('degraded'),
  since: Timestamp,
  ...known,
})
export type UnreadStatus = z.infer<typeof UnreadStatus>

/**
 * The agent is stopped, or the broker has lost it, with what was known last. `since`: when it was stopped; where the broker
 * speaks in its place, when the lost connection was made.
 */
export const OfflineStatus = z.object({
  ...always,
  state: z.literal('offline'),
  since: Timestamp.optional(),
  ...z.object({ ...booked, ...known }).partial().shape,
})

export const Status = z.union([LiveStatus, UnreadStatus, OfflineStatus])
export type Status = z.infer<typeof Status>
