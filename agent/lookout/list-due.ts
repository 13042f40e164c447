// When openNDS is to be asked for its whole list, which may keep its daemon for long.
import type { Books } from '../merchant/books.ts'
import { type Session, stateOf } from '../merchant/session.ts'
import { majorVersion } from '../portal/portal-client.ts'
import type { Moment } from '../time/moment.ts'
import type { Seen } from './seen.ts'
import { firstEndIn, isExpected, type LookSettings } from './when-to-look.ts'

// Share of the daemon's time for whole lists; more while an entry is missing or somebody waits.
const listShare = 0.05
const wantedListShare = 0.2

// Longest time without a whole list: only it shows unpaid gates. Where the list shows those who wait, it comes sooner.
const longestWithoutList = 600_000
const longestWhileWaiting = 60_000

// openNDS 9.10 may end itself over its `status`, and everybody's gate with it, so there it is asked for rarely.
const rareList = 60_000
const rareWantedList = 10_000

// A list that could not be read is asked for again after this, and after twice as long each time.
const firstListPause = 5000

// Time to shut an overdue session before the whole list blocks the daemon.
const shutMilliseconds = 100

/**
 * Milliseconds until the whole list is to be read; Infinity unless openNDS. Reading the list may block the daemon, so it waits
 * for sessions that may end meanwhile, at most one interval more.
 */
export function listDueIn(books: Books, now: Moment, settings: LookSettings, seen: Seen): number {
  if (seen.kind !== 'opennds') return Number.POSITIVE_INFINITY
  const pause = listPauseLeft(seen, now)
  if (pause > 0) return pause
  if (seen.listedAt === undefined) return 0
  const somebodyWaits = [...books.sessions.values()].some(isAway)
  const isWanted =
    seen.isListWanted || [...books.sessions.values()].some((session) => isAway(session) && isExpected(session, now))
  const affordable = seen.listMilliseconds / (isWanted ? wantedListShare : listShare)
  const shortest = isWanted ? settings.nearIntervalMilliseconds : settings.lookIntervalMilliseconds
  const longest = somebodyWaits ? longestWhileWaiting : longestWithoutList
  const rarely = majorVersion(seen) >= 10 ? 0 : seen.isListWanted ? rareWantedList : rareList
  const interval = Math.max(Math.min(affordable, longest), shortest - seen.listMilliseconds, rarely)
  const due = seen.listedAt + interval - now.at
  if (due > 0) return due
  const end = firstEndIn(books, now, seen)
  const waits = end < 2 * seen.listMilliseconds ? Math.max(end, shutMilliseconds) : 0
  return Math.max(0, Math.min(waits, due + interval))
}

export function listPauseLeft({ listFailures, listFailedAt }: Seen, now: Moment): number {
  if (listFailures === 0) return 0
  const pause = Math.min(firstListPause * 2 ** (listFailures - 1), longestWithoutList)
  return Math.max(0, listFailedAt + pause - now.at)
}

// Paid, and not let in: the device may not be there, and a question about it then takes the daemon's time for nothing.
export function isAway(session: Session): boolean {
  return stateOf(session) === 'waiting'
}
