// Mischief: things that are done to the devices of a crowd against their customers' will.
import type { MockPortal } from '../portal/world.ts'

export interface Mischief {
  /** The devices that are in range, by the addresses that they speak from. */
  inRange(): { mac: string; ip: string }[]
  /** It is out of range, whatever its customer wants, until it is plugged in. */
  unplug(mac: string): void
  plugIn(mac: string): void
  /** It speaks from that address, which is another one's; undefined gives it its own again. */
  borrowAddress(mac: string, ip: string | undefined): void
}

export interface MischievousDevice {
  mac: string
  /** Its own address. */
  ip: string
  customer: { here: boolean }
  isUnplugged?: boolean
  borrowedIp?: string | undefined
}

export function mischiefOf(
  portal: Pick<MockPortal, 'arrive' | 'browse' | 'leave'>,
  everybody: readonly MischievousDevice[],
): Mischief {
  const deviceOf = (mac: string) => everybody.find((device) => device.mac === mac)
  const isHere = ({ customer, isUnplugged }: MischievousDevice) => customer.here && !isUnplugged
  const addressOf = ({ ip, borrowedIp }: MischievousDevice) => borrowedIp ?? ip

  function change(mac: string, changed: Pick<MischievousDevice, 'isUnplugged' | 'borrowedIp'>): void {
    const device = deviceOf(mac)
    if (!device) return
    Object.assign(device, changed)
    if (!isHere(device)) return
    portal.arrive(mac, addressOf(device))
    portal.browse(mac)
  }

  return {
    inRange: () => everybody.filter(isHere).map((device) => ({ mac: device.mac, ip: addressOf(device) })),
    unplug(mac) {
      change(mac, { isUnplugged: true })
      portal.leave(mac)
    },
    plugIn: (mac) => change(mac, { isUnplugged: false }),
    borrowAddress: (mac, borrowedIp) => change(mac, { borrowedIp }),
  }
}
