// Checkpoints: a snapshot of the books, then what a crash may undo, appended until the next snapshot is worth its bytes.
import type { Mac } from '../../protocol/index.ts'
import { enter, type JournalRecord, meteringOf, toSnapshot } from '../merchant/books.ts'
import { type Moment, since } from '../moment.ts'
import { frame } from './frames.ts'
import type { JournalLimits } from './limits.ts'
import { checkpointName, type Recovered } from './recovery.ts'
import type { AppendedFile, Store } from './store.ts'

/** What a crash may undo: the portal shows it again, or the broker is told twice. */
export type NotedRecord = Extract<JournalRecord, { type: 'metered' | 'acknowledged' | 'portal' | 'shut' | 'inherited' }>

export interface Checkpoints {
  /** Enters it in the books; it is on disk with the next checkpoint. */
  note(record: NotedRecord): void
  /** Counts the agent's running time up to now. */
  live(now: Moment): void
  write(now: Moment): Promise<void>
  writeSnapshot(): Promise<void>
  /** The cursor as far as it is not on disk, for whoever writes next; `written` says that it is. */
  readonly unwrittenCursor: number | undefined
  cursorWritten(seq: number): void
}

// How much of the agent's age a crash may forget when nothing else is written.
const uptimeStep = 3_600_000

export function createCheckpoints(store: Store, limits: JournalLimits, opened: () => Recovered): Checkpoints {
  let noted = { sessions: new Set<Mac>(), acknowledged: false }
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
    noted = { sessions: new Set(), acknowledged: false }
    const sessions = [...before.sessions].flatMap((mac) => books.sessions.get(mac) ?? []).map(meteringOf)
    const notes: JournalRecord[] = []
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
      throw cause
    }
  }

  async function writeSnapshot(): Promise<void> {
    const current = opened()
    const number = (current.checkpoint?.number ?? 0) + 1
    const name = checkpointName(number)
    const bytes = frame({ n: current.n, snapshot: toSnapshot(current.books) })
    await store.replace(name, bytes)
    const previousN = current.checkpoint?.snapshotN ?? 0
    const size = { bytes: bytes.length, snapshotBytes: bytes.length }
    current.checkpoint = { name, number, ...size, snapshotN: current.n, previousN, torn: false }
    // The one before stays, in case this one is damaged.
    if (number > 2) await store.remove(checkpointName(number - 2))
  }

  return {
    note(record) {
      enter(opened().books, record)
      if (record.type === 'acknowledged') noted.acknowledged = true
      if (record.type === 'metered') for (const { mac } of record.sessions) noted.sessions.add(mac)
    },
    live,
    async write(now) {
      live(now)
      const { checkpoint } = opened()
      const isDue = !checkpoint || checkpoint.bytes > Math.max(limits.fileBytes, 4 * checkpoint.snapshotBytes)
      if (isDue) await writeSnapshot()
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
