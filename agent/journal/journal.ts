// The journal: every decision on disk before it counts, and the books, the outbox and the history that follow from it.
//   journal-<first decision>-<first seq>.log   decisions with their events, appended and synced, pruned in whole files
//   checkpoint-<number>.log                    the books, then metering and what the broker has acknowledged
//   purchases-<number>.log                     the outcomes of purchase ids, which outlive their events
import { type Books, emptyBooks } from '../merchant/books.ts'
import type { JournalRecord } from '../merchant/journal-record.ts'
import type { Now } from '../time/moment.ts'
import { createCheckpoints, type NotedRecord, takenUpTo } from './checkpoints.ts'
import { createDecisionWriter } from './decision-writer.ts'
import type { Disk } from './disk.ts'
import { createEventReader, type Run } from './event-reader.ts'
import { checkpointName } from './files.ts'
import { createGroupCommit } from './group-commit.ts'
import { fitted, type JournalLimits, usualLimits } from './limits.ts'
import { PurchaseMemory } from './purchase-memory.ts'
import { recover } from './recovery.ts'
import { orMakeRoom, prune } from './retention.ts'
import { filesOf, type JournalState, recentEvents } from './state.ts'
import { refusalsStopOf, salesStopOf } from './stops.ts'
import { createStore, type Sleep, StorageFailure } from './store.ts'
import { createWarnings } from './warnings.ts'

export { takenUpTo } from './checkpoints.ts'
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
  /** Troubles of the state folder, for a person. */
  readonly warnings: readonly string[]
  /** Bytes put on disk since it was opened: what the flash has to bear. */
  readonly writtenBytes: number
  /** Why no purchase can be taken for now: events or ids are at their bound. */
  readonly salesStop: string | undefined
  /** Why no refused purchase can be noted for now: refusals are at their part of the bound. */
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
  /** A record that may be lost in a crash: in the books at once, on disk with the next checkpoint. */
  note(record: NotedRecord): void
  /** Counts the agent's running time up to now. */
  live(now: Now): void
  /** Puts the noted records on disk, and prunes old files. Throws {@link StorageFailure}. */
  checkpoint(now: Now): Promise<void>
  /**
   * At most that many events in order, without a hole, from that number on; of this epoch unless told. Events that cannot be
   * read are named instead. Throws {@link StorageFailure} where a file may be read later.
   */
  read(fromSeq: number, most: number, epoch?: string): Promise<Run>
  /** Says for good that the broker will not have these events. */
  giveUp(epoch: string, fromSeq: number, toSeq: number): void
  close(): Promise<void>
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
  const writer = createDecisionWriter(store, checkpoints, () => limits, opened)
  const { inOrder, commit } = createGroupCommit<JournalRecord[]>((group) =>
    orMakeRoom(state, store, () => writer.write(group)),
  )
  let state: JournalState | undefined
  let blank: Books | undefined
  let unread: unknown

  function opened(): JournalState {
    if (state) return state
    throw unread ?? new StorageFailure('the state folder has not been read yet')
  }

  function books(): Books {
    if (state) return state.books
    blank ??= emptyBooks(newEpoch(), new PurchaseMemory())
    return blank
  }

  async function open(): Promise<void> {
    if (state) return
    state = await recover(store, newEpoch).catch((err) => {
      unread = err
      throw err
    })
    for (const warning of state.warnings) warnings.add(warning)
    const fit = fitted(limits, state.checkpoint?.snapshotBytes ?? 0, await store.room().catch(() => undefined))
    limits = fit.limits
    if (fit.warning) warnings.add(fit.warning)
    try {
      await writer.settle()
      await store.remove(checkpointName((state.checkpoint?.number ?? 0) - 2))
    } catch (err) {
      // The books that were read stand; they go to disk before anything else does, once the disk takes it.
      if (!(err instanceof StorageFailure)) throw err
    }
  }

  async function checkpoint(now: Now): Promise<void> {
    const current = opened()
    await orMakeRoom(current, store, async () => {
      await writer.tryAfterRefusal()
      await checkpoints.write(now)
    })
    await prune(current, store, checkpoints, limits, warnings)
  }

  async function read(fromSeq: number, most: number, epoch: string = books().epoch): Promise<Run> {
    const recent = recentEvents(opened(), epoch, fromSeq, most)
    return recent ? { events: recent } : reader.read({ epoch, fromSeq, most, ...filesOf(opened(), epoch) })
  }

  function giveUp(epoch: string, fromSeq: number, toSeq: number): void {
    warnings.addRange('lost', epoch === books().epoch ? undefined : epoch, fromSeq, toSeq)
    if (state) checkpoints.note(takenUpTo(state.books, epoch, toSeq))
  }

  return {
    get books() {
      return books()
    },
    get isRead() {
      return state !== undefined
    },
    get firstSeq() {
      return (state && filesOf(state, state.books.epoch).files[0]?.firstSeq) ?? books().lastSeq + 1
    },
    get warnings() {
      return warnings.texts
    },
    get writtenBytes() {
      return store.writtenBytes
    },
    get salesStop() {
      return state && salesStopOf(state, limits)
    },
    get refusalsStop() {
      return state && refusalsStopOf(state, limits)
    },
    get isAsked() {
      return store.isAsked
    },
    open: () => inOrder(open),
    append: commit,
    note(record) {
      if (state) checkpoints.note(record)
    },
    live: checkpoints.live,
    checkpoint: (now) => inOrder(() => checkpoint(now)),
    read,
    giveUp,
    // A disk that hangs keeps its handles: the process is about to end.
    close: () => inOrder(() => store.close().catch(() => {})),
  }
}
