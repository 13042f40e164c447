// Options of `connectFleet` and of its calls.
import { defaultPrefix, TopicPrefix } from '../protocol/index.ts'
import { FleetError } from './errors.ts'
import type { SigningKeys } from './signing.ts'
import type { Store } from './stores/store.ts'

export interface FleetOptions {
  /** `mqtt`, `mqtts`, `ws` or `wss`; several of one broker or cluster with commas between. */
  url: string
  username?: string
  password?: string
  /** The path of a file that has the password. */
  passwordFile?: string
  /**
   * Certificates and keys: the PEM itself, or the path of a file that has it. Files are looked at every few seconds: when they have
   * changed the client leaves in order and comes back with them.
   */
  ca?: string | Buffer
  cert?: string | Buffer
  key?: string | Buffer
  /** Private keys for routers that ask for signatures (`AGENT_PURCHASE_KEYS`, `AGENT_COMMAND_KEYS`). */
  signing?: SigningKeys
  /** The topic prefix of the fleet; `router` unless configured otherwise. */
  prefix?: string
  /**
   * Where purchases are until they have their outcome: the path of a folder, or a store. `./tollgate-outbox` when none is
   * given; it is made with the first purchase.
   */
  store?: string | Store
  /** 4 is MQTT 3.1.1. */
  mqttVersion?: 4 | 5
  /** How long the first connection may take, 10 s unless said otherwise. */
  within?: number
  /**
   * Whether the latest usage report of each router is kept, as it is unless told: without it a large fleet takes a fraction of the
   * memory, and `usage`, `reports` and the `sessions` of `routers` tell nothing of it.
   */
  keepReports?: boolean
  /** Closes the client when it aborts. */
  signal?: AbortSignal
  /** Told of faults that come without anybody waiting for it: a lost connection, a store that fails, a router that does not answer. */
  onWarning?: (warning: FleetError) => void
}

/** Options of every call. */
export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds until the call gives up waiting. */
  within?: number
}

export function prefixOf({ prefix = defaultPrefix }: FleetOptions): string {
  const parsed = TopicPrefix.safeParse(prefix)
  if (!parsed.success) throw new FleetError('invalid-argument', `prefix: ${prefix} is none: give topic levels`)
  return parsed.data
}
