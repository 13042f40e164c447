// The doings of devices, and what is done to them: they come and go, take addresses, and press the buttons of the portal's pages.
import type { MockPortal } from '../../broker-dev/portal/world.ts'
import type { Device } from './device.ts'
import type { Cause } from './excuses.ts'

interface Parts {
  portal: MockPortal
  devices: readonly Device[]
  now(): number
  /** Does something to the portal or to a device, and follows the gates. */
  change<T>(act: () => T, cause?: Cause): T
  /** Told of whatever else than agent and customer has a part in what passes at a device. */
  disturbed(device: Device): void
}

export function createDoings({ portal, devices, now, change, disturbed }: Parts) {
  let ips = 0
  let strangers = 0

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
  }
}
