// One model for both portals: what `ndsctl` says of a device, in bytes.
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
  /** When the question was sent that this answers, in milliseconds of this boot: the daemon reads its counters then. */
  askedAt?: number
  /** At how many addresses the LAN knows the device now; 0 = it has left. Only `json` of openNDS tells. */
  addresses?: number
  /** The counters stood at an older entry with the same IP, which is where the portal keeps them. */
  borrowed?: true
  /** Another device used its IP since it was read, so the counters may have moved. */
  isOutdated?: true
  /** Another device's gate is open at its IP too, and nobody tells which of them moves the bytes. */
  isContested?: true
  /** The device that has this entry's IP now, where that is another one, whether its gate is open, and if the LAN says so. */
  heldBy?: { mac: Mac; open: boolean; isOnLan?: true }
}

/** The question of a look: the whole list, or some devices by the names that the portal has for their entries. */
export type Question = 'all' | readonly Asked[]

/**
 * `names`: each a token, an IP or a MAC. `shared`: IPs at which the portal has, or may have, an older entry of another device,
 * where it keeps the counters.
 */
export interface Asked {
  mac: Mac
  names: readonly string[]
  shared?: readonly string[] | 'every'
}

/** The portal's answer to one look. */
export interface PortalList {
  kind: Exclude<PortalKind, 'unknown'>
  /** nodogsplash says it by its status only. */
  version?: string
  /** In the portal's order, which is that of their age. */
  clients: PortalClient[]
  /** Devices that the router's owner lets through for nothing; absent where the answer does not tell. */
  trusted?: readonly Mac[]
  /** The devices that the answer tells of; of others it says nothing. Absent where the list is whole. */
  only?: ReadonlySet<Mac>
  /**
   * The names that were answered about these devices, where they were asked for by name: a token, an IP, or the MAC where the
   * portal has no entry at all. Of an entry by another name the answer says nothing.
   */
  named?: ReadonlyMap<Mac, ReadonlySet<string>>
  /** When the question was sent, in milliseconds of this boot. */
  askedAt?: number
}

/** Whether the answer covers that device, if only to say that it is unknown. */
export function tellsOf({ only }: PortalList, mac: Mac): boolean {
  return only === undefined || only.has(mac)
}

/** Whether the answer covers that entry, if only to say that it is gone. */
function tellsOfEntry({ only, named }: PortalList, { mac, ip, token }: PortalClient): boolean {
  if (only === undefined) return true
  const names = named?.get(mac)
  return only.has(mac) && (!names || names.has(token) || names.has(ip) || names.has(mac))
}

/** The entries of one device. */
export function entriesOf(clients: readonly PortalClient[] | undefined, mac: Mac): PortalClient[] {
  return clients?.filter((client) => client.mac === mac) ?? []
}

/** The entries of every device, by its MAC. */
export const entriesByMac = (clients: readonly PortalClient[]) => groupedBy(clients, ({ mac }) => mac)

/** The entries at every IP: of a long list, nobody is looked for in all of it. */
export const entriesByIp = (clients: readonly PortalClient[]) => groupedBy(clients, ({ ip }) => ip)

function groupedBy<K>(clients: readonly PortalClient[], keyOf: (client: PortalClient) => K): Map<K, PortalClient[]> {
  const groups = new Map<K, PortalClient[]>()
  for (const client of clients) {
    const group = groups.get(keyOf(client))
    if (group) group.push(client)
    else groups.set(keyOf(client), [client])
  }
  return groups
}

/**
 * Merges a partial answer into the known list: of entries that the answer says nothing about, what was known before. Entries
 * keep their places, since the portal goes by the age of its entries; one that was forgotten here might be the older one at
 * an IP, whose counters are those of the device that pays there.
 */
export function updated(known: PortalList | undefined, list: PortalList): PortalList {
  if (!known) return list
  const trusted = list.trusted ?? known.trusted
  if (!list.only) return { ...list, ...(trusted && { trusted }) }
  const left = new Map(list.clients.map((client) => [client.token, client]))
  const gone: PortalClient[] = []
  const clients = known.clients.flatMap((client) => {
    const now = left.get(client.token)
    left.delete(client.token)
    if (now) return [now]
    if (!tellsOfEntry(list, client)) return [client]
    gone.push(client)
    return []
  })
  const kept = clients.map((client) => (list.clients.includes(client) ? client : withoutUsers(client, gone)))
  return { ...known, clients: [...kept, ...left.values()], ...(trusted && { trusted }) }
}

/** The known list without an entry that the portal has no more. */
export function without(known: PortalList, gone: PortalClient): PortalList {
  const left = known.clients.filter(({ token }) => token !== gone.token)
  return { ...known, clients: left.map((client) => withoutUsers(client, [gone])) }
}

function withoutUsers(client: PortalClient, gone: readonly PortalClient[]): PortalClient {
  return gone.some(({ ip }) => ip === client.ip) ? { ...client, isOutdated: true } : client
}

/** 0 where the portal has not told its version. */
export function majorVersion({ version = '' }: Pick<PortalList, 'version'>): number {
  return Number.parseInt(version, 10) || 0
}
