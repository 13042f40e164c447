// The guard's table: what the router's kernel counts, and cuts by itself when what was bought has passed. A value.
import type { Volume } from './baseline.ts'

/** The count of one session, from 0 on, and the count at which the kernel cuts its addresses. */
export interface Quota extends Volume {
  limit: number
}

/** The table as the kernel has it. */
export interface GuardTable {
  /** By session. */
  quotas: ReadonlyMap<string, Quota>
  /** The session that an address is counted for. */
  byIp: ReadonlyMap<string, string>
  /** Addresses whose quota has passed: nothing comes through any more. */
  cut: ReadonlySet<string>
  /** Addresses for which time was bought, and when it ends, in milliseconds of this boot: null where it has ended. */
  until: ReadonlyMap<string, number | null>
}

export const emptyTable: GuardTable = { quotas: new Map(), byIp: new Map(), cut: new Set(), until: new Map() }

/** One change of the table; all changes of one moment are one transaction. */
export type GuardChange =
  | { do: 'release'; ip: string }
  | { do: 'remove'; sessionId: string }
  | { do: 'add'; sessionId: string; quota: Quota }
  | { do: 'limit'; sessionId: string; limit: number }
  | { do: 'assign'; ip: string; sessionId: string }
  | { do: 'cut' | 'uncut'; ip: string }
  | { do: 'time'; ip: string; until: number }
  | { do: 'untime'; ip: string }

/** Everything that the kernel let through for a session whose quota is that. */
export const counted = ({ downloaded, uploaded }: Volume): number => downloaded + uploaded

/** Sessions that have a count and no address: nothing is counted for them any more. */
export function uncounted({ quotas, byIp }: GuardTable): Set<string> {
  const counted = new Set(byIp.values())
  return new Set([...quotas.keys()].filter((sessionId) => !counted.has(sessionId)))
}

/** Whether the kernel counts some address for that session, and may cut it there. */
export function isHeld({ byIp }: GuardTable, sessionId: string): boolean {
  return [...byIp.values()].includes(sessionId)
}

/** Whether a time in the table is over. */
export function isOver(end: number | null | undefined, now: number): boolean {
  return end === null || (end !== undefined && end <= now)
}

/** Whether the kernel lets nothing more through for that session. */
export function isCut(table: GuardTable, sessionId: string): boolean {
  const quota = table.quotas.get(sessionId)
  if (quota && counted(quota) >= quota.limit) return isHeld(table, sessionId)
  return [...table.cut].some((ip) => table.byIp.get(ip) === sessionId)
}

/** The table after these changes. */
export function changedTable(table: GuardTable, changes: readonly GuardChange[]): GuardTable {
  const next = {
    quotas: new Map(table.quotas),
    byIp: new Map(table.byIp),
    cut: new Set(table.cut),
    until: new Map(table.until),
  }
  for (const change of changes) enterChange(next, change)
  return next
}

/** The table after changes of which nobody knows whether they were taken: it lets no more pass than the stricter of the two. */
export function perhapsChanged(table: GuardTable, changes: readonly GuardChange[]): GuardTable {
  const isStricter = (change: GuardChange): boolean => {
    if (change.do === 'limit') return change.limit < (table.quotas.get(change.sessionId)?.limit ?? 0)
    if (change.do === 'time') return !table.until.has(change.ip)
    return change.do === 'add' || change.do === 'assign' || change.do === 'cut'
  }
  return changedTable(table, changes.filter(isStricter))
}

interface Open {
  quotas: Map<string, Quota>
  byIp: Map<string, string>
  cut: Set<string>
  until: Map<string, number | null>
}

function enterChange({ quotas, byIp, cut, until }: Open, change: GuardChange): void {
  switch (change.do) {
    case 'release':
      byIp.delete(change.ip)
      cut.delete(change.ip)
      return
    case 'remove':
      quotas.delete(change.sessionId)
      return
    case 'add':
      quotas.set(change.sessionId, change.quota)
      return
    case 'limit': {
      const quota = quotas.get(change.sessionId)
      if (quota) quotas.set(change.sessionId, { ...quota, limit: change.limit })
      return
    }
    case 'assign':
      byIp.set(change.ip, change.sessionId)
      return
    case 'cut':
      cut.add(change.ip)
      return
    case 'uncut':
      cut.delete(change.ip)
      return
    case 'time':
      until.set(change.ip, change.until)
      return
    case 'untime':
      until.delete(change.ip)
  }
}
