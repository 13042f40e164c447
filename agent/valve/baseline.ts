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
}

export interface DataUsage {
  downloaded: number
  uploaded: number
  /** A counter is lower than it was: the portal counts from 0 again. */
  restarted: boolean
}

/** Takes the device's counters as they are now for the point to measure from. */
export function setDataBaseline(clients: readonly PortalClient[]): Baseline {
  return clients.map(({ token, ip, downloaded, uploaded }) => ({ token, ip, downloaded, uploaded }))
}

/** Bytes since the baseline, over all open entries of the device; an entry unknown to the baseline counts from here on. */
export function getDataUsageSinceBaseline(baseline: Baseline, clients: readonly PortalClient[]): DataUsage {
  const usage = { downloaded: 0, uploaded: 0, restarted: false }
  for (const client of clients) {
    const from = entryOf(baseline, client)
    if (!client.open || !from) continue
    const counted = from.downloaded <= client.downloaded && from.uploaded <= client.uploaded
    usage.downloaded += client.downloaded - (counted ? from.downloaded : 0)
    usage.uploaded += client.uploaded - (counted ? from.uploaded : 0)
    usage.restarted ||= !counted
  }
  return usage
}

/** The baseline of a device whose gate is shut. */
export function clearDataBaseline(): Baseline {
  return []
}

/** Whether an open entry of the device is one the baseline knows: its gate was not shut in between. */
export function isContinued(baseline: Baseline, clients: readonly PortalClient[]): boolean {
  return clients.some((client) => client.open && baseline.some((entry) => entry.token === client.token))
}

// A portal that restored its clients gives new tokens to the old counters: then the IP tells which is which.
function entryOf(baseline: Baseline, client: PortalClient): BaselineEntry | undefined {
  return baseline.find((entry) => entry.token === client.token) ?? baseline.find((entry) => entry.ip === client.ip)
}
