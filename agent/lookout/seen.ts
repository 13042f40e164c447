// Facts about the portal itself, from the looks so far; each answer gives the next ones.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { type Neighbour, ofDevices } from '../portal/neighbour.ts'
import { entriesOf, type PortalClient, type PortalList, type Question } from '../portal/portal-client.ts'
import { othersAt } from '../portal/shared-address.ts'
import type { Moment } from '../time/moment.ts'
import type { Sight } from './when-to-look.ts'

/** Facts about the portal itself, from the looks so far. */
export interface Seen extends Sight {
  kind: PortalKind
  version?: string
  /** When the whole list was last read, in milliseconds of this boot, and how long that took. */
  listedAt: number | undefined
  listMilliseconds: number
  /** When the whole list last could not be read, and how many times running. */
  listFailedAt: number
  listFailures: number
  /** How many addresses the LAN knows of the devices at more than one; and what it knew when the whole list was last read. */
  told: ReadonlyMap<Mac, number>
  addresses: ReadonlyMap<Mac, number>
  /** When a paid device was first seen at an address at which no entry of it is known. */
  arrivals: ReadonlyMap<string, number>
  /** A device has an address that no answer has named: only the whole list tells its entry. */
  isListWanted: boolean
}

export const nothingSeen: Seen = {
  kind: 'unknown',
  latencyMilliseconds: 0,
  absent: new Set(),
  shuts: new Map(),
  fastestBytesPerSecond: 0,
  listedAt: undefined,
  listMilliseconds: 0,
  listFailedAt: Number.NEGATIVE_INFINITY,
  listFailures: 0,
  told: new Map(),
  addresses: new Map(),
  arrivals: new Map(),
  isListWanted: false,
}

// For this time a paid device that has come to an address is expected to meet the portal's page there.
const arrivalMilliseconds = 60_000

/** The facts about the portal after an answer; `milliseconds`: how long it took. */
export function afterLook(
  seen: Seen,
  question: Question,
  list: PortalList,
  books: Books,
  now: Moment,
  milliseconds: number,
  known: PortalList = list,
): Seen {
  const isWhole = list.only === undefined
  const names = isWhole || question === 'all' ? 1 : question.flatMap((asked) => asked.names).length
  const absent = new Set([...seen.absent].filter((mac) => known.clients.some((client) => client.mac === mac)))
  const told = new Map(seen.told)
  for (const { mac, addresses } of list.clients) {
    if (addresses === undefined) continue
    if (addresses === 0) absent.add(mac)
    else absent.delete(mac)
    told.set(mac, addresses)
  }
  // A LAN may remember an old address for ever, long after its entry went.
  const isNew = ([mac, count]: [Mac, number]) =>
    books.sessions.has(mac) && count > (seen.addresses.get(mac) ?? 1) && count > entriesOf(list.clients, mac).length
  const lacksElder = (client: PortalClient) => client.borrowed && othersAt(client, known.clients).length === 0
  const version = list.version ?? seen.version
  const fastest = Math.max(...[...books.sessions.values()].map(({ meter }) => meter.bytesPerSecond), 0)
  return {
    ...seen,
    kind: list.kind,
    ...(version !== undefined && { version }),
    latencyMilliseconds:
      question === 'all' && list.kind === 'opennds'
        ? seen.latencyMilliseconds
        : Math.round(milliseconds / Math.max(1, names)),
    absent,
    fastestBytesPerSecond: Math.max(seen.fastestBytesPerSecond, fastest),
    listedAt: isWhole ? now.at : seen.listedAt,
    listMilliseconds: isWhole ? milliseconds : seen.listMilliseconds,
    listFailures: isWhole ? 0 : seen.listFailures,
    told,
    addresses: isWhole ? told : seen.addresses,
    isListWanted: !isWhole && (seen.isListWanted || [...told].some(isNew) || list.clients.some(lacksElder)),
  }
}

/** The whole list could not be read: it is asked for again after a pause, and until then the devices that matter one by one. */
export function afterListFault(seen: Seen, now: Moment): Seen {
  return { ...seen, listFailures: seen.listFailures + 1, listFailedAt: now.at }
}

/** The devices that the router's kernel knows now; `undefined` where it does not tell, or of none of these. */
export function afterNeighbours(
  seen: Seen,
  neighbours: readonly Neighbour[] | undefined,
  known: PortalList | undefined,
  { sessions }: Pick<Books, 'sessions'>,
  now: Moment,
): Seen {
  const { present: _, ...rest } = seen
  const present = ofDevices(neighbours ?? [])
  const listed = known?.clients.map(({ mac }) => mac) ?? []
  // A machine whose LAN is another one knows none of the portal's devices: there its table says nothing.
  if (!neighbours || (!seen.present && !listed.some((mac) => present.has(mac)))) return rest
  // nodogsplash answers about absent devices as fast as about the others.
  const absent = seen.kind === 'opennds' ? listed.filter((mac) => !present.has(mac)) : []
  // A question by IP is answered about the oldest entry there: that of a device which has just come stands in the list alone.
  const isUnknown = ({ mac, ip }: Neighbour) => {
    return sessions.has(mac) && !known?.clients.some((client) => client.mac === mac && client.ip === ip)
  }
  const unknown = neighbours.filter(isUnknown).map(({ mac, ip }) => `${mac} ${ip}`)
  const arrivals = new Map(unknown.map((pair) => [pair, seen.arrivals.get(pair) ?? now.at]))
  const isExpected = [...arrivals.values()].some((at) => now.at - at <= arrivalMilliseconds)
  return { ...rest, present, absent: new Set(absent), arrivals, isListWanted: seen.isListWanted || isExpected }
}
