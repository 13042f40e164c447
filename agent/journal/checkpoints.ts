// Checkpoints: a snapshot of the books, then records that a crash may lose; replaced when it is four times its snapshot.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { enter } from '../merchant/enter.ts'
import { type JournalRecord, meteringOf } from '../merchant/journal-record.ts'
import { toSnapshot } from '../merchant/snapshot.ts'
import { type Moment, since } from '../time/moment.ts'
import { checkpointName, format, type Snapshot } from './files.ts'
import { frame } from './frames.ts'
import type { JournalLimits } from './limits.ts'
import { savePurchases } from './purchase-files.ts'
import type { JournalState } from './state.ts'
import type { AppendedFile, Store } from './store.ts'

/** Records that may be lost: the next look finds them again, or the broker gets an event twice. */
export type NotedRecord = Extract<
  JournalRecord,
  { type: 'metered' | 'acknowledged' | 'portal' | 'shut' | 'shut-along' | 'inherited' | 'guard' }
>

export interface Checkpoints {
  /** Enters it in the books; it is on disk with the next checkpoint. */
  note(record: NotedRecord): void
  /** Counts the agent's running time up to now. */
  live(now: Moment): void
  write(now: Moment): Promise<void>
  writeSnapshot(): Promise<void>
  /** The cursor, where it is not on disk yet. A writer that stores it calls `cursorWritten`. */
  readonly unwrittenCursor: number | undefined
  cursorWritten(seq: number): void
}

// How much of the agent's age a crash may forget when nothing else is written.
const uptimeStep = 3_600_000

interface Unwritten {
  sessions: Set<Mac>
  acknowledged: boolean
  /** The others as they were noted, the last of each kind. */
  others: Map<string, NotedRecord>
}
const nothing = (): Unwritten => ({ sessions: new Set(), acknowledged: false, others: new Map() })

export function createCheckpoints(store: Store, limits: () => JournalLimits, opened: () => JournalState): Checkpoints {
  let noted = nothing()
  let lived: Moment | undefined
  let uptimeOnDisk = 0

  function live(now: Moment): void {
    const { books } = opened()
    enter(books, { type: 'lived', uptime: books.uptime + ((lived && since(lived, now)) ?? 0) })
    lived = now
  }

  async function writeNotes(file: AppendedFile): Promise<void> {
    const { books, n } = opened()
    const before = noted
    noted = nothing()
    const sessions = [...before.sessions]
      .flatMap((mac) => books.sessions.get(mac) ?? [])
      .map((session) => meteringOf(session))
    const notes: JournalRecord[] = [...before.others.values()].map((record) => asItIsNow(record, books))
    if (sessions.length > 0) notes.push({ type: 'metered', sessions })
    if (before.acknowledged) notes.push({ type: 'acknowledged', seq: books.acknowledgedSeq })
    if (notes.length === 0 && books.uptime - uptimeOnDisk < uptimeStep) return
    const { uptime } = books
    notes.push({ type: 'lived', uptime })
    try {
      await store.append(file, frame({ n, notes }))
      uptimeOnDisk = uptime
    } catch (cause) {
      for (const mac of before.sessions) noted.sessions.add(mac)
      noted.acknowledged ||= before.acknowledged
      noted.others = new Map([...before.others, ...noted.others])
      throw cause
    }
  }

  async function writeSnapshot(): Promise<void> {
    const current = opened()
    const number = (current.checkpoint?.number ?? 0) + 1
    const name = checkpointName(number)
    await savePurchases(current.purchases, current.purchaseFiles, store)
    const previousN = current.checkpoint?.snapshotN ?? 0
    const snapshot: Snapshot = {
      ...{ format, n: current.n, previousN, snapshot: toSnapshot(current.books) },
      files: current.files.map(({ firstN, uptime, refusedBytes }) => ({ firstN, uptime, refusedBytes })),
      purchaseFiles: current.purchaseFiles.map((file) => ({ number: file.number, bytes: file.bytes })),
    }
    const before = noted
    noted = nothing()
    try {
      const bytes = frame(snapshot)
      await store.replace(name, bytes)
      const size = { bytes: bytes.length, snapshotBytes: bytes.length }
      current.checkpoint = { name, number, ...size, snapshotN: snapshot.n, previousN, torn: false }
    } catch (cause) {
      const { sessions, acknowledged, others } = noted
      noted = {
        sessions: new Set([...before.sessions, ...sessions]),
        acknowledged: before.acknowledged || acknowledged,
        others: new Map([...before.others, ...others]),
      }
      throw cause
    }
    // The one before stays, in case this one is damaged.
    if (number > 2) await store.remove(checkpointName(number - 2)).catch(() => {})
  }

  return {
    note(record) {
      enter(opened().books, record)
      if (record.type === 'acknowledged') noted.acknowledged = true
      else if (record.type === 'metered') for (const { mac } of record.sessions) noted.sessions.add(mac)
      else noted.others.set(keyOf(record), record)
    },
    live,
    async write(now) {
      live(now)
      const { checkpoint, owesSnapshot } = opened()
      const isLarge = !checkpoint || checkpoint.bytes > Math.max(limits().fileBytes, 4 * checkpoint.snapshotBytes)
      if (isLarge || owesSnapshot !== 'no') await writeSnapshot()
      else await writeNotes(checkpoint)
    },
    writeSnapshot,
    get unwrittenCursor() {
      return noted.acknowledged ? opened().books.acknowledgedSeq : undefined
    },
    cursorWritten(seq) {
      if (opened().books.acknowledgedSeq === seq) noted.acknowledged = false
    },
  }
}

// A decision may have been stored since, and is entered before the notes are.
function asItIsNow(record: NotedRecord, { shutting, shutAlong }: Books): NotedRecord {
  if (record.type === 'shut-along') return { ...record, gates: [...shutAlong] }
  return record.type === 'shut' ? { ...record, macs: record.macs.filter((mac) => !shutting.has(mac)) } : record
}

function keyOf(record: NotedRecord): string {
  if (record.type === 'shut') return `shut ${record.macs}`
  return record.type === 'inherited' ? `inherited ${record.epoch}` : record.type
}

/** The broker has all events of that epoch up to that number. */
export function takenUpTo(books: Books, epoch: string, seq: number): NotedRecord {
  return epoch === books.epoch ? { type: 'acknowledged', seq } : { type: 'inherited', epoch, seq }
}
