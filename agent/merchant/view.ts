// How a session is shown to the world, and what the books add up to.
import type { Amounts, Conservation, Metric, Session as SessionView } from '../../protocol/index.ts'
import { type Now, since, timestamp } from '../moment.ts'
import type { Books } from './books.ts'
import { currentLot, remainingOf, type Session, stateOf, sumOf } from './session.ts'

/** One session as every event, report and reply shows it. `measured`: whether the portal answered the latest look. */
export function viewOf(session: Session, now: Now, measured: boolean): SessionView {
  const exhaustsIn = untilExhausted(session)
  const age = session.readAt ? since(session.readAt, now) : undefined
  return {
    sessionId: session.sessionId,
    mac: session.mac,
    state: stateOf(session),
    startedAt: session.startedAt,
    allotment: amounts(
      session,
      sumOf(session.lots, (lot) => lot.allotment),
    ),
    used: amounts(
      session,
      sumOf(session.lots, (lot) => lot.used),
    ),
    remaining: amounts(session, remainingOf(session.lots)),
    downloaded: session.downloaded,
    uploaded: session.uploaded,
    openMilliseconds: session.openMilliseconds,
    bytesPerSecond: session.bytesPerSecond,
    ...(exhaustsIn !== undefined && { exhaustsAt: timestamp(now.wall + exhaustsIn) }),
    quality: measured ? 'measured' : 'last-known',
    ...(age !== undefined && { ageMilliseconds: Math.round(age) }),
  }
}

/** Only the metrics this session was sold, so that a missing one is never read as 0. */
export function amounts(session: Session, sums: Record<Metric, number>): Amounts {
  const sold = new Set(session.lots.map((lot) => lot.metric))
  return {
    ...(sold.has('bytes') && { bytes: sums.bytes }),
    ...(sold.has('milliseconds') && { milliseconds: sums.milliseconds }),
  }
}

// At the present rate; unknown while the gate is shut or bytes stand still.
function untilExhausted({ seenOpen, lots, bytesPerSecond }: Session): number | undefined {
  if (!seenOpen || !currentLot(lots)) return undefined
  const { bytes, milliseconds } = remainingOf(lots)
  if (bytes > 0 && bytesPerSecond === 0) return undefined
  return milliseconds + (bytes > 0 ? (bytes / bytesPerSecond) * 1000 : 0)
}

/** The books' own audit: what was sold is used, remains, or was left unused; the difference is always 0. */
export function conservationOf(books: Books): Conservation {
  return { bytes: balance(books, 'bytes'), milliseconds: balance(books, 'milliseconds') }
}

function balance(books: Books, metric: Metric): Conservation[Metric] {
  const sold = books.sold[metric]
  let { used, unused } = books.settled[metric]
  let remaining = 0
  for (const { lots } of books.sessions.values()) {
    used += sumOf(lots, (lot) => lot.used)[metric]
    remaining += remainingOf(lots)[metric]
  }
  const writtenOff = books.writtenOff[metric]
  const difference = sold - used - remaining - unused - writtenOff
  return { sold, used, remaining, unused, ...(writtenOff !== 0 && { writtenOff }), difference }
}
