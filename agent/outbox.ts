// The outbox: the journal behind what the broker has acknowledged, published in order, whenever there is a broker.
import type { Event } from '../protocol/index.ts'
import { createBacklog } from './backlog.ts'
import type { Journal } from './journal/journal.ts'
import { withOffer } from './merchant/offer.ts'
import type { Tariff } from './merchant/purchase-session.ts'
import type { Recorder } from './recorder.ts'
import type { Clock } from './time/clock.ts'
import type { Now } from './time/moment.ts'
import { NotTaken, type Uplink } from './uplink/uplink.ts'
import { createUsageReports, type Reported } from './usage-reports.ts'

export interface Outbox {
  /** Publishes what waits and moves the cursor; rejects when the connection is lost, and goes on there next time. */
  announce(): Promise<void>
  /** Publishes a usage report in parts; `undefined` while another one is under way. Totals, so a lost one costs nothing. */
  reportUsage(now: Now): Promise<Reported> | undefined
}

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  uplink: Uplink
  tariff: Tariff
}

// Events handed to the uplink at once; its window lets no more of them go than the broker takes.
const publishedAtOnce = 8
// Between two tries of an event that the broker refuses.
const firstPause = 2000
const longestPause = 300_000

export function createOutbox({ clock, journal, recorder, uplink, tariff }: Parts): Outbox {
  const backlog = createBacklog(journal)
  let refused: { pause: number; until: number } | undefined
  let announcing: Promise<void> | undefined

  /** Rejects when the broker does not have it. An event that can never fit is left out for good, and named. */
  async function publish(event: Event): Promise<void> {
    try {
      await uplink.publish('usage', withOffer(event, tariff))
    } catch (err) {
      if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
      const { epoch, seq = 0, type } = event
      const bytes = Buffer.byteLength(JSON.stringify(event))
      await recorder.inTurn((turn) =>
        turn.append([], { records: [{ type: 'skipped', event: { epoch, seq, type, bytes } }] }),
      )
    }
  }

  async function publishAll(events: readonly Event[]): Promise<void> {
    // After a refusal one event alone is tried: the others wait behind it.
    const tried = refused ? events.slice(0, 1) : events
    const results = await Promise.allSettled(tried.map((event) => publish(event).then(() => backlog.took(event))))
    const failure = results.find((result) => result.status === 'rejected')
    if (failure) throw failure.reason
    refused = undefined
  }

  async function announceAll(): Promise<void> {
    for (let next = backlog.next(); next && uplink.connected; next = backlog.next()) {
      const { epoch, fromSeq } = next
      const { events, lostTo } = await journal.read(fromSeq, publishedAtOnce, epoch)
      if (lostTo !== undefined) journal.giveUp(epoch, fromSeq, lostTo)
      else if (events.length === 0) return
      else
        await publishAll(events.filter((event) => !backlog.isTaken(event))).finally(() =>
          backlog.moveCursor(epoch, fromSeq),
        )
    }
  }

  function holdBack(err: unknown): void {
    if (!(err instanceof NotTaken && err.code === 'refused')) return
    const pause = Math.min(refused ? refused.pause * 2 : firstPause, longestPause)
    refused = { pause, until: clock.monotonic() + pause }
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
    reportUsage: createUsageReports({ journal, recorder, uplink }),
  }
}
