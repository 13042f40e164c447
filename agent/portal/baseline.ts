// Metering against a baseline: what a device used is the portal's counters now less the counters at the baseline.
// A baseline is a plain value; it is part of the books, so it is on disk before a gate opens and outlives the agent.
import type { PortalClient } from './portal-client.ts'

/** The counters up to which a device has been charged, per portal entry; empty when there is nothing to measure from. */
export type Baseline = readonly BaselineEntry[]
interface BaselineEntry {
  token: string
  ip: string
  downloaded: number
  uploaded: number
  /** These counters stood at an older entry with the same IP. */
  borrowed?: true
  /**
   * The counters before the gate opened, which another device had left there. The gate's own counters begin at 0,
   * and nothing of them is shown until they have passed that; then all of it is.
   */
  hiddenBelow?: Partial<Volume>
}

export interface Volume {
  downloaded: number
  uploaded: number
}

export interface DataUsage {
  downloaded: number
  uploaded: number
  /** A counter is lower than it was: the portal counts from 0 again. */
  restarted: boolean
}

/** A baseline at the device's present counters; `before`: the one that stood till now. */
export function setDataBaseline(clients: readonly PortalClient[], before: Baseline = []): Baseline {
  return clients.map((client) => {
    const { token, ip, borrowed } = client
    const known = before.find((entry) => entry.token === token)
    const entry = { token, ip, downloaded: client.downloaded, uploaded: client.uploaded, ...(borrowed && { borrowed }) }
    if (known && isBehind(known, client)) return { ...entry, ...mostOf(known, client), borrowed: true as const }
    const hidden = directions.filter((direction) => isHidden(known, client, direction))
    return hidden.length === 0 ? entry : { ...entry, ...fromZero(hidden, client) }
  })
}

/** A baseline for a gate that is shut and about to open, where nobody else uses its IP. */
export function openingBaseline(clients: readonly PortalClient[]): Baseline {
  return setDataBaseline(clients).map((entry, index) => {
    const client = clients[index]
    const left = directions.filter((direction) => entry[direction] > 0)
    return client?.open || left.length === 0 ? entry : { ...entry, ...fromZero(left, entry) }
  })
}

/** Whether the counters are still those of the baseline. */
export function isAtBaseline(entry: BaselineEntry, client: PortalClient): boolean {
  return directions.every((direction) => (entry.hiddenBelow?.[direction] ?? entry[direction]) === client[direction])
}

const directions = ['downloaded', 'uploaded'] as const
type Direction = (typeof directions)[number]

function isHidden(entry: BaselineEntry | undefined, client: PortalClient, direction: Direction): boolean {
  return entry?.hiddenBelow?.[direction] === client[direction] && !isItsOwnNow(entry, client)
}

// The older entry is gone that had its counters: they are its own now, and say the same as soon as something passes.
function isItsOwnNow(entry: BaselineEntry, { borrowed }: PortalClient): boolean {
  return entry.borrowed === true && !borrowed
}

function isBehind(entry: BaselineEntry, client: PortalClient): boolean {
  return isItsOwnNow(entry, client) && directions.some((direction) => client[direction] < entry[direction])
}

function mostOf(a: Volume, b: Volume): Volume {
  return { downloaded: Math.max(a.downloaded, b.downloaded), uploaded: Math.max(a.uploaded, b.uploaded) }
}

function fromZero(hidden: readonly Direction[], shown: Volume): Pick<BaselineEntry, 'hiddenBelow'> & Partial<Volume> {
  return {
    ...Object.fromEntries(hidden.map((direction) => [direction, 0])),
    hiddenBelow: Object.fromEntries(hidden.map((direction) => [direction, shown[direction]])),
  }
}

/**
 * Bytes since the baseline, over all open entries of the device. `wasOpen`: its gate was open at the look before, so an entry
 * with a new token was shut and opened since, and is counted from 0. Otherwise a new entry is counted from here on. So is an entry
 * whose token is in `listed`, the tokens of earlier answers: its count so far may be charged already, or be another device's.
 */
export function getDataUsageSinceBaseline(
  baseline: Baseline,
  clients: readonly PortalClient[],
  wasOpen = false,
  listed: ReadonlySet<string> = new Set(),
): DataUsage {
  const usage = { downloaded: 0, uploaded: 0, restarted: false }
  for (const client of clients) {
    // While another device uses that address, its bytes are in the counters too.
    if (!client.open || client.heldBy?.open || client.isContested) continue
    const known = baseline.find((entry) => entry.token === client.token)
    const from = known ?? (wasOpen && !client.borrowed && !listed.has(client.token) ? zero : client)
    for (const direction of directions) {
      const { bytes, isRestarted } = passed(known, from, client, direction)
      usage[direction] += bytes
      usage.restarted ||= isRestarted
    }
  }
  return usage
}

function passed(known: BaselineEntry | undefined, from: Volume, client: PortalClient, direction: Direction) {
  if (isHidden(known, client, direction)) return nothing
  // Those of an older entry, which this one was not known to stand behind, are no continuation of its own.
  if (known && client.borrowed && !known.borrowed) return nothing
  if (known && isItsOwnNow(known, client)) {
    return { bytes: Math.max(0, client[direction] - from[direction]), isRestarted: false }
  }
  const isRestarted = client[direction] < (known?.hiddenBelow?.[direction] ?? from[direction])
  return { bytes: client[direction] - (isRestarted ? 0 : from[direction]), isRestarted }
}

const nothing = { bytes: 0, isRestarted: false }
const zero = { downloaded: 0, uploaded: 0 }

/** The baseline of a device whose gate is shut. */
export function clearDataBaseline(): Baseline {
  return []
}

/** Whether an open entry of the device is one the baseline knows: its gate was not shut in between. */
export function isContinued(baseline: Baseline, clients: readonly PortalClient[]): boolean {
  return clients.some((client) => client.open && baseline.some((entry) => entry.token === client.token))
}
