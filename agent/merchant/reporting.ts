// Reports: where everything stands, for whoever asks.
import type { LiveStatus, Usage } from '../../protocol/index.ts'
import type { PortalList } from '../portal/portal-client.ts'
import type { Now } from '../time/moment.ts'
import type { Books } from './books.ts'
import { inParts } from './parts.ts'
import { mostSessions } from './purchase-session.ts'
import { isPaid, stateOf } from './session.ts'
import { conservationOf, viewOf } from './view.ts'

const mostSessionsOfAPart = 100

// The common fields of a report, with room for what their values may come to.
const frameBytes = 700

/** The usage report, in parts of so many bytes at most. */
export function usageReport(
  books: Books,
  now: Now,
  mostBytes: number,
): Pick<Usage, 'type' | 'afterSeq' | 'part' | 'parts' | 'sessions'>[] {
  const sessions = [...books.sessions.values()].map((session) => viewOf(session, now, books))
  const parts = inParts(sessions, mostBytes - frameBytes, mostSessionsOfAPart)
  return parts.map((part, index) => ({
    type: 'usage',
    afterSeq: books.lastSeq,
    part: index + 1,
    parts: parts.length,
    sessions: part,
  }))
}

export function countSessions(books: Books): LiveStatus['sessions'] {
  const counts = { open: 0, waiting: 0, paused: 0, closing: 0 }
  for (const session of books.sessions.values()) counts[stateOf(session)]++
  return counts
}

/** The fault of books that do not add up, or nothing: with one a router sells no more. */
export function faultOfBooks(books: Books): string | undefined {
  const { bytes, milliseconds } = conservationOf(books)
  if (bytes.difference === 0 && milliseconds.difference === 0) return undefined
  return `the books do not add up: ${bytes.difference} bytes and ${milliseconds.difference} ms are unaccounted for`
}

// The daemons' own MaxClients and that of OpenWrt's packages. No answer of theirs tells it.
const usualLimits: readonly number[] = [20, 250]

/** A warning when the list stands at a usual limit and a paid device is not on it. */
export function faultOfPortal({ sessions }: Books, list: PortalList | undefined): string | undefined {
  if (!list || !usualLimits.includes(list.clients.length)) return undefined
  const known = new Set(list.clients.map(({ mac }) => mac))
  const outside = [...sessions.values()].filter((session) => isPaid(session) && !known.has(session.mac)).length
  if (outside === 0) return undefined
  return `the portal lists ${list.clients.length} devices, a usual limit: ${outside} that paid may not get in; see its MaxClients`
}

/** Devices that have paid and that the router's owner lets through for nothing: nobody would find out why they wait. */
export function faultOfTrust({ sessions }: Books): string | undefined {
  const trusted = [...sessions.values()]
    .filter((session) => session.meter.waitingFor === 'trusted')
    .map(({ mac }) => mac)
  if (trusted.length === 0) return undefined
  const named = trusted.slice(0, mostNamed).join(', ') + (trusted.length > mostNamed ? ', ...' : '')
  return `${trusted.length} that paid are trusted by the portal, which lets them through and counts nothing: ${named}; end their sessions or untrust them`
}

const mostNamed = 5

/** Whether sales will soon need the places of sessions that wait, or nothing. */
export function faultOfPlaces({ sessions }: Books): string | undefined {
  if (sessions.size < mostSessions * 0.8) return undefined
  return `${sessions.size} of ${mostSessions} places for sessions are taken; a sale beyond ends the one not seen for longest, if that is a day or more`
}
