// A neighbour: a device on the LAN at one of its addresses, as the router's kernel knows it.
import type { Mac } from '../../protocol/index.ts'

export interface Neighbour {
  ip: string
  mac: Mac
}

/** Each device's addresses. */
export function ofDevices(neighbours: readonly Neighbour[]): Map<Mac, Neighbour[]> {
  const devices = new Map<Mac, Neighbour[]>()
  for (const neighbour of neighbours) devices.set(neighbour.mac, [...(devices.get(neighbour.mac) ?? []), neighbour])
  return devices
}
