// Writes decisions: to the newest file, or to a new one with a snapshot beside it; in the books only once they are on disk.
import { enter } from '../merchant/enter.ts'
import type { JournalRecord } from '../merchant/journal-record.ts'
import type { Checkpoints } from './checkpoints.ts'
import { type Decision, eventsOf, format, type JournalFile, journalName } from './files.ts'
import { frame } from './frames.ts'
import type { JournalLimits } from './limits.ts'
import { type JournalState, mostRecent } from './state.ts'
import type { Store } from './store.ts'

export interface DecisionWriter {
  /** A group of decisions with one sync; when the disk refuses, none of them has happened. */
  write(group: readonly (readonly JournalRecord[])[]): Promise<void>
  /** Writes the snapshots that are owed. A new epoch or a recovered state must not exist in memory only. */
  settle(): Promise<void>
  /** Finds out whether a disk that refused a write has room for as large a one; a smaller one might fit where that would not. */
  tryAfterRefusal(): Promise<void>
}

// A longer trial is deflated: of one letter nothing would be left.
const mostTrialBytes = 900

export function createDecisionWriter(
  store: Store,
  checkpoints: Checkpoints,
  limits: () => JournalLimits,
  opened: () => JournalState,
): DecisionWriter {
  async function settle(): Promise<void> {
    const current = opened()
    if (current.owesSnapshot === 'no') return
    if (current.owesSnapshot === 'twice') {
      // Recovery may start from the older snapshot too, so both have to be written after the damage.
      await checkpoints.writeSnapshot()
      current.owesSnapshot = 'once'
    }
    await checkpoints.writeSnapshot()
    current.owesSnapshot = 'no'
  }

  async function write(group: readonly (readonly JournalRecord[])[]): Promise<void> {
    const current = opened()
    await settle()
    const file = await currentFile()
    // Store the acknowledgement cursor with this write: no extra sync, and fewer duplicates after a crash.
    const cursor = checkpoints.unwrittenCursor
    const decisions = decisionsOf(group, current, cursor)
    const frames = decisions.map(frame)
    await store.append(file, Buffer.concat(frames))
    current.n += decisions.length
    current.isEpochNew = false
    Object.assign(file, { lastN: current.n, uptime: current.books.uptime })
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
    if (last && goesOn && last.bytes < limits().fileBytes) {
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

  return { write, settle, tryAfterRefusal }
}

/** The records of each decision with its number; the first also says what is due: a new epoch, and the cursor. */
function decisionsOf(
  group: readonly (readonly JournalRecord[])[],
  { n, books: { uptime, epoch }, isEpochNew }: JournalState,
  cursor: number | undefined,
): Decision[] {
  const decisions = group.map((records, index): Decision => ({ n: n + 1 + index, uptime, records: [...records] }))
  const [first] = decisions
  if (isEpochNew) first?.records.unshift({ type: 'epoch', epoch })
  if (cursor !== undefined) first?.records.push({ type: 'acknowledged', seq: cursor })
  return decisions
}

const isRefusal = (record: JournalRecord): boolean =>
  record.type === 'event' && record.event.type === 'purchase.rejected'
