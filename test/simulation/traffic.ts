// The traffic of the devices through the portal's gates and past the router's kernel, let pass whenever somebody looks.
import type { Volume } from '../../broker-dev/portal/client-list.ts'
import type { MockPortal } from '../../broker-dev/portal/world.ts'
import type { Kernel } from '../support/a-kernel.ts'
import { type Device, pass } from './device.ts'
import type { Excuses } from './excuses.ts'
import { isCalledOpen } from './gates.ts'

export type Traffic = ReturnType<typeof createTraffic>

interface Parts {
  portal: MockPortal
  devices: readonly Device[]
  now(): number
  excuses: Excuses
  /** Calls of the guard fail or take long: the kernel has been told late, and is believed all the same. */
  isGuardBad?: (() => boolean) | undefined
  /** The agent has not been able to read the kernel's table since it was started. */
  isKernelUnread?: (() => boolean) | undefined
  /** The router's kernel, where it guards. */
  kernel?: Kernel | undefined
}

export function createTraffic(parts: Parts) {
  const { portal, devices, now, kernel, excuses } = parts
  const bypassed = new Map<Device, 'portal' | 'kernel'>()
  // Bytes that the kernel has dropped since an agent read its table.
  const unreadDrops = new Map<Device, number>()
  let flowedAt = now()

  function passAt(device: Device, from: number, to: number): void {
    const milliseconds = to - from
    const end = kernel?.endOf(device.ip) ?? Number.POSITIVE_INFINITY
    if (end > from && end < to) {
      passAt(device, from, end)
      passAt(device, end, to)
      return
    }
    const { downloaded, uploaded } = transfer(device, {
      downloaded: device.down * milliseconds,
      uploaded: device.up * milliseconds,
    })
    // With the daemon gone everybody is on line, and nothing of it is anybody's; but an agent that did not see it go has the
    // kernel's count of what its payers moved.
    if (!portal.running) {
      if (kernel?.isCounted(device.ip)) device.unheard += downloaded + uploaded
      return
    }
    pass(device, from, to, downloaded + uploaded)
    const isShown =
      device.gate !== undefined || isCalledOpen(portal, device, to <= device.shownUntil || excuses.isAway())
    if (isShown) device.shownMilliseconds += milliseconds
    // A flow that one of the meters does not see may be seen by none: the other one may be lost.
    excuses.asItPasses(device, from, to, bypassed.has(device) || parts.isGuardBad?.() === true)
  }

  // The portal counts first, and the kernel drops what it has cut.
  function transfer(device: Device, volume: Volume): Volume {
    const { mac, ip } = device
    const by = bypassed.get(device)
    const isUnseen = by === 'portal' && portal.gateOpen(mac) && portal.neighbours().some((entry) => entry.mac === mac)
    const counted = isUnseen ? volume : portal.transfer(mac, volume)
    const passed = kernel && by !== 'kernel' ? kernel.pass(ip, counted) : counted
    // An agent that has never read the kernel's table knows nothing of what that drops.
    const dropped = counted.downloaded + counted.uploaded - passed.downloaded - passed.uploaded
    if (parts.isKernelUnread?.()) device.unheard += dropped
    unreadDrops.set(device, (unreadDrops.get(device) ?? 0) + dropped)
    return passed
  }

  return {
    /** Lets pass what passed since it was last called; whether anything may have. */
    flow(): boolean {
      const from = flowedAt
      flowedAt = now()
      if (flowedAt <= from) return false
      for (const device of devices) passAt(device, from, flowedAt)
      return true
    },
    /** From now on the portal or the kernel sees nothing of what passes; or both see all of it. */
    bypass(device: Device, whom?: 'portal' | 'kernel'): void {
      if (whom) bypassed.set(device, whom)
      else bypassed.delete(device)
    },
    isBypassed: (device: Device) => bypassed.has(device),
    /** The kernel's table is gone: the portal's count is left, which does not tell what was dropped of it. */
    guardLost(device: Device): void {
      device.unheard += unreadDrops.get(device) ?? 0
    },
    /** An agent has read the kernel's table. */
    guardRead: () => unreadDrops.clear(),
  }
}
