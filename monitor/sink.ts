// The sink: a fleet's events into its history, in batches of all that came while the last one was written. An event counts as read
// only with the batch that holds it; a database that is away stops the reading, and loses nothing.
import { type Fleet, type Item, isInPartition, type Partition, type Report } from '../client/index.ts'
import type { History } from './history.ts'

export interface SinkOptions {
  /** Aborts when somebody wants it to end: what was read is written first. */
  signal: AbortSignal
  /** Only this share of the routers: other sinks write the others, into the same history or their own. */
  partition?: Partition
  onWritten?: (events: number) => void
  /** Told of each try that failed; it is tried again. */
  onTrouble?: (error: Error) => void
  /** Resolves after the time, or when the signal aborts. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

type Sources = Pick<Fleet, 'events' | 'reports'>
type Writing = Pick<History, 'cursor' | 'write' | 'writeReports'>

// One transaction writes this many events in well under a second.
const largestBatch = 5000
const reportInterval = 5000
const firstPause = 1000
const longestPause = 30_000

/** `history` is prepared. */
export async function runSink(fleet: Sources, history: Writing, options: SinkOptions): Promise<void> {
  const { partition, onWritten, onTrouble, sleep } = options
  // A loop that fails ends the others too.
  const failing = new AbortController()
  const signal = AbortSignal.any([options.signal, failing.signal])
  const waiting: Item[] = []
  let wakeWriter = () => {}
  let wakeReader = () => {}
  let isOver = false
  let failure: unknown

  async function read(): Promise<void> {
    const from = await history.cursor()
    for await (const { item } of fleet.events({ from, signal, ...(partition && { partition }) })) {
      waiting.push(item)
      wakeWriter()
      if (waiting.length >= largestBatch) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve
        })
      }
    }
  }

  async function write(): Promise<void> {
    while (!isOver || waiting.length > 0) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wakeWriter = resolve
        })
        continue
      }
      const batch = waiting.slice(0, largestBatch)
      if (!(await insist(() => history.write(batch)))) return
      waiting.splice(0, batch.length)
      wakeReader()
      onWritten?.(batch.length)
    }
  }

  /** Until it is done. At the end it is tried once more: what is not written is read again by the next start. */
  async function insist(work: () => Promise<void>): Promise<boolean> {
    for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
      const isLast = signal.aborted
      try {
        await work()
        return true
      } catch (error) {
        onTrouble?.(error as Error)
        if (isLast) return false
      }
      await sleep(pause, signal)
    }
  }

  async function keepReports(latest: Map<string, Report>): Promise<void> {
    while (!signal.aborted) {
      // At the end once more, with what came since.
      await sleep(reportInterval, signal)
      const reports = [...latest.values()]
      latest.clear()
      // A report that is not written now is replaced by the next one.
      if (reports.length > 0) await history.writeReports(reports).catch((error) => onTrouble?.(error))
    }
  }

  async function gather(latest: Map<string, Report>): Promise<void> {
    for await (const report of fleet.reports({ signal })) {
      if (partition && !isInPartition(report.routerId, partition)) continue
      latest.set(`${report.routerId} ${'status' in report ? 'status' : 'usage'}`, report)
    }
  }

  function over(): void {
    isOver = true
    wakeWriter()
  }

  function ended(error: unknown): void {
    // An end that was asked for is none that failed.
    if (signal.aborted) return
    failure = error
    failing.abort()
  }

  signal.addEventListener('abort', () => wakeReader())
  const latest = new Map<string, Report>()
  await Promise.all([
    read().catch(ended).finally(over),
    write().catch(ended),
    gather(latest).catch(ended),
    keepReports(latest).catch(ended),
  ])
  if (failure !== undefined) throw failure
}
