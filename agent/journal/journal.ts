// The journal: every decision on disk before it counts, and the books, the outbox and the history that follow from it.
//   journal-<first decision>-<first seq>.log   decisions with their events, appended and synced, pruned in whole files
//   checkpoint-<number>.log                    the books, then metering and what the broker has acknowledged
//   purchases-<number>.log                     the outcomes of purchase ids, which outlive their events
import { type Books, emptyBooks, enter, type JournalRecord } from '../merchant/books.ts'
import type { Now } from '../moment.ts'
import { createCheckpoints, type NotedRecord } from './checkpoints.ts'
import type { Disk } from './disk.ts'
import { createEventReader, type Run } from './event-reader.ts'
import { checkpointName, type Decision, eventsOf, format, type JournalFile, journalName } from './files.ts'
import { frame } from './frames.ts'
import { fitted, type JournalLimits, purchaseBytesOf, refusalsPart, untakenPart, usualLimits } from './limits.ts'
import { PurchaseMemory } from './purchase-memory.ts'
import { mostRecent, type Recovered, recover } from './recovery.ts'
import { makeRoom, prune, untakenBytes } from './retention.ts'
import { createStore, type Sleep, StorageFailure } from './store.ts'
import { createWarnings } from './warnings.ts'

export type { Run } from './event-reader.ts'
export { type JournalLimits, journalLimits } from './limits.ts'
export { StorageFailure } from './store.ts'

export interface Journal {
  /** The fold of all that was entered; changes only here. Empty while the disk could not be read. */
  readonly books: Books
  /** The books are those of the disk. */
  readonly isRead: boolean
  /** The oldest event that can still be read. */
  readonly firstSeq: number
  /** What a person should know about the state folder. */
  readonly warnings: readonly string[]
  /** Bytes put on disk since it was opened: what the flash has to bear. */
  readonly writtenBytes: number
  /** Why no purchase can be taken for now: events or ids are at their bound. */
  readonly salesStop: string | undefined
  /** Refused purchases are at theirs. */
  readonly refusalsStop: string | undefined
  /** A call to the disk is out: a process that ends waits for it. */
  readonly isAsked: boolean
  /**
   * Reads the state folder; may be called again where it could not be read (throws {@link StorageFailure}). A disk that
   * refuses writes does not keep it from being read. Throws where a newer version has written it.
   */
  open(): Promise<void>
  /** One decision: on disk, then in the books; when the disk refuses, in neither (throws {@link StorageFailure}). */
  append(records: JournalRecord[]): Promise<void>
  /** What a crash may undo: in the books at once, on disk with the next checkpoint. */
  note(record: NotedRecord): void
  /** Counts the agent's running time up to now. */
  live(now: Now): void
  /** Puts what was noted on disk, and prunes what is old. Throws {@link StorageFailure}. */
  checkpoint(now: Now): Promise<void>
  /**
   * Events in order, without a hole, from that number on, at most so many; of this epoch unless told. What cannot be read is
   * named instead. Throws {@link StorageFailure} where a file may be read later.
   */
  read(fromSeq: number, most: number, epoch?: string): Promise<Run>
  /** Says for good that the broker will not have these events. */
  giveUp(epoch: string, fromSeq: number, toSeq: number): void
  close(): Promise<void>
}

// What is longer is deflated: of one letter nothing would be left.
const mostTrialBytes = 900

interface Pending {
  records: JournalRecord[]
  done: () => void
  failed: (cause: unknown) => void
}

export interface JournalOptions {
  limits?: JournalLimits | undefined
  /** Lets a disk that hangs count as one that refuses. */
  sleep?: Sleep | undefined
}

