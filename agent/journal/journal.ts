// The journal: every decision on disk before it counts, and the books, the outbox and the history that follow from it.
//   journal-<first decision>-<first seq>.log   decisions with their events, appended and synced, in files that are pruned whole
//   checkpoint-<number>.log                    the books, then what a crash may undo: metering, and what the broker has acknowledged
import type { Event, Mac } from '../../protocol/index.ts'
import { type Books, enter, type JournalRecord, meteringOf, toSnapshot } from '../merchant/books.ts'
import type { Now } from '../moment.ts'
import type { Disk } from './disk.ts'
import { frame, readFrames } from './frames.ts'
import { pack } from './packing.ts'
import {
  type AppendedFile,
  checkpointName,
  type Decision,
  eventsOf,
  type JournalFile,
  journalName,
  type Recovered,
  recover,
} from './recovery.ts'

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
  note(record: Extract<JournalRecord, { type: 'metered' | 'acknowledged' | 'portal' | 'shut' | 'inherited' }>): void
  /** Puts what was noted on disk, and prunes what is old. Throws {@link StorageFailure}. */
  checkpoint(now: Now): Promise<void>
  /** Events in order, from that number on, at most so many. */
  read(fromSeq: number, most: number): Promise<Event[]>
  close(): Promise<void>
}

/** The disk refused to store something; nothing of it has happened. `cause` is the disk's own error. */
export class StorageFailure extends Error {
  readonly code = 'storage-failure'
  override name = 'StorageFailure'
}

export interface JournalLimits {
  /** A file is closed and the next one begun at this size. */
  fileBytes: number
  /** Files are removed, oldest first, while the journal is larger than this ... */
  mostBytes: number
  /** ... or when all their events are acknowledged and older than this. Purchase ids are remembered for as long. */
  mostDays: number
}

/** Files are small beside the whole, so that little is pruned at once. */
export function journalLimits({ mostBytes, mostDays }: Omit<JournalLimits, 'fileBytes'>): JournalLimits {
  return { fileBytes: Math.min(512 * 1024, Math.floor(mostBytes / 8)), mostBytes, mostDays }
}

const usualLimits = journalLimits({ mostBytes: 8 * 1024 * 1024, mostDays: 30 })

// Several times what is published at once: while the broker is there the outbox never reads the disk.
const recentEvents = 512

// What is remembered of purchases is bounded too: some megabytes, whatever floods the topic.
const mostPurchases = 20_000
const mostWarnings = 10

interface Pending {
  records: JournalRecord[]
  done: () => void
  failed: (cause: unknown) => void
}

