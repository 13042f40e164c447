// How a session is shown to the world, and what the books add up to.
import type { Amounts, Metric, Session as SessionView } from '../../protocol/index.ts'
import { type Now, since, timestamp } from '../time/moment.ts'
import type { Books } from './books.ts'
import { allotmentOf, currentLot, remainingOf, type Session, stateOf, sumOf, usedOf } from './session.ts'

/** One session as every event, report and reply shows it. */
export function viewOf(
  session: Session,
  now: Now,
  { portalUnreachable }: Pick<Books, 'portalUnreachable'>,
): SessionView {
  const exhaustsIn = untilExhausted(session)
  const state = stateOf(session)
  const { readAt, downloaded, uploaded, openMilliseconds, bytesPerSecond, waitingFor } = session.meter
  const age = readAt ? since(readAt, now) : undefined
  return {
    sessionId: session.sessionId,
    mac: session.mac,
    state,
    startedAt: session.startedAt,
    allotment: amounts(session, allotmentOf(session)),
    used: amounts(session, usedOf(session)),
    remaining: amounts(session, remainingOf(session.lots)),
    ...{ downloaded, uploaded, openMilliseconds, bytesPerSecond },
    ...(exhaustsIn !== undefined && { exhaustsAt: timestamp(now.wall + exhaustsIn) }),
    ...(state === 'waiting' && { waitingFor: portalUnreachable ? 'portal' : (waitingFor ?? 'device') }),
    quality: portalUnreachable ? 'last-known' : 'measured',
    ...(age !== undefined && { ageMilliseconds: Math.round(age) }),
  }
}

/** Only the metrics this session was sold, so that a missing one is never read as 0. */
export function amounts(session: Session, sums: Record<Metric, number>): Amounts {
  const { lots, passed } = session
  const isSold = (metric: Metric) => passed[metric] > 0 || lots.some((lot) => lot.metric === metric)
  return {
    ...(isSold('bytes') && { bytes: sums.bytes }),
    ...(isSold('milliseconds') && { milliseconds: sums.milliseconds }),
  }
}

// At the present rate; unknown while the gate is shut or bytes stand still.
function untilExhausted({ lots, meter }: Session): number | undefined {
  const { seenOpen, bytesPerSecond } = meter
  if (!seenOpen || !currentLot(lots)) return undefined
  const { bytes, milliseconds } = remainingOf(lots)
  if (bytes > 0 && bytesPerSecond === 0) return undefined
  return milliseconds + (bytes > 0 ? (bytes / bytesPerSecond) * 1000 : 0)
}

/** Exact: a number where that holds it, a bigint beyond. */
type Sum = number | bigint
export type Balance = Record<'sold' | 'used' | 'remaining' | 'unused' | 'difference', Sum>

/** The books' own audit: what was sold is used, remains, or was left unused; the difference is always 0. */
export function conservationOf(books: Books): Record<Metric, Balance> {
  return { bytes: balance(books, 'bytes'), milliseconds: balance(books, 'milliseconds') }
}

function balance(books: Books, metric: Metric): Balance {
  const sold = books.sold[metric]
  let { used, unused } = books.settled[metric]
  let remaining = 0n
  for (const { lots } of books.sessions.values()) {
    used += BigInt(sumOf(lots, (lot) => lot.used)[metric])
    remaining += BigInt(remainingOf(lots)[metric])
  }
  const writtenOff = books.writtenOff[metric]
  const difference = exact(sold - used - remaining - unused - writtenOff)
  const sums = { sold: exact(sold), used: exact(used), remaining: exact(remaining), unused: exact(unused) }
  return { ...sums, ...(writtenOff !== 0n && { writtenOff: exact(writtenOff) }), difference }
}

function exact(sum: bigint): Sum {
  const number = Number(sum)
  return Number.isSafeInteger(number) ? number : sum
}
