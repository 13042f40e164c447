// The site: the mock portal with the devices behind it, who come, go, use, share addresses and press buttons, and when each gate was
// really open.
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal, type Flavour, type MockPortal } from '../../broker-dev/portal/world.ts'
import type { Kernel } from '../support/a-kernel.ts'
import { aDevice, type Device } from './device.ts'
import type { Dice } from './dice.ts'
import { type Cause, createExcuses } from './excuses.ts'
import type { Timing } from './timing.ts'
import { createTraffic } from './traffic.ts'

export type { Device } from './device.ts'

export type Site = ReturnType<typeof createSite>

export interface SiteParts {
  flavour: Flavour
  hasNeighbours: boolean
  devices: number
  timing: Timing
  dice: Dice
  now: () => number
  wall: () => number
  /** Told of whatever else than agent and customer has a part in what passes at a device. */
  disturbed?: (device: Device) => void
  /** Calls of the guard fail or take long: the kernel has been told late, and is believed all the same. */
  isGuardBad?: () => boolean
  /** The agent has not been able to read the kernel's table since it was started. */
  isKernelUnread?: () => boolean
  /** The router's kernel, where it guards. */
  kernel?: Kernel | undefined
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: everything that can be done to a portal and its devices, a line or two each.
export function createSite(parts: SiteParts) {
  const { flavour, hasNeighbours, devices: count, timing, dice, now, wall, kernel, disturbed = () => {} } = parts
  const portal: MockPortal = createPortal({ flavour, now: wall, random: dice.roll, maxClients: 250 })
  const devices = Array.from({ length: count }, (_, index): Device => aDevice(index + 1))
  const byMac = new Map(devices.map((device) => [device.mac, device]))
  const excuses = createExcuses({ flavour, devices, timing, now, isGuarded: kernel !== undefined, disturbed })
  const { isGuardBad, isKernelUnread } = parts
  const traffic = createTraffic({ portal, devices, now, excuses, isCalledOpen, isGuardBad, isKernelUnread, kernel })
  let ips = 0
  let strangers = 0

  /** Lets pass what passed since it was last called; whatever changes a gate calls it first. */
  function touch(): void {
    if (traffic.flow()) noteGates({ by: 'portal' })
  }

  /**
   * The portal goes on calling a gate open whose rules went along with another's, which the agent cannot see at once; or the
   * one at an IP that its device has no more.
   */
  function isCalledOpen({ mac, ip }: Device, mayBeUnseen: boolean): boolean {
    const open = portal.listed().filter((entry) => entry.mac === mac && entry.state === 'Authenticated')
    return open.some((entry) => mayBeUnseen || entry.ip !== ip)
  }

  function noteGates(cause: Cause): void {
    for (const device of devices) {
      const gate = gateOf(device)
      if (gate === device.gate) continue
      const was = device.gate
      const isKnownOpen = was !== undefined && now() - device.openSince > timing.look && !excuses.isAway()
      device.gate = gate
      if (was !== undefined) excuses.closed(device, cause)
      if (gate !== undefined) excuses.opened(device, cause, isKnownOpen)
    }
  }

  function gateOf({ mac, ip }: Device): string | undefined {
    if (!portal.running || !portal.gateOpen(mac)) return undefined
    return portal.listed().find((entry) => entry.mac === mac && entry.ip === ip)?.token
  }

  /** Does something to the portal or to a device. */
  function change<T>(act: () => T, cause: Cause = { by: 'portal' }): T {
    touch()
    const done = act()
    noteGates(cause)
    return done
  }

  /** An order or a question of the agent reaches the portal. */
  function ask(args: readonly string[]) {
    const [command, argument = ''] = args
    const found = portal.listed().find(({ mac, ip, token }) => [token, ip, mac].includes(argument))
    const isOrder = command === 'auth' || command === 'deauth'
    return change(
      () => inProcess(portal)([...args]),
      isOrder ? { by: 'agent', client: found?.mac ?? argument } : undefined,
    )
  }

  function arrive(device: Device): void {
    // DHCP gives nobody an IP that somebody has.
    const isTaken = devices.some((other) => other !== device && other.present && other.ip === device.ip)
    if (device.ip === '' || isTaken) device.ip = nextIp()
    join(device)
  }

  function join(device: Device): void {
    device.present = true
    portal.arrive(device.mac, device.ip)
    portal.browse(device.mac)
  }

  // A defect of openNDS 9.10 takes .10 for the beginning of .100 to .109.
  const nextIp = () => `192.168.66.${++ips % 2 === 1 ? 10 + (ips >> 1) : 99 + (ips >> 1)}`

  /** They join, meet the portal page and are gone; the portal keeps them on its list for a while. */
  function passBy(people: number): void {
    for (let index = 0; index < people; index++) {
      const number = ++strangers
      const mac = `02:66:ca:ff:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`
      portal.arrive(mac, `192.168.67.${number % 250}`)
      portal.browse(mac)
      portal.leave(mac)
    }
  }

  const somebody = ({ mac }: Device): Cause => ({ by: 'somebody', mac })

  return {
    portal,
    ask,
    devices,
    byMac,
    /** The slowest call of a healthy portal, in milliseconds. */
    call: timing.call,
    hasNeighbours,
    touch,
    change,
    /** Everything that is broken now, as the excuses know it. */
    trouble: (...state: Parameters<typeof excuses.trouble>) => {
      touch()
      excuses.trouble(...state)
    },
    unread: excuses.unread,
    /** From now on the portal or the kernel sees nothing of what passes; or both see all of it. */
    bypass: (device: Device, whom?: 'portal' | 'kernel') => {
      touch()
      disturbed(device)
      traffic.bypass(device, whom)
    },
    isBypassed: traffic.isBypassed,
    /** Whether its gate stands open and the kernel lets nothing through. */
    isCut: ({ ip }: Device) => kernel?.isCut(ip) === true,
    /** The kernel's table is gone: what passes beyond its end until the next look nobody charges. */
    loseGuard: () => {
      touch()
      kernel?.lose()
      for (const device of devices) {
        excuses.freeFor(device, timing.look)
        traffic.guardLost(device)
      }
    },
    /** The kernel cuts these no more: what the portal had counted until its next answer was dropped, or nobody can tell it from that. */
    letGo: (ips: readonly string[]) => {
      touch()
      for (const device of devices) if (ips.includes(device.ip)) excuses.freeFor(device, timing.call)
    },
    guardRead: traffic.guardRead,
    /** Whether the device is there, and the router can tell that its IP is its own. */
    holdsItsIp: ({ mac, ip, present }: Device) => {
      // Where the kernel does not tell, another entry at the IP may be as good as this one.
      const isShared = portal.listed().some((entry) => entry.ip === ip && entry.mac !== mac)
      if (!present || (!hasNeighbours && isShared)) return false
      return portal.neighbours().some((entry) => entry.mac === mac && entry.ip === ip)
    },
    /** The portal calls its gate open, and it lost its rules before this agent began: nothing tells of it. */
    isLostUnseen: (device: Device) => device.closedAt < excuses.backAt && isCalledOpen(device, true),
    /** It has an open gate at an IP that it had before, so that nobody looks for another one. */
    isOpenElsewhere: (device: Device) => device.gate === undefined && isCalledOpen(device, false),
    /** For how long nothing has changed about what passes. */
    steadyFor: ({ marks }: Device) => now() - (marks.at(-1)?.at ?? 0),
    begin: excuses.begin,
    passedAtQuestion: excuses.passedAtQuestion,
    arrive: (device: Device) => change(() => arrive(device)),
    leave: (device: Device) =>
      change(() => {
        device.present = false
        device.leftAt = now()
        portal.leave(device.mac)
      }),
    newIp: (device: Device) =>
      change(() => {
        disturbed(device)
        device.ip = nextIp()
        if (device.present) arrive(device)
      }),
    takeIp: (device: Device, from: Device, byHand: boolean) =>
      change(() => {
        if (from.ip === '' || from === device || (from.present && !byHand)) return
        for (const one of [device, from]) disturbed(one)
        device.ip = from.ip
        if (device.present) join(device)
      }),
    /** Both are away: when they come back, each gets the other's. */
    swapIps: (one: Device, other: Device) => {
      if (one.present || other.present || one.ip === '' || other.ip === '') return
      for (const swapped of [one, other]) disturbed(swapped)
      const { ip } = one
      one.ip = other.ip
      other.ip = ip
    },
    splash: (device: Device, custom?: string) =>
      change(() => device.gate === undefined && portal.splashLogin(device.mac, custom), somebody(device)),
    deny: (device: Device) => change(() => portal.deny(device.mac), somebody(device)),
    renew: (device: Device) => change(() => portal.renew(device.mac), somebody(device)),
    kick: (device: Device) => change(() => portal.kick(device.mac), somebody(device)),
    passBy: (people: number) => change(() => passBy(people)),
    /** A device that is shut out looks at the portal page every now and then. */
    browse: () =>
      change(() => {
        for (const device of devices) if (device.present && device.gate === undefined) portal.browse(device.mac)
      }),
    restart: () => change(portal.restart),
    stop: () => change(portal.stop),
    start: () => change(portal.start),
    /** The agent died; `diskTook`: the disk had what it had written. */
    died: (diskTook: boolean) => {
      touch()
      excuses.died(diskTook)
    },
    restOf: excuses.restOf,
    saved: excuses.saved,
  }
}
