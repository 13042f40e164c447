// Usage reports: where every session stands, as totals, one report at a time.
import type { Journal } from './journal/journal.ts'
import { usageReport } from './merchant/reporting.ts'
import type { Recorder } from './recorder.ts'
import type { Now } from './time/moment.ts'
import type { Uplink } from './uplink/uplink.ts'

/** How many parts a report had, and the last event that it counts in. */
export interface Reported {
  afterSeq: number
  parts: number
}

interface Parts {
  journal: Journal
  recorder: Recorder
  uplink: Uplink
}

/** Publishes a report; `undefined` while another one is under way, since it would be old when a slow link delivers it. */
export function createUsageReports({ journal, recorder, uplink }: Parts) {
  let report: Promise<unknown> | undefined

  async function publish(now: Now): Promise<Reported> {
    const { lastSeq: afterSeq } = journal.books
    const parts = usageReport(journal.books, now, uplink.partBytes)
    for (const part of uplink.connected ? parts : []) {
      await uplink.publish('usage', recorder.stamp(part), { urgency: 'report' })
    }
    return { afterSeq, parts: parts.length }
  }

  return function reportUsage(now: Now): Promise<Reported> | undefined {
    if (report) return undefined
    const published = publish(now)
    report = published
      .catch(() => {})
      .finally(() => {
        report = undefined
      })
    return published
  }
}
