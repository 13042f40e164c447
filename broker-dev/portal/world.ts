// A router with a captive portal, in memory: devices on its LAN, the daemon, and the firewall it drives.

import type { Client, Volume } from './client-list.ts'
import { admit, authenticate, isReading, lookAfterList, reply, termsOf } from './daemon.ts'
import { type Daemon, startDaemon } from './daemon-state.ts'
import { type ArpEntry, createLan } from './lan.ts'
import { measuredMilliseconds, serviceMilliseconds } from './latency.ts'
import { type Faults, type Flavour, type PortalOptions, settingsOf } from './settings.ts'

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
  /** What the firewall does with that device now, whatever the daemon shows. */
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
  /** The same in its turn and in its time; rejects with code ECONNREFUSED when the daemon is stopped by then. */
  serve(line: string): Promise<string>
  /** Calls back at every start and stop of the daemon, until the returned function is called. */
  watch(listener: (running: boolean) => void): () => void
}

export function createPortal(options: PortalOptions): MockPortal {
  const faults: Faults = {}
  const settings = settingsOf(options, faults)
  const lan = createLan()
  const listeners = new Set<(running: boolean) => void>()
  let daemon: Daemon | undefined = startDaemon(settings, lan.neighbour)
  let isFlushed = false
  let occupied = false

  function browse(mac: string): boolean {
    lan.hear(mac)
    if (!daemon || !lan.neighbour(mac) || daemon.trusted.includes(mac) || daemon.blocked.includes(mac)) return false
    return (entryOf(mac) ?? admit(daemon, mac, 'cpd_can')) !== undefined
  }

  function splashLogin(mac: string, custom = ''): boolean {
    if (!daemon || !browse(mac)) return false
    const entry = entryOf(mac)
    if (!entry || !authenticate(daemon, entry, termsOf(['', '', '', '', '', custom]), settings.now())) return false
    entry.lastActive = settings.now()
    return true
  }

  function deny(mac: string): boolean {
    lan.hear(mac)
    const entry = lan.neighbour(mac) && entryOf(mac)
    if (entry?.state !== 'Authenticated') return false
    daemon?.list.shut(entry)
    return true
  }

  function renew(mac: string): boolean {
    if (request(`deauth ${mac}`) !== 'Yes') return false
    browse(mac)
    return request(`auth ${mac}`) === 'Yes'
  }

  function transfer(mac: string, volume: Volume): Volume {
    const nothing = { downloaded: 0, uploaded: 0 }
    if (!lan.neighbour(mac)) return nothing
    if (volume.uploaded > 0) lan.hear(mac)
    const passes = gateOpen(mac)
    if (passes) meter(mac, volume)
    // nodogsplash counts what a device sends where it marks it, in mangle PREROUTING (chain ndsOUT in fw_iptables.c), so
    // before a filter drops it; openNDS counts it in the filter (chain ndsULR), where what was dropped does not come.
    else if (options.flavour === 'nodogsplash') meter(mac, { ...nothing, uploaded: volume.uploaded })
    return passes ? { ...volume } : nothing
  }

  function meter(mac: string, volume: Volume): void {
    const entry = entryOf(mac)
    if (!daemon || !entry?.gate || isFlushed || daemon.trusted.includes(mac)) return
    daemon.list.count(entry, volume)
    daemon.downloaded += volume.downloaded
    daemon.uploaded += volume.uploaded
  }

  function gateOpen(mac: string): boolean {
    if (!daemon || isFlushed) return true
    if (daemon.blocked.includes(mac)) return false
    return daemon.trusted.includes(mac) || entryOf(mac)?.gate?.passes === true
  }

  /** The entry of the device's newest IP, which is the one the firewall goes by. */
  function entryOf(mac: string) {
    if (daemon) lookAfterList(daemon)
    const ip = lan.newestIp(mac)
    return daemon?.list.all().find((client) => client.mac === mac && client.ip === ip)
  }

  function kick(mac: string): void {
    for (const client of daemon?.list.all() ?? []) {
      if (client.mac === mac && (client.state === 'Authenticated' || settings.flavour !== 'nodogsplash')) {
        daemon?.list.shut(client)
      }
    }
  }

  function stop(): void {
    if (!daemon) return
    daemon = undefined
    for (const listener of listeners) listener(false)
  }

  function start(restored: readonly Client[] = []): void {
    if (daemon) return
    isFlushed = false
    daemon = startDaemon(settings, lan.neighbour, restored)
    for (const listener of listeners) listener(true)
  }

  function restart({ keepsClients = false } = {}): void {
    const restored = keepsClients && settings.flavour === 'nodogsplash' ? daemon?.list.all() : []
    stop()
    start(restored)
  }

  function flushFirewall(): void {
    isFlushed = daemon !== undefined
  }

  function request(line: string): string {
    if (!daemon) return ''
    if (line !== 'stop') return reply(daemon, line)
    stop()
    return ''
  }

  async function serve(line: string): Promise<string> {
    const serving = daemon
    if (!serving) throw stopped()
    // What takes no time happens at once: whoever asks has the answer before anything else happens.
    if (!serving.thread.isLocked() && serviceMilliseconds(serving, line) === 0) return request(line)
    return serving.thread.runExclusive(async () => {
      const milliseconds = serviceMilliseconds(serving, line)
      // The daemons read their counters first, then they print; an order takes effect at the end.
      const read = isReading(line) && daemon === serving ? request(line) : undefined
      await settings.sleep(milliseconds)
      if (daemon !== serving) throw stopped()
      return read ?? request(line)
    })
  }

  async function occupy(milliseconds: number): Promise<void> {
    await daemon?.thread.runExclusive(async () => {
      occupied = true
      await settings.sleep(milliseconds)
      occupied = false
    })
  }

  function listed(): readonly Client[] {
    daemon?.list.endWhatIsOver()
    return daemon?.list.all() ?? []
  }

  function watch(listener: (running: boolean) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return {
    flavour: options.flavour,
    get running() {
      return daemon !== undefined
    },
    faults,
    get occupied() {
      return occupied
    },
    get serving() {
      return daemon?.thread.isLocked() ?? false
    },
    ...{ arrive: lan.arrive, leave: lan.leave, neighbours: lan.neighbours },
    ...{ browse, splashLogin, deny, transfer, gateOpen, kick, renew, request, serve, occupy, watch, listed },
    measuredMilliseconds: (line) => (daemon ? measuredMilliseconds(daemon, line) : 0),
    ...{ stop, start: () => start(), restart, flushFirewall },
  }
}

const stopped = () => Object.assign(new Error('the daemon is stopped'), { code: 'ECONNREFUSED' })
