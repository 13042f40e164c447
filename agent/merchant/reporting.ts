// Reports: where everything stands, for whoever asks.
import type { LiveStatus, Usage } from '../../protocol/index.ts'
import type { Now } from '../moment.ts'
import type { Books } from './books.ts'
import { stateOf } from './session.ts'
import { conservationOf, viewOf } from './view.ts'

const mostSessionsOfAPart = 100

/** The usage report, in parts. `measured`: the portal answered the latest look. */
export function usageReport(
  books: Books,
  now: Now,
  measured: boolean,
): Pick<Usage, 'type' | 'afterSeq' | 'part' | 'parts' | 'sessions'>[] {
  const sessions = [...books.sessions.values()].map((session) => viewOf(session, now, measured))
  const parts = Math.max(1, Math.ceil(sessions.length / mostSessionsOfAPart))
  return Array.from({ length: parts }, (_, index) => ({
    type: 'usage',
    afterSeq: books.lastSeq,
    part: index + 1,
    parts,
    sessions: sessions.slice(index * mostSessionsOfAPart, (index + 1) * mostSessionsOfAPart),
  }))
}

export function countSessions(books: Books): LiveStatus['sessions'] {
  const counts = { open: 0, waiting: 0, paused: 0, closing: 0 }
  for (const session of books.sessions.values()) counts[stateOf(session)]++
  return counts
}

/** What is wrong with the books, or nothing: a router whose books do not add up sells no more. */
export function faultOfBooks(books: Books): string | undefined {
  const { bytes, milliseconds } = conservationOf(books)
  if (bytes.difference === 0 && milliseconds.difference === 0) return undefined
  return `the books do not add up: ${bytes.difference} bytes and ${milliseconds.difference} ms are unaccounted for`
}
