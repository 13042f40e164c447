// A script: everything that is done to one router, as plain data that can be stored, cut down and played again.
import type { Flavour } from '../../broker-dev/portal/world.ts'
import type { DiskFault } from './faulty-disk.ts'
import type { KillPhase } from './life.ts'

export interface Script {
  /** For what is drawn while it plays: latencies, orders, where a write is torn. */
  seed: number
  milliseconds: number
  devices: number
  settings: Settings
  actions: Action[]
}

export interface Settings {
  flavour: Flavour
  lookMilliseconds: number
  nearMilliseconds: number
  usageMilliseconds: number
  checkpointMilliseconds: number
  /** The slowest answer of a healthy portal. */
  latencyMilliseconds: number
  /** Whether the machine has an ARP table to read. */
  hasNeighbours?: boolean
  /** Calls take what they took the real daemons, and openNDS a second for each device that has left. */
  realistic?: boolean
  /** Whether the wall clock is believed from the start; otherwise NTP sets it at the first `set-clock`. */
  clockSynced: boolean
  /** The router's kernel guards, and the slowest answer of its `nft`. */
  guard?: { latencyMilliseconds: number }
  /** How large a journal file grows; as large as on a router unless told. */
  journalFileBytes?: number
  /** A file of the state folder is damaged when everything else is over. */
  isDamagedAtTheEnd?: boolean
}

/** `refused`: no call is done. `slow`: one takes seconds. `deaf`: nothing is heard of what the kernel does. */
export type GuardFault = 'refused' | 'slow' | 'deaf'

export type PortalFault =
  | 'hang'
  | 'busy'
  | 'garbage'
  | 'not-a-number'
  | 'refuse-auth'
  | 'refuse-deauth'
  | 'status-fails'
  | 'stopped'

/** `away`: no connection can be made. `deaf`: connections stand, and nothing is acknowledged. */
export type BrokerFault = 'away' | 'deaf'

export type Action = {
  at: number
} /** `deny`: the customer logs out at the portal page. `renew`: somebody shuts and opens the gate by hand. */ & (
  | { do: 'arrive' | 'leave' | 'new-ip' | 'kick' | 'deny' | 'renew'; device: number }
  /** The customer logs in at the portal page; `custom` is what it adds to the page's address. */
  | { do: 'splash'; device: number; custom?: string }
  /** The device takes the IP of another one that has left; `byHand`: also of one that is there. */
  | { do: 'take-ip'; device: number; from: number; byHand?: boolean }
  | { do: 'swap-ips'; device: number; with: number }
  /** People who meet the portal page and walk away. */
  | { do: 'passers-by'; count: number }
  /** Bytes per millisecond from now on. */
  | { do: 'use'; device: number; down: number; up: number }
  /** Whatever a backend sends, well-formed or not. */
  | { do: 'purchase'; message: Record<string, unknown> | string }
  | { do: 'command'; message: Record<string, unknown> }
  /** At the call of that number from now: any await of the agent. */
  | { do: 'kill'; call: number; phase: KillPhase; downMilliseconds: number }
  | { do: 'stop'; downMilliseconds: number }
  | { do: 'reboot'; offMilliseconds: number }
  /** `ntp`: a clock that is believed already is not moved by it. */
  | { do: 'set-clock'; byMilliseconds: number; by: 'ntp' | 'hand' }
  | { do: 'disk'; fault: DiskFault; forMilliseconds: number }
  | { do: 'portal'; fault: PortalFault; forMilliseconds: number }
  | { do: 'restart-portal' }
  | { do: 'guard'; fault: GuardFault; forMilliseconds: number }
  /** Somebody flushes the kernel's rules. */
  | { do: 'lose-guard' }
  /** Flows of that device are offloaded: the portal or the kernel sees none of them. */
  | { do: 'bypass'; device: number; whom: 'portal' | 'kernel'; forMilliseconds: number }
  | { do: 'broker'; fault: BrokerFault; forMilliseconds: number }
  /** The connection is lost at that packet from now, before or after it arrived. */
  | { do: 'drop'; packet: number; phase: 'before' | 'after' }
  /** At the next connections the broker sends what it kept in another order, or twice. */
  | { do: 'redeliver'; how: 'shuffled' | 'twice' }
)

export const macOf = (device: number): string => `02:66:ca:fe:00:${device.toString(16).padStart(2, '0')}`
