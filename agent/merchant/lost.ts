// Lots that damage took from sessions are told once, so that the backend can make them good.
import { type Metric, terminateCauses } from '../../protocol/index.ts'
import type { Books, LostLot } from './books.ts'
import type { DraftOf } from './event-draft.ts'

// An event is to fit through any broker.
const mostPurchases = 64

/** The ends of the sessions whose lots are lost, as events; entering them takes the lots off the list. */
export function lostSessions({ lost }: Books): DraftOf<'session.ended'>[] {
  const bySession = grouped(lost)
  return [...bySession.values()].flatMap((lots) =>
    Array.from({ length: Math.ceil(lots.length / mostPurchases) }, (_, part) =>
      ended(lots.slice(part * mostPurchases, (part + 1) * mostPurchases)),
    ),
  )
}

function grouped(lots: readonly LostLot[]): Map<string, LostLot[]> {
  const groups = new Map<string, LostLot[]>()
  for (const lot of lots) groups.set(lot.sessionId, [...(groups.get(lot.sessionId) ?? []), lot])
  return groups
}

function ended(lots: readonly LostLot[]): DraftOf<'session.ended'> {
  const [{ sessionId, mac } = { sessionId: '', mac: '' as LostLot['mac'] }] = lots
  const used: Partial<Record<Metric, number>> = {}
  for (const lot of lots) used[lot.metric] = (used[lot.metric] ?? 0) + lot.used
  return {
    ...{ type: 'session.ended', sessionId, mac, startedAt: null, reason: 'lost' },
    terminateCause: terminateCauses.lost,
    purchases: lots.map(({ sessionId: _, mac: __, ...lot }) => ({ ...lot, unused: lot.allotment - lot.used })),
    ...{ used, downloaded: 0, uploaded: 0, openMilliseconds: 0, overshootBytes: 0 },
  }
}