export function createJournal(disk: Disk, newEpoch: () => string, limits: JournalLimits = usualLimits): Journal {
  let state: Recovered | undefined
  let pending: Pending[] = []
  let noted = { sessions: new Set<Mac>(), acknowledged: false }
  let queue: Promise<unknown> = Promise.resolve()
  let writtenBytes = 0

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

  async function writePending(): Promise<void> {
    const group = pending
    pending = []
    if (group.length === 0) return
    const current = opened()
    const decisions = group.map(({ records }, index) => ({ n: current.n + 1 + index, records: [...records] }))
    // The cursor travels along for nothing: after a crash fewer events are told twice.
    const seq = current.books.acknowledgedSeq
    if (noted.acknowledged) decisions[0]?.records.push({ type: 'acknowledged', seq })
    const packed = decisions.map(({ n, records }): Decision => ({ n, records: records.map(pack) }))
    try {
      await appendTo(await currentFile(), Buffer.concat(packed.map(frame)))
      current.n += decisions.length
      if (current.books.acknowledgedSeq === seq) noted.acknowledged = false
      for (const { records } of decisions) for (const record of records) enter(current.books, record)
      current.recent.push(...packed.flatMap(eventsOf))
      current.recent.splice(0, Math.max(0, current.recent.length - recentEvents))
      for (const { done } of group) done()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    }
  }

  async function currentFile(): Promise<JournalFile> {
    const { files, books } = opened()
    const last = files.at(-1)
    if (last && last.bytes < limits.fileBytes && last.firstN >= books.epochFirstN) return last
    const [firstN, firstSeq] = [opened().n + 1, books.lastSeq + 1]
    const file = { name: journalName(firstN, firstSeq), firstN, firstSeq, bytes: 0, torn: false }
    await replace(file.name, new Uint8Array())
    files.push(file)
    return file
  }

  // What a failed write left behind is cut off before the next one: no sound frame ever stands behind a torn one.
  async function appendTo(file: AppendedFile, bytes: Uint8Array): Promise<void> {
    if (file.torn) await stored(disk.truncate(file.name, file.bytes))
    file.torn = true
    await stored(disk.append(file.name, bytes))
    file.torn = false
    file.bytes += bytes.length
    writtenBytes += bytes.length
  }

  async function replace(name: string, bytes: Uint8Array): Promise<void> {
    await stored(disk.replace(name, bytes))
    writtenBytes += bytes.length
  }

  async function writeCheckpoint(now: Now): Promise<void> {
    const { checkpoint } = opened()
    forgetOldPurchases(now)
    if (!checkpoint || checkpoint.bytes > Math.max(limits.fileBytes, 4 * checkpoint.snapshotBytes)) {
      await writeSnapshot()
    } else await writeNotes(checkpoint)
    await prune(now)
  }

  async function writeNotes(checkpoint: AppendedFile): Promise<void> {
    const { books, n } = opened()
    const before = noted
    noted = { sessions: new Set(), acknowledged: false }
    const sessions = [...before.sessions].flatMap((mac) => books.sessions.get(mac) ?? []).map(meteringOf)
    const notes: JournalRecord[] = []
    if (sessions.length > 0) notes.push({ type: 'metered', sessions })
    if (before.acknowledged) notes.push({ type: 'acknowledged', seq: books.acknowledgedSeq })
    if (notes.length === 0) return
    try {
      await appendTo(checkpoint, frame({ n, notes: notes.map(pack) }))
    } catch (cause) {
      for (const mac of before.sessions) noted.sessions.add(mac)
      noted.acknowledged ||= before.acknowledged
      throw cause
    }
  }

  async function writeSnapshot(): Promise<void> {
    const current = opened()
    const number = (current.checkpoint?.number ?? 0) + 1
    const name = checkpointName(number)
    const bytes = frame({ n: current.n, snapshot: toSnapshot(current.books) })
    await replace(name, bytes)
    const previousN = current.checkpoint?.snapshotN ?? 0
    const size = { bytes: bytes.length, snapshotBytes: bytes.length }
    current.checkpoint = { name, number, ...size, snapshotN: current.n, previousN, torn: false }
    // The one before stays, in case this one is damaged.
    await stored(disk.remove(checkpointName(number - 2)))
  }

  // A flash that is full helps nobody: by size goes also what the broker has never taken, and the status says so.
  async function prune(now: Now): Promise<void> {
    const { files, books, recent, warnings } = opened()
    for (;;) {
      const [first, second] = files
      if (!first || !second) return
      const last = second.firstSeq - 1
      // What an earlier epoch left unacknowledged is in the books.
      const isAcknowledged = last <= books.acknowledgedSeq || second.firstN <= books.epochFirstN
      const isLarge = files.reduce((sum, file) => sum + file.bytes, 0) > limits.mostBytes
      if (!isLarge && !(isAcknowledged && (await isOld(first, now)))) return
      // Both checkpoints must do without it: the newest, and the one that is there in case the newest is damaged.
      while ((opened().checkpoint?.previousN ?? 0) < second.firstN - 1) await writeSnapshot()
      if (!isAcknowledged) {
        const from = Math.max(first.firstSeq, books.acknowledgedSeq + 1)
        warnings.push(`events ${from} to ${last} were pruned before the broker took them: the journal was full`)
        warnings.splice(0, warnings.length - mostWarnings)
        enter(books, { type: 'acknowledged', seq: last })
        noted.acknowledged = true
      }
      await stored(disk.remove(first.name))
      files.shift()
      while ((recent[0]?.seq ?? second.firstSeq) < second.firstSeq) recent.shift()
    }
  }

  async function isOld(file: JournalFile, now: Now): Promise<boolean> {
    file.newestAt ??= (await eventsIn(file)).at(-1)?.at
    return file.newestAt !== undefined && isOlder(file.newestAt, now)
  }

  // A purchase id outlives its event when the journal had to be pruned by size: it is not sold again for as long.
  function forgetOldPurchases(now: Now): void {
    const { purchases } = opened().books
    for (const [id, { at }] of purchases) {
      if (purchases.size > mostPurchases || isOlder(at, now)) purchases.delete(id)
    }
  }

  const isOlder = (at: string, now: Now): boolean =>
    now.clockSynced && now.wall - Date.parse(at) > limits.mostDays * 86_400_000

  async function read(fromSeq: number, most: number): Promise<Event[]> {
    const { recent, books } = opened()
    const files = opened().files.filter((file) => file.firstN >= books.epochFirstN)
    const first = recent[0]?.seq
    if (first !== undefined && fromSeq >= first) return recent.slice(fromSeq - first, fromSeq - first + most)
    const events: Event[] = []
    const start = files.findLastIndex((file) => file.firstSeq <= fromSeq)
    for (const file of files.slice(Math.max(start, 0))) {
      if (events.length >= most) break
      events.push(...(await eventsIn(file)).filter((event) => (event.seq ?? 0) >= fromSeq))
    }
    return events.slice(0, most)
  }

  async function eventsIn({ name }: JournalFile): Promise<Event[]> {
    const { values } = readFrames(await stored(disk.read(name)))
    return (values as Decision[]).flatMap(eventsOf)
  }

  return {
    get books() {
      return opened().books
    },
    get firstSeq() {
      const { files, books } = opened()
      return files.find((file) => file.firstN >= books.epochFirstN)?.firstSeq ?? books.lastSeq + 1
    },
    get warnings() {
      return opened().warnings
    },
    get writtenBytes() {
      return writtenBytes
    },
    open: () =>
      inOrder(async () => {
        state = await recover(disk, newEpoch)
        state.recent.splice(0, Math.max(0, state.recent.length - recentEvents))
        // A new journal's epoch, and the state recovered after a damage, are on disk before anything follows them.
        if (!state.checkpoint || state.warnings.length > 0) await writeSnapshot()
        // Only then is cut off what shows that there was damage: a crash in between must not hide it.
        for (const { name, bytes } of state.cuts) await stored(disk.truncate(name, bytes))
      }),
    append: (records) =>
      new Promise((done, failed) => {
        pending.push({ records, done, failed })
        inOrder(writePending)
      }),
    note(record) {
      enter(opened().books, record)
      if (record.type === 'acknowledged') noted.acknowledged = true
      if (record.type === 'metered') for (const { mac } of record.sessions) noted.sessions.add(mac)
    },
    checkpoint: (now) => inOrder(() => writeCheckpoint(now)),
    read,
    close: () => inOrder(() => disk.close()),
  }
}

async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StorageFailure(`the state folder cannot be used: ${reason}`, { cause })
  }
}
