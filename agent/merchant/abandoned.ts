// Sessions whose customer does not come: nothing is kept for ever for somebody who never returns.
import type { Books } from './books.ts'
import { currentLot, type Session, stateOf } from './session.ts'

/** How long a paid rest waits for its device, in milliseconds of the agent's running time; Infinity for ever. */
export type AbandonedAfter = number

/** The sessions that end as `abandoned` now: not opened within `startWithin`, or waiting for their device for too long. */
export function abandonedSessions({ sessions, uptime }: Books, after: AbandonedAfter): Session[] {
  return [...sessions.values()].filter((session) => {
    if (stateOf(session) !== 'waiting') return false
    if (isLate(session, uptime)) return true
    return (session.meter.waitingFor ?? 'device') === 'device' && uptime - session.meter.idleSince >= after
  })
}

/** Milliseconds until a session is too late to start; infinite where none is bound to a time. */
export function lateIn({ sessions, uptime }: Books): number {
  const waiting = [...sessions.values()].filter(
    (session) => session.startedAt === null && session.startBy !== undefined,
  )
  return Math.min(...waiting.map(({ startBy }) => Math.max(0, (startBy ?? uptime) - uptime)))
}

// A sale may take the place of a session whose device was not seen for this time.
const replaceableAfter = 24 * 3_600_000

/** The session that makes room for a new one: not seen open for longest, and for a day at least. */
export function longestIdle({ sessions, uptime }: Books): Session | undefined {
  const idle = [...sessions.values()].filter(
    (session) => !session.meter.seenOpen && currentLot(session.lots) !== undefined,
  )
  const [longest] = idle.sort((a, b) => a.meter.idleSince - b.meter.idleSince)
  return longest && uptime - longest.meter.idleSince >= replaceableAfter ? longest : undefined
}

function isLate({ startedAt, startBy }: Session, uptime: number): boolean {
  return startedAt === null && startBy !== undefined && uptime >= startBy
}
