// The gates of the mock portal: as they are, as the portal calls them, and who is told when one has moved.
import type { MockPortal } from '../../broker-dev/portal/world.ts'
import type { Device } from './device.ts'
import type { Cause, Excuses } from './excuses.ts'

/**
 * The portal goes on calling a gate open whose rules went along with another's, which the agent cannot see at once; or the
 * one at an IP that its device has no more.
 */
export function isCalledOpen(portal: MockPortal, { mac, ip }: Device, mayBeUnseen: boolean): boolean {
  const open = portal.listed().filter((entry) => entry.mac === mac && entry.state === 'Authenticated')
  return open.some((entry) => mayBeUnseen || entry.ip !== ip)
}

interface Parts {
  portal: MockPortal
  devices: readonly Device[]
  traffic: { flow(): boolean }
  excuses: Excuses
  now(): number
  /** How often the agent looks at least, in milliseconds. */
  look: number
}

/** Follows the gates: the excuses are told of each that has moved, and of whose doing that was. */
export function createFollowing({ portal, devices, traffic, excuses, now, look }: Parts) {
  /** Lets pass what passed since it was last called; whatever changes a gate calls it first. */
  function touch(): void {
    if (traffic.flow()) noteGates({ by: 'portal' })
  }

  function noteGates(cause: Cause): void {
    for (const device of devices) {
      const gate = gateOf(portal, device)
      if (gate === device.gate) continue
      const was = device.gate
      const isKnownOpen = was !== undefined && now() - device.openSince > look && !excuses.isAway()
      device.gate = gate
      if (was !== undefined) excuses.closed(device, cause)
      if (gate !== undefined) excuses.opened(device, cause, isKnownOpen)
    }
  }

  /** Does something to the portal or to a device. */
  function change<T>(act: () => T, cause: Cause = { by: 'portal' }): T {
    touch()
    const done = act()
    noteGates(cause)
    return done
  }

  return { touch, change }
}

// The token of the gate through which the device's traffic passes, where one is open.
function gateOf(portal: MockPortal, { mac, ip }: Device): string | undefined {
  if (!portal.running || !portal.gateOpen(mac)) return undefined
  return portal.listed().find((entry) => entry.mac === mac && entry.ip === ip)?.token
}