export function createJournal(disk: Disk, newEpoch: () => string, options: JournalOptions = {}): Journal {
  let limits = options.limits ?? usualLimits
  const store = createStore(disk, options.sleep)
  const warnings = createWarnings()
  const reader = createEventReader(store, warnings.add)
  const checkpoints = createCheckpoints(store, () => limits, opened)
  let state: Recovered | undefined
  let blank: Books | undefined
  let unread: unknown
  let pending: Pending[] = []
  let queue: Promise<unknown> = Promise.resolve()

  function opened(): Recovered {
    if (state) return state
    throw unread ?? new StorageFailure('the state folder has not been read yet')
  }

  function books(): Books {
    if (state) return state.books
    blank ??= emptyBooks(newEpoch(), new PurchaseMemory())
    return blank
  }

  // One writer: whatever waits when it comes round goes to disk with one sync.
  function inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }

  async function open(): Promise<void> {
    if (state) return
    const recovered = await recover(store, newEpoch).catch((err) => {
      unread = err
      throw err
    })
    state = recovered
    for (const warning of recovered.warnings) warnings.add(warning)
    const room = await store.room().catch(() => undefined)
    const fit = fitted(limits, recovered.checkpoint?.snapshotBytes ?? 0, room)
    limits = fit.limits
    if (fit.warning) warnings.add(fit.warning)
    try {
      await settle()
      await store.remove(checkpointName((recovered.checkpoint?.number ?? 0) - 2))
    } catch (err) {
      // What was read stands; it goes to disk before anything else does, once the disk takes it.
      if (!(err instanceof StorageFailure)) throw err
    }
  }

  /** A new journal's epoch, and the state recovered after damage, are on disk before anything follows them. */
  async function settle(): Promise<void> {
    const current = opened()
    if (current.owesSnapshot === 'no') return
    if (current.owesSnapshot === 'twice') {
      // Also the snapshot that is there in case the newest is damaged begins behind the damage.
      await checkpoints.writeSnapshot()
      current.owesSnapshot = 'once'
    }
    await checkpoints.writeSnapshot()
    current.owesSnapshot = 'no'
  }

  async function writePending(): Promise<void> {
    const group = pending
    pending = []
    if (group.length === 0) return
    try {
      await orMakeRoom(() => write(group.map(({ records }) => records)))
      for (const { done } of group) done()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    }
  }

  async function write(group: JournalRecord[][]): Promise<void> {
    const current = opened()
    await settle()
    const file = await currentFile()
    const { uptime, epoch } = current.books
    const first = current.n + 1
    const decisions = group.map((records, index): Decision => ({ n: first + index, uptime, records: [...records] }))
    if (current.isEpochNew) decisions[0]?.records.unshift({ type: 'epoch', epoch })
    // The cursor travels along for nothing: after a crash fewer events are told twice.
    const cursor = checkpoints.unwrittenCursor
    if (cursor !== undefined) decisions[0]?.records.push({ type: 'acknowledged', seq: cursor })
    const frames = decisions.map(frame)
    await store.append(file, Buffer.concat(frames))
    current.n += decisions.length
    current.isEpochNew = false
    Object.assign(file, { lastN: current.n, uptime })
    if (cursor !== undefined) checkpoints.cursorWritten(cursor)
    for (const [index, { records }] of decisions.entries()) {
      if (records.some(isRefusal)) file.refusedBytes = (file.refusedBytes ?? 0) + (frames[index]?.length ?? 0)
      for (const record of records) enter(current.books, record)
    }
    current.recent.push(...decisions.flatMap(eventsOf))
    current.recent.splice(0, current.recent.length - mostRecent)
  }

  /** The file to append to. With a new one comes a snapshot that knows of it: no hole costs more than one file. */
  async function currentFile(): Promise<JournalFile> {
    const { files, books, n, checkpoint } = opened()
    const last = files.at(-1)
    const goesOn = last && last.firstN >= books.epochFirstN && (last.lastN ?? last.firstN - 1) === n
    if (last && goesOn && last.bytes < limits.fileBytes) {
      if (last.lastN === undefined && files.length > 1 && (checkpoint?.snapshotN ?? -1) < n)
        await checkpoints.writeSnapshot()
      return last
    }
    const header = frame({ format })
    const [firstN, firstSeq] = [n + 1, books.lastSeq + 1]
    const file = { name: journalName(firstN, firstSeq), firstN, firstSeq, bytes: header.length, torn: false }
    await store.replace(file.name, header)
    if (last && last.firstN === firstN) files.pop()
    files.push(file)
    if (last && (checkpoint?.snapshotN ?? -1) < n) await checkpoints.writeSnapshot()
    return file
  }

  // A disk that is full is given room by removing what nobody needs, once.
  async function orMakeRoom(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (err) {
      if (!(err instanceof StorageFailure) || !state || !isForWantOfRoom(err)) throw err
      if (!(await makeRoom(state, store))) throw err
      await work()
    }
  }

  /** After a refusal: as large a write where it was refused tells that there is room; a smaller one may fit where it would not. */
  async function tryAfterRefusal(): Promise<void> {
    await settle()
    if (store.refusedBytes === 0) return
    const current = opened()
    const file = await currentFile()
    if (store.refusedBytes === 0) return
    const trial = '0'.repeat(Math.min(store.refusedBytes, mostTrialBytes))
    await store.append(file, frame({ n: current.n + 1, uptime: current.books.uptime, records: [], trial }))
    current.n++
    Object.assign(file, { lastN: current.n, uptime: current.books.uptime })
  }

  function filesOf(epoch: string): { files: JournalFile[]; toSeq: number } {
    const { files, books } = opened()
    if (epoch === books.epoch)
      return { files: files.filter(({ firstN }) => firstN >= books.epochFirstN), toSeq: books.lastSeq }
    const ranges = books.inherited.filter((range) => range.epoch === epoch)
    const inRange = ({ firstN }: JournalFile) => ranges.some((range) => firstN >= range.fromN && firstN < range.beforeN)
    return { files: files.filter(inRange), toSeq: Math.max(0, ...ranges.map((range) => range.toSeq)) }
  }

  async function read(fromSeq: number, most: number, epoch: string = books().epoch): Promise<Run> {
    const { recent, books } = opened()
    const first = recent[0]?.seq
    if (epoch === books.epoch && first !== undefined && fromSeq >= first) {
      return { events: recent.slice(fromSeq - first, fromSeq - first + most) }
    }
    return reader.read({ epoch, fromSeq, most, ...filesOf(epoch) })
  }

  function note(record: NotedRecord): void {
    if (state) checkpoints.note(record)
  }

  const refusedBytes = () => opened().files.reduce((sum, file) => sum + (file.refusedBytes ?? 0), 0)

  return {
    get books() {
      return books()
    },
    get isRead() {
      return state !== undefined
    },
    get firstSeq() {
      return (state && filesOf(state.books.epoch).files[0]?.firstSeq) ?? books().lastSeq + 1
    },
    get warnings() {
      return warnings.texts
    },
    get writtenBytes() {
      return store.writtenBytes
    },
    get salesStop() {
      if (!state) return undefined
      if (state.purchases.bytes >= purchaseBytesOf(limits)) {
        return `this router remembers ${state.purchases.size} purchases of the last ${limits.mostDays} days and has no room for more`
      }
      if (untakenBytes(state) < untakenPart * limits.mostBytes) return undefined
      return 'the broker takes events more slowly than purchases come'
    },
    get refusalsStop() {
      if (!state) return undefined
      const isFull = state.purchases.refusedBytes >= refusalsPart * purchaseBytesOf(limits)
      const isMuch = refusedBytes() >= refusalsPart * limits.mostBytes || untakenBytes(state) >= limits.mostBytes / 2
      return isFull || isMuch ? 'this router has refused too many purchases to note another one' : undefined
    },
    get isAsked() {
      return store.isAsked
    },
    open: () => inOrder(open),
    append: (records) =>
      new Promise((done, failed) => {
        pending.push({ records, done, failed })
        inOrder(writePending)
      }),
    note,
    live: checkpoints.live,
    checkpoint: (now) =>
      inOrder(async () => {
        const current = opened()
        await orMakeRoom(async () => {
          await tryAfterRefusal()
          await checkpoints.write(now)
        })
        await prune(current, store, checkpoints, limits, warnings)
      }),
    read,
    giveUp(epoch, fromSeq, toSeq) {
      const isPresent = epoch === books().epoch
      warnings.addRange('lost', isPresent ? undefined : epoch, fromSeq, toSeq)
      if (isPresent) note({ type: 'acknowledged', seq: toSeq })
      else note({ type: 'inherited', epoch, seq: toSeq })
    },
    // What hangs keeps its handles: the process is about to end.
    close: () => inOrder(() => store.close().catch(() => {})),
  }
}

const isRefusal = (record: JournalRecord): boolean =>
  record.type === 'event' && record.event.type === 'purchase.rejected'

function isForWantOfRoom({ cause }: StorageFailure): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
}
