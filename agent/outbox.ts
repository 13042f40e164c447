// The outbox: the journal behind what the broker has acknowledged, published in order, whenever there is a broker.
import type { Event } from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import type { Journal } from './journal/journal.ts'
import { withOffer } from './merchant/offer.ts'
import type { Tariff } from './merchant/purchase-session.ts'
import { usageReport } from './merchant/reporting.ts'
import type { Now } from './moment.ts'
import type { Recorder } from './recorder.ts'
import { NotTaken, type Uplink } from './uplink/uplink.ts'

export interface Outbox {
  /** Publishes what waits and moves the cursor; rejects when the connection is lost, and goes on there next time. */
  announce(): Promise<void>
  /**
   * Publishes where every session stands, in parts; how many. Totals, so a lost one costs nothing. One at a time:
   * `undefined` while another is under way, since what waits for a slow link would be old when it arrives.
   */
  reportUsage(now: Now): Promise<{ afterSeq: number; parts: number }> | undefined
}

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  uplink: Uplink
  tariff: Tariff
}

// As many are handed to the uplink at once, which lets go no more of them than the broker takes.
const publishedAtOnce = 8
// Between two tries of an event that the broker refuses.
const firstPause = 2000
const longestPause = 300_000

export function createOutbox({ clock, journal, recorder, uplink, tariff }: Parts): Outbox {
  // Beyond the cursor, what the broker took while an event before it was refused or lost.
  const taken = new Set<string>()
  let refused: { pause: number; until: number } | undefined
  let report: Promise<unknown> | undefined
  let announcing: Promise<void> | undefined

  /** Rejects when the broker does not have it; what can never fit is left out for good, and named. */
  async function tell(event: Event): Promise<void> {
    try {
      await uplink.publish('usage', withOffer(event, tariff))
    } catch (err) {
      if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
      const { epoch, seq = 0, type } = event
      const bytes = Buffer.byteLength(JSON.stringify(event))
      await recorder.inTurn(() =>
        recorder.append([], { records: [{ type: 'skipped', event: { epoch, seq, type, bytes } }] }),
      )
    }
  }

  async function tellAll(events: readonly Event[]): Promise<void> {
    // After a refusal one alone is tried: the others wait behind it.
    const tried = refused ? events.slice(0, 1) : events
    const told = await Promise.allSettled(tried.map((event) => tell(event)))
    for (const [index, { status }] of told.entries()) {
      const event = tried[index]
      if (event && status === 'fulfilled') taken.add(keyOf(event))
    }
    const failure = told.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
    refused = undefined
  }

  async function announceAll(): Promise<void> {
    for (let next = waiting(); next && uplink.connected; next = waiting()) {
      const { epoch, fromSeq } = next
      const { events, lostTo } = await journal.read(fromSeq, publishedAtOnce, epoch)
      if (lostTo !== undefined) journal.giveUp(epoch, fromSeq, lostTo)
      else if (events.length === 0) return
      else await tellAll(events.filter((event) => !taken.has(keyOf(event)))).finally(() => moveCursor(epoch, fromSeq))
    }
  }

  // What earlier epochs left comes first.
  function waiting(): { epoch: string; fromSeq: number } | undefined {
    const { inherited, epoch, acknowledgedSeq, lastSeq } = journal.books
    if (inherited[0]) return { ...inherited[0] }
    return acknowledgedSeq < lastSeq ? { epoch, fromSeq: acknowledgedSeq + 1 } : undefined
  }

  function moveCursor(epoch: string, fromSeq: number): void {
    let last = fromSeq - 1
    while (taken.delete(keyOf({ epoch, seq: last + 1 }))) last++
    if (last < fromSeq) return
    if (epoch === journal.books.epoch) journal.note({ type: 'acknowledged', seq: last })
    else journal.note({ type: 'inherited', epoch, seq: last })
  }

  function holdBack(err: unknown): void {
    if (!(err instanceof NotTaken && err.code === 'refused')) return
    const pause = Math.min(refused ? refused.pause * 2 : firstPause, longestPause)
    refused = { pause, until: clock.monotonic() + pause }
  }

  async function publishReport(now: Now): Promise<{ afterSeq: number; parts: number }> {
    const { lastSeq: afterSeq, portalUnreachable } = journal.books
    const parts = usageReport(journal.books, now, !portalUnreachable, uplink.partBytes)
    for (const part of uplink.connected ? parts : []) {
      await uplink.publish('usage', recorder.stamp(part), { urgency: 'report' })
    }
    return { afterSeq, parts: parts.length }
  }

  async function announce(): Promise<void> {
    if (refused && clock.monotonic() < refused.until) return
    try {
      await announceAll()
    } catch (err) {
      holdBack(err)
      throw err
    }
  }

  return {
    // One at a time: two that read the same events would each move the cursor past them.
    announce() {
      announcing ??= announce().finally(() => {
        announcing = undefined
      })
      return announcing
    },
    reportUsage(now) {
      if (report) return undefined
      const published = publishReport(now)
      report = published
        .catch(() => {})
        .finally(() => {
          report = undefined
        })
      return published
    },
  }
}

const keyOf = ({ epoch, seq }: { epoch: string; seq?: number | undefined }): string => `${epoch} ${seq}`
