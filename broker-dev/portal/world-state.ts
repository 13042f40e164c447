// The parts of a mock portal: the LAN, the daemon while it runs, and what was done to its firewall.
import type { Client } from './client-list.ts'
import { lookAfterList } from './daemon.ts'
import type { Daemon } from './daemon-state.ts'
import type { createLan } from './lan.ts'
import type { Settings } from './settings.ts'

export interface World {
  readonly settings: Settings
  readonly lan: ReturnType<typeof createLan>
  /** Nothing while it is stopped. */
  daemon: Daemon | undefined
  /** The firewall's rules were emptied: everybody is through, and nothing is counted. */
  isFlushed: boolean
  /** Another program's request is with the daemon. */
  occupied: boolean
  stop(): void
}

/** The entry of the device's newest IP, which is the one the firewall goes by. */
export function entryOf({ daemon, lan }: World, mac: string): Client | undefined {
  if (daemon) lookAfterList(daemon)
  const ip = lan.newestIp(mac)
  return daemon?.list.all().find((client) => client.mac === mac && client.ip === ip)
}
