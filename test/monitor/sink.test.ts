// Proves that the sink writes every item once and in order, waits for its database, and reads no further than it can hold.
import { describe, expect, it } from 'vitest'
import type { EventsOptions, Item, Partition, Report, Taken } from '../../client/index.ts'
import type { History } from '../../monitor/history.ts'
import { runSink } from '../../monitor/sink.ts'
import { RouterId } from '../../protocol/index.ts'
import { accepted, r1, status } from '../support/messages.ts'
import { until } from '../support/until.ts'

const seqsOf = (items: readonly Item[]) => items.map((item) => 'seq' in item && item.seq)
const numbers = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

function aSink({
  failures = 0,
  events = 0,
  reports = [] as Report[],
  refusal = undefined as Error | undefined,
  partition = undefined as Partition | undefined,
} = {}) {
  // With `Infinity` until it is healed.
  const end = new AbortController()
  const seen = { batches: [] as Item[][], reports: [] as Report[][], pauses: [] as number[], troubles: 0, read: 0 }
  let asked: EventsOptions = {}
  let left = failures

  async function* itemsOf(options: EventsOptions = {}): AsyncGenerator<Taken, void, void> {
    asked = options
    if (refusal) throw refusal
    for (const seq of numbers(events)) {
      seen.read = seq
      yield { item: accepted(seq), cursor: '' }
    }
    await new Promise((resolve) => options.signal?.addEventListener('abort', resolve))
    options.signal?.throwIfAborted()
  }
  async function* reportsOf(options: { signal?: AbortSignal } = {}): AsyncGenerator<Report, void, void> {
    yield* reports
    await new Promise((resolve) => options.signal?.addEventListener('abort', resolve))
    options.signal?.throwIfAborted()
  }
  const history: Pick<History, 'cursor' | 'write' | 'writeReports'> = {
    cursor: async () => ({ version: 1, routers: { r1: { epoch: 'e1', seq: 0 } } }),
    async write(items) {
      await new Promise(setImmediate)
      if (left-- > 0) throw new Error('the database is away')
      seen.batches.push([...items])
    },
    async writeReports(news) {
      seen.reports.push([...news])
    },
  }
  const running = runSink({ events: itemsOf, reports: reportsOf }, history, {
    signal: end.signal,
    ...(partition && { partition }),
    onTrouble: () => {
      seen.troubles++
    },
    sleep: async (milliseconds) => {
      if (milliseconds !== 5000) seen.pauses.push(milliseconds)
      await new Promise(setImmediate)
    },
  }).catch((error: Error) => error)
  return {
    seen,
    running,
    written: () => seen.batches.flat(),
    asked: () => asked,
    heal() {
      left = 0
    },
    async end() {
      end.abort()
      return running
    },
  }
}

describe('the sink', () => {
  it('goes on behind what is written, and writes each item once and in order', async () => {
    const sink = aSink({ events: 12_345 })
    await until(() => sink.written().length === 12_345)
    await sink.end()
    expect(sink.asked().from).toEqual({ version: 1, routers: { r1: { epoch: 'e1', seq: 0 } } })
    expect(seqsOf(sink.written())).toEqual(numbers(12_345))
    // Many at once: each transaction costs a disk's sync.
    expect(sink.seen.batches.length).toBeLessThan(20)
  })

  it('tries a batch again, later and later, and loses nothing of it', async () => {
    const sink = aSink({ events: 3, failures: 7 })
    await until(() => sink.written().length === 3)
    await sink.end()
    expect(sink.seen.troubles).toBe(7)
    expect(sink.seen.pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    expect(seqsOf(sink.written())).toEqual([1, 2, 3])
  })

  it('reads no further than it can hold while its database is away', async () => {
    const sink = aSink({ events: 20_000, failures: Number.POSITIVE_INFINITY })
    await until(() => sink.seen.troubles > 20)
    expect(sink.seen.read).toBe(5000)
    sink.heal()
    await until(() => sink.written().length === 20_000)
    await sink.end()
  })

  it('ends without a word when it is asked to, whatever it is at, and with its fault when the fleet refuses', async () => {
    const sink = aSink({
      events: 3,
      reports: [{ routerId: r1, status: status(1) }],
      failures: Number.POSITIVE_INFINITY,
    })
    await until(() => sink.seen.troubles > 2)
    expect(await sink.end()).toBeUndefined()
    const refused = aSink({ refusal: new Error('the broker refuses the subscription') })
    expect(await refused.running).toMatchObject({ message: 'the broker refuses the subscription' })
  })

  it('writes the latest of each router now and then', async () => {
    const sink = aSink({ reports: [1, 2, 3].map((seq) => ({ routerId: r1, status: status(seq) })) })
    await until(() => sink.seen.reports.length > 0)
    await sink.end()
    expect(sink.seen.reports[0]).toEqual([{ routerId: r1, status: status(3) }])
  })

  it('takes its share of the routers only, events and reports', async () => {
    const reports = ['r1', 'r4'].map((id) => ({ routerId: RouterId.parse(id), status: status(1) }))
    const shares = await Promise.all(
      [0, 1].map(async (index) => {
        const sink = aSink({ reports, partition: { index, of: 2 } })
        await until(() => sink.seen.reports.length > 0)
        await sink.end()
        expect(sink.asked().partition).toEqual({ index, of: 2 })
        return sink.seen.reports.flat().map(({ routerId }) => routerId)
      }),
    )
    expect(shares.flat().sort()).toEqual(['r1', 'r4'])
  })
})
