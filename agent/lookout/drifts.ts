// Drifts are told once and then counted: one device that does the same again and again must not fill the flash, nor push
// what somebody paid for out of the journal.

import type { DraftOf } from '../merchant/event-draft.ts'
import { type Now, timestamp } from '../time/moment.ts'

export type Drift = DraftOf<'gate.drift'>

/** The drifts of the last minutes, by kind and device. */
export type Reports = ReadonlyMap<string, Report>

interface Report {
  toldAt: number
  /** Further drifts since it was told, still to be told. */
  untold?: { latest: Drift; count: number; since: string; unreadBytes: number }
}

// A drift of one kind about one device is told once in this time; the others are counted.
const quietMilliseconds = 300_000

/** The drifts to tell now, of these and of those that were counted before; `reports` is for the next time. */
export function coalesce(before: Reports, drifts: readonly Drift[], now: Now): { told: Drift[]; reports: Reports } {
  const reports = new Map(before)
  for (const drift of drifts) {
    const report = reports.get(keyOf(drift))
    reports.set(keyOf(drift), {
      toldAt: report?.toldAt ?? Number.NEGATIVE_INFINITY,
      untold: counted(report, drift, now),
    })
  }
  const told: Drift[] = []
  for (const [key, { toldAt, untold }] of reports) {
    if (now.at - toldAt < quietMilliseconds) continue
    if (untold) told.push(inWords(untold))
    if (untold) reports.set(key, { toldAt: now.at })
    else reports.delete(key)
  }
  return { told, reports }
}

/** These were told only now: the disk had refused them. */
export function toldLate(before: Reports, drifts: readonly Drift[], now: Now): Reports {
  return drifts.reduce((reports, drift) => {
    const key = keyOf(drift)
    return new Map(reports).set(key, { ...reports.get(key), toldAt: now.at })
  }, before)
}

const keyOf = ({ kind, mac }: Drift) => `${kind} ${mac ?? ''}`

function counted(report: Report | undefined, latest: Drift, now: Now): NonNullable<Report['untold']> {
  const { count = 0, since = timestamp(now.wall), unreadBytes = 0 } = report?.untold ?? {}
  return { latest, count: count + 1, since, unreadBytes: unreadBytes + (latest.unreadBytes ?? 0) }
}

function inWords({ latest, count, since, unreadBytes }: NonNullable<Report['untold']>): Drift {
  return { ...latest, ...(unreadBytes > 0 && { unreadBytes }), ...(count > 1 && { count, since }) }
}
