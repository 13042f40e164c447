// Two devices at one IP. A portal keeps an IP's counters at its oldest entry with that IP, whosever it is, and never drops
// that entry: read as they stand there, one device would be charged for what another one moved.
import type { Mac } from '../../protocol/index.ts'
import type { Neighbour } from './neighbour.ts'
import { entriesByIp, type PortalClient } from './portal-client.ts'

/** A whole list in which every entry shows the counters of its IP. */
export function withCountersOfAddress(clients: readonly PortalClient[]): PortalClient[] {
  const oldest = new Map<string, PortalClient>()
  return clients.map((client) => {
    const first = oldest.get(client.ip)
    if (!first) oldest.set(client.ip, client)
    return first ? borrowedFrom(first, client) : client
  })
}

/** An entry with the counters that the portal keeps at an older one. */
export function borrowedFrom({ downloaded, uploaded }: PortalClient, client: PortalClient): PortalClient {
  return { ...client, downloaded, uploaded, borrowed: true }
}

/** An entry that was read alone: an older one at its IP, where the list is known to have one, has its counters. */
export function behindOlder(client: PortalClient, known: readonly PortalClient[]): PortalClient {
  // The list may lack entries that are about to be shut: of one that it lacks it does not tell which is older.
  const isListed = known.some(({ token }) => token === client.token)
  const oldest = known.find(({ ip }) => ip === client.ip)
  if (!isListed || !oldest || client.borrowed || oldest.isOutdated || oldest.mac === client.mac) return client
  return borrowedFrom(oldest, client)
}

/**
 * The entries of an answer, with the device that has their IP now where that is another one: by the LAN's own knowledge, or
 * the newest entry whose gate is open, or the newest. `known`: the portal's whole list as far as it is known; `before`: the
 * same before this answer, since a device whose gate was open then may have moved the bytes that are found now.
 */
export function withHolders(
  clients: readonly PortalClient[],
  known: readonly PortalClient[],
  neighbours: readonly Neighbour[] = [],
  before: readonly PortalClient[] = [],
): PortalClient[] {
  const onTheLan = new Map<string, Mac>(neighbours.map(({ ip, mac }) => [ip, mac]))
  const [knownAt, beforeAt] = [entriesByIp(known), entriesByIp(before)]
  const holders = holdersOf(knownAt, onTheLan)
  const outdated = new Set(before.filter(({ isOutdated }) => isOutdated).map(({ token }) => token))
  return clients.map(({ heldBy: _, isContested: __, ...client }) => {
    const [present, earlier] = [knownAt.get(client.ip) ?? [], beforeAt.get(client.ip) ?? []]
    const holder = holders.get(client.ip)
    // Another device's gate was open at that IP since the entry was last read.
    const isUsed = outdated.has(client.token) || othersAt(client, earlier).some((other) => other.open)
    const isOpenToo = isUsed || othersAt(client, present).some((other) => other.open)
    const isContested = client.open && !onTheLan.has(client.ip) && isOpenToo
    if (!holder || holder.mac === client.mac) return isContested ? { ...client, isContested } : client
    const isOnLan = onTheLan.get(client.ip) === holder.mac && { isOnLan: true as const }
    // A device that has come to the address since may have opened its gate and shut it again, unseen.
    const isNewcomer = before.length > 0 && !earlier.some(({ mac }) => mac === holder.mac)
    return { ...client, heldBy: { mac: holder.mac, open: holder.open || isUsed || isNewcomer, ...isOnLan } }
  })
}

/** The entries of other devices at that IP. */
export function othersAt(client: Pick<PortalClient, 'ip' | 'mac'>, known: readonly PortalClient[]): PortalClient[] {
  return known.filter((other) => other.ip === client.ip && other.mac !== client.mac)
}

type Holder = Pick<PortalClient, 'mac' | 'open'>

function holdersOf(
  known: ReadonlyMap<string, readonly PortalClient[]>,
  onTheLan: ReadonlyMap<string, Mac>,
): Map<string, Holder> {
  const holders = new Map<string, Holder>()
  for (const [ip, entries] of known) {
    const newest = entries.findLast(({ open }) => open) ?? entries.at(-1)
    if (newest) holders.set(ip, newest)
  }
  // The LAN knows better, also of a device that the portal has no entry for yet.
  for (const [ip, mac] of onTheLan) {
    const isOpen = known.get(ip)?.some((client) => client.mac === mac && client.open) === true
    if (holders.has(ip)) holders.set(ip, { mac, open: isOpen })
  }
  return holders
}
