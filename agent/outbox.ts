// The outbox: the journal behind what the broker has acknowledged, published in order, whenever there is a broker.
import type { Journal } from './journal/journal.ts'
import { usageReport } from './merchant/reporting.ts'
import type { Now } from './moment.ts'
import type { Recorder } from './recorder.ts'
import type { Uplink } from './uplink/uplink.ts'

export interface Outbox {
  /** Publishes what waits and moves the cursor; rejects when the connection is lost, and goes on there next time. */
  announce(): Promise<void>
  /** Publishes where every session stands, in parts; how many. Totals, so a lost one costs nothing. */
  reportUsage(now: Now): Promise<{ afterSeq: number; parts: number }>
}

// As many unacknowledged at once: with a replay beside it, fewer than the 20 that Mosquitto takes from one MQTT 5 client.
const publishedAtOnce = 8

export function createOutbox(journal: Journal, recorder: Recorder, uplink: Uplink): Outbox {
  return {
    async announce() {
      while (uplink.connected && journal.books.inherited.length > 0) {
        const events = journal.books.inherited.slice(0, publishedAtOnce)
        await Promise.all(events.map((event) => uplink.publish('usage', event)))
        journal.note({ type: 'inherited', told: events.length })
      }
      while (uplink.connected) {
        const events = await journal.read(journal.books.acknowledgedSeq + 1, publishedAtOnce)
        const last = events.at(-1)?.seq
        if (last === undefined) return
        await Promise.all(events.map((event) => uplink.publish('usage', event)))
        journal.note({ type: 'acknowledged', seq: last })
      }
    },
    async reportUsage(now) {
      const report = usageReport(journal.books, now, !journal.books.portalUnreachable)
      if (uplink.connected) await Promise.all(report.map((part) => uplink.publish('usage', recorder.stamp(part))))
      return { afterSeq: journal.books.lastSeq, parts: report.length }
    },
  }
}
