// The mock portal as the agent meets it: `ndsctl` as a function, with every call on record.
import type { Ndsctl } from '../../agent/valve/ndsctl/exec.ts'
import { createValve, type Valve } from '../../agent/valve/valve.ts'
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal, type Flavour, type MockPortal, type PortalOptions } from '../../broker-dev/portal/world.ts'
import { aMac, anIp, aWall } from './builders.ts'

export interface PortalUnderTest {
  portal: MockPortal
  ndsctl: Ndsctl
  /** Every call so far, such as `auth 7b3f0a11`. */
  calls: string[]
}

export function aPortal(flavour: Flavour = 'nodogsplash', options: Partial<PortalOptions> = {}): PortalUnderTest {
  const portal = createPortal({ flavour, now: () => aWall, random: numbered(), ...options })
  const ask = inProcess(portal)
  const calls: string[] = []
  const ndsctl: Ndsctl = (args) => {
    calls.push(args.join(' '))
    return ask([...args])
  }
  return { portal, ndsctl, calls }
}

/** A Valve at a mock portal that knows the devices of these numbers; `pauses` are its waits for a busy portal. */
export function aValve(
  flavour: Flavour,
  devices: number[] = [],
  kind: Parameters<typeof createValve>[1] = 'auto',
): PortalUnderTest & { valve: Valve; pauses: number[] } {
  const under = aPortal(flavour)
  for (const device of devices) join(under.portal, device)
  const pauses: number[] = []
  const sleep = async (milliseconds: number) => {
    pauses.push(milliseconds)
  }
  const valve = createValve(under.ndsctl, kind, { sleep, monotonic: () => 0 })
  return { ...under, valve, pauses }
}

/** The device joins the LAN and its browser meets the portal page. */
export function join(portal: MockPortal, device: number, ip = anIp(device)): void {
  portal.arrive(aMac(device), ip)
  portal.browse(aMac(device))
}

// Tokens in order, each of them 8 digits: 00010000, 00020000 ...
function numbered(): () => number {
  let count = 0
  return () => ++count / 2 ** 16
}
