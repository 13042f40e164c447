// One model for both portals: what `ndsctl json` says of a device, in bytes.
import type { Mac, PortalKind } from '../../protocol/index.ts'

/** One entry of the portal's list. A device with a new IP has two of them. */
export interface PortalClient {
  mac: Mac
  ip: string
  /** Names the entry; changes at every deauth (nodogsplash) or with every new entry (openNDS). */
  token: string
  /** Whether the portal shows its gate open. */
  open: boolean
  /** Bytes towards the device since its gate opened, as exact as the portal tells them. */
  downloaded: number
  uploaded: number
  /** At how many addresses the LAN knows the device now; 0 = it has left. Only openNDS tells. */
  addresses?: number
}

/** What a look asks: for the whole list, or for some devices by what the portal knows their entries by. */
export type Question = 'all' | readonly Asked[]

/** `names`: each a token, an IP or a MAC. */
export interface Asked {
  mac: Mac
  names: readonly string[]
}

/** What the portal answered to one look. */
export interface PortalList {
  kind: Exclude<PortalKind, 'unknown'>
  /** Only openNDS says it with its clients. */
  version?: string
  clients: PortalClient[]
  /** Devices that the router's owner lets through for nothing. nodogsplash tells them by its status only. */
  trusted: Mac[]
  /** The devices that were asked about; of others the answer says nothing. Absent where the list is whole. */
  only?: ReadonlySet<Mac>
}

/** Whether the answer tells of that device, be it that the portal does not know it. */
export function tellsOf({ only }: PortalList, mac: Mac): boolean {
  return only === undefined || only.has(mac)
}

/** Each device's entries. */
export function entriesByMac(clients: readonly PortalClient[]): Map<Mac, PortalClient[]> {
  const entries = new Map<Mac, PortalClient[]>()
  for (const client of clients) {
    const before = entries.get(client.mac)
    if (before) before.push(client)
    else entries.set(client.mac, [client])
  }
  return entries
}

/** The portal's list after another answer: of devices that the answer says nothing about, what was known before. */
export function updated(known: PortalList | undefined, list: PortalList): PortalList {
  if (!list.only || !known) return list
  return { ...known, clients: [...known.clients.filter(({ mac }) => !tellsOf(list, mac)), ...list.clients] }
}

/** 0 where the portal has not told its version. */
export function majorVersion({ version = '' }: Pick<PortalList, 'version'>): number {
  return Number.parseInt(version, 10) || 0
}
