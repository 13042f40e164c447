// Whether a router is there. A deadline, not a word: a broker may say "online" of a router that is long gone.
import type { LiveStatus, RouterId, Session, Status } from '../protocol/index.ts'

/** The latest that is known of one router. */
export interface RouterView {
  routerId: RouterId
  /** `silent`: it says that it is there, and nothing was heard of it for three usage intervals. */
  state: LiveStatus['state'] | 'offline' | 'silent' | 'unknown'
  /** How long ago anything was heard of it; of one that was silent from the start, since the subscription. */
  heardAgoMilliseconds: number
  status?: Status
  sessions?: readonly Session[]
}

export interface Heard {
  status?: Status
  sessions?: readonly Session[]
  /** Of the client's clock. */
  heardAt: number
}

const intervalsOfSilence = 3
const usualInterval = 10_000

export function viewOf(routerId: RouterId, { status, sessions, heardAt }: Heard, now: number): RouterView {
  const heardAgoMilliseconds = Math.max(0, Math.round(now - heardAt))
  const seen = { routerId, heardAgoMilliseconds, ...(status && { status }), ...(sessions && { sessions }) }
  if (status?.state === 'offline') return { ...seen, state: 'offline' }
  if (heardAgoMilliseconds > silentAfter(status)) return { ...seen, state: 'silent' }
  return { ...seen, state: status?.state ?? 'unknown' }
}

export function silentAfter(status: Status | undefined): number {
  return intervalsOfSilence * (status?.usageIntervalMilliseconds ?? usualInterval)
}
