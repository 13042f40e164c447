// The end of a session, and the leaving of its used-up purchases, as events.
import { type EndReason, type EventOf, terminateCauses } from '../../protocol/index.ts'
import type { DraftOf } from './event-draft.ts'
import { type Lot, type Session, usedOf } from './session.ts'
import { amounts } from './view.ts'

type SettledPurchase = EventOf<'session.ended'>['purchases'][number]

/** How much of a session one event may tell. */
const mostPurchasesOfAPart = 64
const mostBytesOfAPart = 30 * 1024

/** The end of a session: one event, or as many parts as its purchases need; the totals stand in the last. */
export function endOf(session: Session, reason: EndReason): DraftOf<'session.ended'>[] {
  const groups = inGroups(session.lots.map(settled))
  const { sessionId, mac, startedAt } = session
  const terminateCause = terminateCauses[reason]
  return groups.map((purchases, index): DraftOf<'session.ended'> => {
    const isLast = index === groups.length - 1
    const parts = groups.length > 1 && { part: index + 1, parts: groups.length }
    const part = {
      type: 'session.ended' as const,
      sessionId,
      mac,
      ...parts,
      startedAt,
      reason,
      terminateCause,
      purchases,
    }
    return isLast ? { ...part, ...totalsOf(session) } : part
  })
}

/** The leaving of used-up lots from a session that holds many. */
export function leavingOf({ sessionId, mac }: Session, lots: readonly Lot[]): DraftOf<'session.settled'>[] {
  return inGroups(lots.map(settled)).map((purchases) => ({ type: 'session.settled', sessionId, mac, purchases }))
}

function totalsOf(session: Session) {
  const { downloaded, uploaded, openMilliseconds, overshootBytes, unreadBytes, cut } = session.meter
  return {
    used: amounts(session, usedOf(session)),
    downloaded,
    uploaded,
    openMilliseconds,
    overshootBytes,
    unreadBytes,
    ...(cut && { cut }),
  }
}

function settled({ allotment, used, ...lot }: Lot): SettledPurchase {
  return { ...lot, allotment, used, unused: allotment - used }
}

function inGroups(purchases: readonly SettledPurchase[]): SettledPurchase[][] {
  const groups: SettledPurchase[][] = [[]]
  let bytes = 0
  for (const purchase of purchases) {
    const size = Buffer.byteLength(JSON.stringify(purchase))
    const group = groups.at(-1) ?? []
    if (group.length === mostPurchasesOfAPart || (group.length > 0 && bytes + size > mostBytesOfAPart)) {
      groups.push([purchase])
      bytes = size
    } else {
      group.push(purchase)
      bytes += size
    }
  }
  return groups
}
