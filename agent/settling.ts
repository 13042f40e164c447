// Settling, in turn: an answer of the portal, or its silence, becomes charges and events in the books.

import { isDeepStrictEqual } from 'node:util'
import { silences } from './asking.ts'
import type { GuardReading } from './guarding.ts'
import type { Journal } from './journal/journal.ts'
import { drift } from './lookout/drift-words.ts'
import { coalesce, type Drift, type Reports, toldLate } from './lookout/drifts.ts'
import type { UnpaidPolicy } from './lookout/gate-plan.ts'
import { settle } from './lookout/settle.ts'
import { goneAlong, type Sight } from './lookout/sight.ts'
import type { Metered, Metering } from './merchant/journal-record.ts'
import { isSeenAgain, unanswered, unseen } from './merchant/metering.ts'
import type { PortalList } from './portal/portal-client.ts'
import type { ShutAlong } from './portal/prefix-defect.ts'
import type { Turn } from './recorder.ts'
import type { Now } from './time/moment.ts'
import type { PortalFault } from './valve/portal-fault.ts'

export interface Settling {
  /** `told`: the answer; `whole`: the list as far as it is known with it. */
  answered(turn: Turn, told: PortalList, whole: PortalList, now: Now, guard: GuardReading): Promise<void>
  failed(turn: Turn, fault: PortalFault, now: Now): Promise<void>
  tell(turn: Turn, drifts: readonly Drift[], now: Now): Promise<void>
}

interface Parts {
  journal: Journal
  unpaid: UnpaidPolicy
  silentAfter: number
  at: { sight: Sight }
}

// A disk may refuse for long; the drifts that are told afterwards are bounded.
const mostUnstored = 100

export function createSettling({ journal, unpaid, silentAfter, at }: Parts): Settling {
  let reports: Reports = new Map()
  // Drifts that the disk would not take: told as soon as it does.
  let unstored: Drift[] = []

  async function answered(turn: Turn, list: PortalList, whole: PortalList, now: Now, guard: GuardReading) {
    const { remembered, watch, neighbours } = at.sight
    const before = remembered ? { before: remembered } : {}
    const settled = settle(journal.books, list, watch, unpaid, now, { ...before, after: whole, neighbours, ...guard })
    at.sight = { ...at.sight, watch: settled.watch, askAtOnce: settled.askAtOnce }
    if (settled.shut.length > 0) journal.note({ type: 'shut', macs: settled.shut })
    const back = journal.books.portalUnreachable ? [drift('portal-back', 'every gate is compared with the books')] : []
    const counted = coalesce(reports, [...back, ...settled.drifts], now)
    const told = [...unstored, ...counted.told]
    const events = [...told, ...settled.events]
    // Metering of sessions without an event is noted only: after a crash the portal's counters go on, and the next look finds it.
    // The point that a gate is measured from since it was seen open again is stored: the one before may lie before a silence.
    const isStored = (metering: Metering) => {
      const isTold = events.some((event) => 'mac' in event && event.mac === metering.mac)
      return isTold || isSeenAgain(journal.books.sessions.get(metering.mac), metering)
    }
    const metered: Metered = { type: 'metered', sessions: settled.metered.filter(isStored) }
    const noted = settled.metered.filter((metering) => !metered.sessions.includes(metering))
    journal.note({ type: 'metered', sessions: noted })
    await keepShutAlong(journal, turn, goneAlong({ ...at.sight, remembered: whole }, journal.books))
    reports = toldLate(counted.reports, unstored, now)
    if (back.length > 0) journal.note({ type: 'portal', unreachable: false })
    if (events.length === 0 && metered.sessions.length === 0) return
    unstored = []
    // If the disk refuses, gates still move. Metering goes on in memory; a start or end that was not stored is found again
    // by the next look.
    const goOn = () => {
      journal.note(metered)
      unstored = told.slice(-mostUnstored)
    }
    await turn.appendOr(goOn, events, { records: [metered] })
  }

  async function failed(turn: Turn, { code, message }: PortalFault, now: Now): Promise<void> {
    // A slow answer is no missing answer: other callers may keep the daemon busy for as long as its list takes.
    const isSilent = silences.has(code)
    if (isSilent && now.at - (at.sight.unansweredSince ?? now.at) <= silentAfter) return
    at.sight = { ...at.sight, portal: { ...at.sight.portal, state: 'unreachable' } }
    if (code === 'portal-down') await storeMetering(journal, turn, unseen(journal.books))
    else if (isSilent) await storeMetering(journal, turn, unanswered(journal.books))
    if (journal.books.portalUnreachable) return
    journal.note({ type: 'portal', unreachable: true })
    await tell(turn, [drift('portal-unreachable', `${message} (${code}); asked until it answers`)], now)
  }

  async function tell(turn: Turn, drifts: readonly Drift[], now: Now): Promise<void> {
    const counted = coalesce(reports, drifts, now)
    reports = counted.reports
    if (counted.told.length === 0) return
    await turn.appendOr(() => {
      unstored = [...unstored, ...counted.told].slice(-mostUnstored)
    }, counted.told)
  }

  return { answered, failed, tell }
}

// A gate that has lost its rules is stored; one that has them again is noted only: at worst it is renewed once more.
async function keepShutAlong(journal: Journal, turn: Turn, gates: ShutAlong[]): Promise<void> {
  const { shutAlong } = journal.books
  const isNew = gates.some((gate) => !shutAlong.some(({ token }) => token === gate.token))
  if (isNew) await storeShutAlong(journal, turn, gates)
  else if (!isDeepStrictEqual(gates, shutAlong)) journal.note({ type: 'shut-along', gates })
}

/** Gates that lose their rules, or may. */
export async function storeShutAlong(journal: Journal, turn: Turn, gates: ShutAlong[]): Promise<void> {
  const record = { type: 'shut-along', gates } as const
  await turn.appendOr(() => journal.note(record), [], { records: [record] })
}

/** Metering that an agent which dies must not go back behind. */
export async function storeMetering(journal: Journal, turn: Turn, sessions: Metering[]): Promise<void> {
  if (sessions.length === 0) return
  const metered: Metered = { type: 'metered', sessions }
  await turn.appendOr(() => journal.note(metered), [], { records: [metered] })
}
