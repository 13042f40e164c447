// A router with a captive portal, in memory: devices on its LAN, the daemon, and the firewall it drives.

import { admit, authenticate, type Daemon, type Neighbour, reply, startDaemon, termsOf } from './daemon.ts'
import { type Faults, type Flavour, type PortalOptions, settingsOf } from './settings.ts'

export type { Faults, Flavour, PortalOptions } from './settings.ts'

/** What passed or should pass, in bytes. */
export interface Volume {
  downloaded: number
  uploaded: number
}

export interface MockPortal {
  readonly flavour: Flavour
  readonly running: boolean
  readonly faults: Faults
  /** A device joins the LAN and gets this IP; the same MAC with another IP has moved to it. */
  arrive(mac: string, ip: string): void
  /** Its browser meets the portal page; says whether the daemon knows it now. */
  browse(mac: string): boolean
  /** Its user presses the button of the portal page, which opens the gate without `ndsctl`. */
  splashLogin(mac: string): boolean
  /** The device sends and receives; says what really passed. */
  transfer(mac: string, volume: Volume): Volume
  /** The device is out of range. */
  leave(mac: string): void
  /** What the firewall does with that device now, whatever the daemon shows. */
  gateOpen(mac: string): boolean
  stop(): void
  start(): void
  restart(): void
  /** The daemon finds the device idle for too long. */
  kick(mac: string): void
  /** One line of the daemon's socket, and its reply. */
  request(line: string): string
  /** Calls back at every start and stop of the daemon, until the returned function is called. */
  watch(listener: (running: boolean) => void): () => void
}

export function createPortal(options: PortalOptions): MockPortal {
  const faults: Faults = {}
  const settings = settingsOf(options, faults)
  const addresses = new Map<string, string[]>()
  const present = new Set<string>()
  const listeners = new Set<(running: boolean) => void>()
  let daemon: Daemon | undefined = startDaemon(settings, neighbour)

  function neighbour(mac: string): Neighbour | undefined {
    const ips = present.has(mac) ? addresses.get(mac) : undefined
    const ip = ips?.at(-1)
    return ips && ip !== undefined ? { ip, arpEntries: ips.length } : undefined
  }

  function arrive(mac: string, ip: string): void {
    addresses.set(mac, [...(addresses.get(mac) ?? []).filter((other) => other !== ip), ip])
    present.add(mac)
  }

  function leave(mac: string): void {
    present.delete(mac)
    addresses.set(mac, (addresses.get(mac) ?? []).slice(-1))
  }

  function browse(mac: string): boolean {
    if (!daemon || !neighbour(mac) || daemon.trusted.includes(mac) || daemon.blocked.includes(mac)) return false
    return (entryOf(mac) ?? admit(daemon, mac, 'cpd_can')) !== undefined
  }

  function splashLogin(mac: string): boolean {
    if (!daemon || !browse(mac)) return false
    const entry = entryOf(mac)
    if (!entry || !authenticate(daemon, entry, termsOf([]), settings.now())) return false
    entry.lastActive = settings.now()
    return true
  }

  function transfer(mac: string, volume: Volume): Volume {
    if (!neighbour(mac) || !gateOpen(mac)) return { downloaded: 0, uploaded: 0 }
    if (daemon && !daemon.trusted.includes(mac)) meter(daemon, mac, volume)
    return { ...volume }
  }

  function meter(counting: Daemon, mac: string, volume: Volume): void {
    for (const counter of [counting, entryOf(mac)]) {
      if (!counter) continue
      counter.downloaded += volume.downloaded
      counter.uploaded += volume.uploaded
    }
    const entry = entryOf(mac)
    // Only what the device sends counts as a sign of life.
    if (entry && volume.uploaded > 0) entry.lastActive = settings.now()
  }

  function gateOpen(mac: string): boolean {
    if (!daemon) return true
    if (daemon.blocked.includes(mac)) return false
    return daemon.trusted.includes(mac) || entryOf(mac)?.passes === true
  }

  /** The entry of the device's newest IP, which is the one the firewall goes by. */
  function entryOf(mac: string) {
    daemon?.list.endWhatIsOver()
    const ip = addresses.get(mac)?.at(-1)
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

  function start(): void {
    if (daemon) return
    daemon = startDaemon(settings, neighbour)
    for (const listener of listeners) listener(true)
  }

  function restart(): void {
    stop()
    start()
  }

  function request(line: string): string {
    if (!daemon) return ''
    if (line !== 'stop') return reply(daemon, line)
    stop()
    return ''
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
    ...{ arrive, browse, splashLogin, transfer, leave, gateOpen, stop, start, restart, kick, request, watch },
  }
}
