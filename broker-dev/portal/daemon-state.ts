// Everything that a daemon keeps in memory, and forgets when it stops.
import { Mutex } from 'async-mutex'
import { type Client, type ClientList, createClientList } from './client-list.ts'
import type { Settings } from './settings.ts'

/** A device on the LAN, as the daemon sees it: its newest IP and how many ARP entries its MAC has. */
export interface Neighbour {
  ip: string
  arpEntries: number
}

/** Everything the daemon forgets when it stops. */
export interface Daemon {
  readonly settings: Settings
  readonly neighbour: (mac: string) => Neighbour | undefined
  readonly startedAt: number
  /** All requests go through it, one after the other. */
  readonly thread: Mutex
  readonly list: ClientList
  /** The newest comes first, as in what the daemons print. */
  trusted: string[]
  blocked: string[]
  authentications: number
  downloaded: number
  uploaded: number
  /** When it last looked after its list by itself. */
  checkedAt: number
}

/** `restored`: the clients in its state file. */
export function startDaemon(
  settings: Settings,
  neighbour: Daemon['neighbour'],
  restored: readonly Client[] = [],
): Daemon {
  const counters = { authentications: 0, downloaded: 0, uploaded: 0 }
  const [startedAt, list, thread] = [settings.now(), createClientList(settings, restored), new Mutex()]
  return { settings, neighbour, startedAt, checkedAt: 0, thread, list, trusted: [], blocked: [], ...counters }
}
