// Gates that the portal calls open and the firewall keeps shut, as far as the counters tell: the device sends, and nothing
// comes down. (The counters of what a device sends stand before the filter, so they grow at a shut gate too.)
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { type PortalClient, type PortalList, tellsOf } from '../portal/portal-client.ts'
import { type Moment, since } from '../time/moment.ts'

/** Bytes that a device has sent through an open gate since bytes last came down. */
export interface Flow {
  token: string
  from: Moment
  downloaded: number
  uploaded: number
  /** When its gate was last found blocked, to be shut and opened again. */
  foundAt?: Moment
}

// An idle device sends little. A device that sends this much for this long without any answer is heard by nobody.
const silentMilliseconds = 30_000
const sentFromTheStart = 4096
// Once bytes have come down, a one-way stream is likelier than a fault: wait for 64 KiB, which no TCP sends unacknowledged.
const sentLater = 65_536
// Where opening again does not help it is not tried all the time.
const againMilliseconds = 300_000

/** The open gates of an answer that let nothing through; `flows` is for the next one. */
export function findBlocked(
  before: ReadonlyMap<Mac, Flow>,
  { sessions }: Books,
  list: PortalList,
  now: Moment,
): { flows: Map<Mac, Flow>; blocked: PortalClient[] } {
  const flows = new Map([...before].filter(([mac]) => sessions.has(mac) && !tellsOf(list, mac)))
  const blocked: PortalClient[] = []
  for (const client of list.clients) {
    if (!client.open || !sessions.has(client.mac)) continue
    const flow = flowOf(before.get(client.mac), client, now)
    const isBlocked = isSilent(flow, client, list, now) && !wasFoundLately(flow, now)
    if (isBlocked) blocked.push(client)
    flows.set(client.mac, isBlocked ? { ...flow, foundAt: now } : flow)
  }
  return { flows, blocked }
}

function flowOf(before: Flow | undefined, { token, downloaded, uploaded }: PortalClient, now: Moment): Flow {
  if (before?.token === token && before.downloaded === downloaded && before.uploaded <= uploaded) return before
  const isStillSilent = before?.foundAt !== undefined && before.token !== token && downloaded === 0
  return { token, from: now, downloaded, uploaded, ...(isStillSilent && { foundAt: before.foundAt }) }
}

function isSilent(
  { from, downloaded, uploaded }: Flow,
  client: PortalClient,
  { kind }: PortalList,
  now: Moment,
): boolean {
  if ((since(from, now) ?? 0) < silentMilliseconds) return false
  const sent = client.uploaded - uploaded
  // A renewed openNDS gate needs the portal page again, so there only the first rule applies.
  return downloaded === 0 ? sent >= sentFromTheStart : kind === 'nodogsplash' && sent >= sentLater
}

function wasFoundLately({ foundAt }: Flow, now: Moment): boolean {
  return foundAt !== undefined && (since(foundAt, now) ?? 0) < againMilliseconds
}
