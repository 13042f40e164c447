// The journal: every decision on disk before it counts, and the books, the outbox and the history that follow from it.
//   journal-<first decision>-<first seq>.log   decisions with their events, appended and synced, pruned in whole files
//   checkpoint-<number>.log                    the books, then metering and what the broker has acknowledged
import type { Event } from '../../protocol/index.ts'
import { type Books, enter, type JournalRecord } from '../merchant/books.ts'
import type { Now } from '../moment.ts'
import { createCheckpoints, type NotedRecord } from './checkpoints.ts'
import type { Disk } from './disk.ts'
import { frame } from './frames.ts'
import { type JournalLimits, usualLimits } from './limits.ts'
import {
  type Decision,
  eventsOf,
  type JournalFile,
  journalName,
  type Recovered,
  readDecisions,
  recover,
} from './recovery.ts'
import { prune } from './retention.ts'
import { createStore } from './store.ts'

export { type JournalLimits, journalLimits } from './limits.ts'
export { StorageFailure } from './store.ts'

export interface Journal {
  /** The fold of all that was entered; changes only here. */
  readonly books: Books
  /** The oldest event that can still be read. */
  readonly firstSeq: number
  /** What a person should know about the state folder. */
  readonly warnings: readonly string[]
  /** Bytes put on disk since it was opened: what the flash has to bear. */
  readonly writtenBytes: number
  /** Reads the state folder. */
  open(): Promise<void>
  /** One decision: on disk, then in the books; when the disk refuses, in neither (throws {@link StorageFailure}). */
  append(records: JournalRecord[]): Promise<void>
  /** What a crash may undo: in the books at once, on disk with the next checkpoint. */
  note(record: NotedRecord): void
  /** Counts the agent's running time up to now. */
  live(now: Now): void
  /** Puts what was noted on disk, and prunes what is old. Throws {@link StorageFailure}. */
  checkpoint(now: Now): Promise<void>
  /** Events of this epoch in order, from that number on, at most so many. */
  read(fromSeq: number, most: number): Promise<Event[]>
  close(): Promise<void>
}

// Several times what is published at once: while the broker is there the outbox never reads the disk.
const recentEvents = 512
// What is longer is deflated: of one letter nothing would be left.
const mostTrialBytes = 900

interface Pending {
  records: JournalRecord[]
  done: () => void
  failed: (cause: unknown) => void
}

export function createJournal(disk: Disk, newEpoch: () => string, limits: JournalLimits = usualLimits): Journal {
  const store = createStore(disk)
  const checkpoints = createCheckpoints(store, limits, opened)
  let state: Recovered | undefined
  let pending: Pending[] = []
  let queue: Promise<unknown> = Promise.resolve()

  function opened(): Recovered {
    if (!state) throw new Error('the journal is not open')
    return state
  }

  // One writer: whatever waits when it comes round goes to disk with one sync.
  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }

  async function open(): Promise<void> {
    state = await recover(disk, newEpoch)
    keepRecent(state)
    // A new journal's epoch, and the state recovered after a damage, are on disk before anything follows them.
    if (!state.checkpoint || state.warnings.length > 0) await checkpoints.writeSnapshot()
    // Only then is cut off what shows that there was damage: a crash in between must not hide it.
    for (const { name, bytes } of state.cuts) await store.truncate(name, bytes)
  }

  async function writePending(): Promise<void> {
    const group = pending
    pending = []
    if (group.length === 0) return
    const current = opened()
    const { uptime } = current.books
    const first = current.n + 1
    const decisions = group.map(({ records }, index): Decision => ({ n: first + index, uptime, records: [...records] }))
    // The cursor travels along for nothing: after a crash fewer events are told twice.
    const cursor = checkpoints.unwrittenCursor
    if (cursor !== undefined) decisions[0]?.records.push({ type: 'acknowledged', seq: cursor })
    try {
      await store.append(await currentFile(), Buffer.concat(decisions.map(frame)))
      current.n += decisions.length
      if (cursor !== undefined) checkpoints.cursorWritten(cursor)
      for (const { records } of decisions) for (const record of records) enter(current.books, record)
      current.recent.push(...decisions.flatMap(eventsOf))
      keepRecent(current)
      for (const { done } of group) done()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    }
  }

  async function currentFile(): Promise<JournalFile> {
    const { files, books, n } = opened()
    const last = files.at(-1)
    if (last && last.bytes < limits.fileBytes && last.firstN >= books.epochFirstN) return last
    const [firstN, firstSeq] = [n + 1, books.lastSeq + 1]
    const file = { name: journalName(firstN, firstSeq), firstN, firstSeq, bytes: 0, torn: false }
    await store.replace(file.name, new Uint8Array())
    files.push(file)
    return file
  }

  /** After a refusal: as large a write where it was refused tells that there is room; a smaller one may fit where it would not. */
  async function tryAfterRefusal(): Promise<void> {
    if (store.refusedBytes === 0) return
    const current = opened()
    const trial = '0'.repeat(Math.min(store.refusedBytes, mostTrialBytes))
    const decision = { n: current.n + 1, uptime: current.books.uptime, records: [], trial }
    await store.append(await currentFile(), frame(decision))
    current.n++
  }

  function filesOfEpoch(): JournalFile[] {
    const { files, books } = opened()
    return files.filter((file) => file.firstN >= books.epochFirstN)
  }

  async function read(fromSeq: number, most: number): Promise<Event[]> {
    const { recent } = opened()
    const first = recent[0]?.seq
    if (first !== undefined && fromSeq >= first) return recent.slice(fromSeq - first, fromSeq - first + most)
    const events: Event[] = []
    const files = filesOfEpoch()
    const start = files.findLastIndex((file) => file.firstSeq <= fromSeq)
    for (const file of files.slice(Math.max(start, 0))) {
      if (events.length >= most) break
      events.push(
        ...readDecisions(await store.read(file.name))
          .flatMap(eventsOf)
          .filter((event) => (event.seq ?? 0) >= fromSeq),
      )
    }
    return events.slice(0, most)
  }

  return {
    get books() {
      return opened().books
    },
    get firstSeq() {
      return filesOfEpoch()[0]?.firstSeq ?? opened().books.lastSeq + 1
    },
    get warnings() {
      return opened().warnings
    },
    get writtenBytes() {
      return store.writtenBytes
    },
    open: () => inOrder(open),
    append: (records) =>
      new Promise((done, failed) => {
        pending.push({ records, done, failed })
        inOrder(writePending)
      }),
    note: checkpoints.note,
    live: checkpoints.live,
    checkpoint: (now) =>
      inOrder(async () => {
        await tryAfterRefusal()
        await checkpoints.write(now)
        await prune(opened(), store, checkpoints, limits)
      }),
    read,
    close: () => inOrder(() => disk.close()),
  }
}

function keepRecent({ recent }: Recovered): void {
  recent.splice(0, Math.max(0, recent.length - recentEvents))
}
