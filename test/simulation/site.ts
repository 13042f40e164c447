// The site: the mock portal with the devices behind it, who come, go, use, share addresses and press buttons, and when each gate was
// really open.
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal, type Flavour, type MockPortal } from '../../broker-dev/portal/world.ts'
import type { Kernel } from '../support/a-kernel.ts'
import { aDevice, type Device } from './device.ts'
import type { Dice } from './dice.ts'
import { createDoings } from './doings.ts'
import { createExcuses, type Excuses } from './excuses.ts'
import { createFollowing, isCalledOpen } from './gates.ts'
import type { Timing } from './timing.ts'
import { createTraffic, type Traffic } from './traffic.ts'

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

export function createSite(parts: SiteParts) {
  const { flavour, hasNeighbours, devices: count, timing, dice, now, wall, kernel, disturbed = () => {} } = parts
  const portal: MockPortal = createPortal({ flavour, now: wall, random: dice.roll, maxClients: 250 })
  const devices = Array.from({ length: count }, (_, index): Device => aDevice(index + 1))
  const byMac = new Map(devices.map((device) => [device.mac, device]))
  const excuses = createExcuses({ flavour, devices, timing, now, isGuarded: kernel !== undefined, disturbed })
  const { isGuardBad, isKernelUnread } = parts
  const traffic = createTraffic({ portal, devices, now, excuses, isGuardBad, isKernelUnread, kernel })

  const { touch, change } = createFollowing({ portal, devices, traffic, excuses, now, look: timing.look })

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

  const doings = createDoings({ portal, devices, now, change, disturbed })

  return {
    portal,
    ask,
    devices,
    byMac,
    ...doings,
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
    ...doneToTheKernel({ devices, touch, traffic, excuses, timing, kernel, disturbed }),
    /** Whether the device is there, and the router can tell that its IP is its own. */
    holdsItsIp: ({ mac, ip, present }: Device) => {
      // Where the kernel does not tell, another entry at the IP may be as good as this one.
      const isShared = portal.listed().some((entry) => entry.ip === ip && entry.mac !== mac)
      if (!present || (!hasNeighbours && isShared)) return false
      return portal.neighbours().some((entry) => entry.mac === mac && entry.ip === ip)
    },
    /** The portal calls its gate open, and it lost its rules before this agent began: nothing tells of it. */
    isLostUnseen: (device: Device) => device.closedAt < excuses.backAt && isCalledOpen(portal, device, true),
    /** It has an open gate at an IP that it had before, so that nobody looks for another one. */
    isOpenElsewhere: (device: Device) => device.gate === undefined && isCalledOpen(portal, device, false),
    /** For how long nothing has changed about what passes. */
    steadyFor: ({ marks }: Device) => now() - (marks.at(-1)?.at ?? 0),
    begin: excuses.begin,
    passedAtQuestion: excuses.passedAtQuestion,
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

type Kernels = Pick<SiteParts, 'timing' | 'kernel'> & {
  devices: readonly Device[]
  touch(): void
  traffic: Traffic
  excuses: Excuses
  disturbed(device: Device): void
}

function doneToTheKernel({ devices, touch, traffic, excuses, timing, kernel, disturbed }: Kernels) {
  return {
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
  }
}
