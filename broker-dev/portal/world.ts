// A router with a captive portal, in memory: devices on its LAN, the daemon, and the firewall it drives.

import type { Client, Volume } from './client-list.ts'
import { startDaemon } from './daemon-state.ts'
import { type ArpEntry, createLan } from './lan.ts'
import { measuredMilliseconds } from './latency.ts'
import { occupy, request, serve } from './service.ts'
import { type Faults, type Flavour, type PortalOptions, settingsOf } from './settings.ts'
import { gateOpen, transfer } from './traffic.ts'
import { browse, deny, splashLogin } from './visitors.ts'
import type { World } from './world-state.ts'

export type { Volume } from './client-list.ts'
export type { Faults, Flavour, PortalOptions } from './settings.ts'

export interface MockPortal {
  readonly flavour: Flavour
  readonly running: boolean
  readonly faults: Faults
  /** Whether the daemon's one thread is at a request. */
  readonly serving: boolean
  /** Whether that request is another program's, see {@link MockPortal.occupy}. */
  readonly occupied: boolean
  /** A device joins the LAN and gets this IP; the same MAC with another IP has moved to it. */
  arrive(mac: string, ip: string): void
  /** Its browser meets the portal page; says whether the daemon knows it now. */
  browse(mac: string): boolean
  /**
   * Its user presses the button of the portal page, which opens the gate without `ndsctl`. `custom`: what a user adds to
   * the page's address, and openNDS prints as it came, line feeds, quotes and all.
   */
  splashLogin(mac: string, custom?: string): boolean
  /** Its user opens the portal's own page to log out, which shuts the gate without `ndsctl`; whether it was open. */
  deny(mac: string): boolean
  /** The device sends and receives; says what really passed. */
  transfer(mac: string, volume: Volume): Volume
  /** The device is out of range. */
  leave(mac: string): void
  /** Whether the firewall lets that device through now, whatever the daemon shows. */
  gateOpen(mac: string): boolean
  stop(): void
  start(): void
  /** `keepsClients`: as nodogsplash does that has a state file, which comes after 5.0.2; the firewall counts anew. */
  restart(how?: { keepsClients?: boolean }): void
  /** Somebody empties the firewall: everybody is through and nothing is counted until the daemon starts again. */
  flushFirewall(): void
  /** The daemon finds the device idle for too long. */
  kick(mac: string): void
  /** Somebody shuts the gate by hand and opens it again, which gives it another token; whether it is open then. */
  renew(mac: string): boolean
  /** The kernel's ARP table: who is in range, under which addresses. */
  neighbours(): ArpEntry[]
  /** Another program's request takes the daemon so long: at openNDS every `ndsctl` is turned away meanwhile. */
  occupy(milliseconds: number): Promise<void>
  /** The daemon's list as it is, oldest first, whatever an answer makes of it. */
  listed(): readonly Readonly<Client>[]
  /** How long the real daemon's thread would be at that request now, on the machine that was measured. */
  measuredMilliseconds(line: string): number
  /** One line of the daemon's socket, and its reply, as if it took no time. */
  request(line: string): string
  /** One line and its reply, in its turn and in the daemon's time; rejects with code ECONNREFUSED when the daemon is stopped by then. */
  serve(line: string): Promise<string>
  /** Calls back at every start and stop of the daemon, until the returned function is called. */
  watch(listener: (running: boolean) => void): () => void
}

export function createPortal(options: PortalOptions): MockPortal {
  const faults: Faults = {}
  const settings = settingsOf(options, faults)
  const lan = createLan()
  const listeners = new Set<(running: boolean) => void>()
  const daemon = startDaemon(settings, lan.neighbour)
  const world: World = { settings, lan, daemon, isFlushed: false, occupied: false, stop }

  function stop(): void {
    if (!world.daemon) return
    world.daemon = undefined
    for (const listener of listeners) listener(false)
  }

  function start(restored: readonly Client[] = []): void {
    if (world.daemon) return
    world.isFlushed = false
    world.daemon = startDaemon(settings, lan.neighbour, restored)
    for (const listener of listeners) listener(true)
  }

  return {
    flavour: options.flavour,
    get running() {
      return world.daemon !== undefined
    },
    faults,
    get occupied() {
      return world.occupied
    },
    get serving() {
      return world.daemon?.thread.isLocked() ?? false
    },
    ...{ arrive: lan.arrive, leave: lan.leave, neighbours: lan.neighbours },
    browse: (mac) => browse(world, mac),
    splashLogin: (mac, custom) => splashLogin(world, mac, custom),
    deny: (mac) => deny(world, mac),
    transfer: (mac, volume) => transfer(world, mac, volume),
    gateOpen: (mac) => gateOpen(world, mac),
    kick(mac) {
      for (const client of world.daemon?.list.all() ?? []) {
        if (client.mac === mac && (client.state === 'Authenticated' || settings.flavour !== 'nodogsplash')) {
          world.daemon?.list.shut(client)
        }
      }
    },
    renew(mac) {
      if (request(world, `deauth ${mac}`) !== 'Yes') return false
      browse(world, mac)
      return request(world, `auth ${mac}`) === 'Yes'
    },
    request: (line) => request(world, line),
    serve: (line) => serve(world, line),
    occupy: (milliseconds) => occupy(world, milliseconds),
    listed() {
      world.daemon?.list.endWhatIsOver()
      return world.daemon?.list.all() ?? []
    },
    watch(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    measuredMilliseconds: (line) => (world.daemon ? measuredMilliseconds(world.daemon, line) : 0),
    stop,
    start: () => start(),
    restart({ keepsClients = false } = {}) {
      const restored = keepsClients && settings.flavour === 'nodogsplash' ? world.daemon?.list.all() : []
      stop()
      start(restored)
    },
    flushFirewall() {
      world.isFlushed = world.daemon !== undefined
    },
  }
}
