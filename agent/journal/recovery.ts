// Recovery: the books as the disk has them. One walk over decisions that must follow each other without a hole, from the
// newest sound snapshot on; where there is a hole it stops, whatever made it.
import type { Event } from '../../protocol/index.ts'
import { emptyBooks, type WritableBooks } from '../merchant/books.ts'
import { beginEpoch, enter } from '../merchant/enter.ts'
import { fromSnapshot } from '../merchant/snapshot.ts'
import { createFileReader, type FileReader } from './file-reader.ts'
import {
  type CheckpointFrame,
  checkFormat,
  type Decision,
  eventsOf,
  format,
  type JournalFile,
  journalFileOf,
  type Noted,
  numberIn,
  type Snapshot,
  soundDecisions,
} from './files.ts'
import { readFrames, soundFrames } from './frames.ts'
import { type PurchaseFile, readPurchaseFiles } from './purchase-files.ts'
import { PurchaseMemory } from './purchase-memory.ts'
import { enterOutcome, salvage, writeOff } from './salvage.ts'
import { type JournalState, mostRecent } from './state.ts'
import type { Store } from './store.ts'

// Numbers that an epoch after damage leaves out, so that it never gives one that an unreadable file may hold.
const unreadableDecisions = 1_000_000

/** Reads the state folder. Damaged files stay as they are, unused, until they are pruned; they are warned of. */
export async function recover(store: Store, newEpoch: () => string): Promise<JournalState> {
  const names = [...(await store.list())].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name } of names) if (name.endsWith('.tmp')) await store.remove(name).catch(() => {})
  const warnings: string[] = []
  const reader = createFileReader(store)
  const base = await newestCheckpoint(names, reader, warnings)
  const files = names.flatMap(journalFileOf)
  const { purchases, purchaseFiles } = await rememberPurchases(names, base?.purchaseFiles, files, reader, warnings)
  const books = base ? fromSnapshot(base.snapshot, purchases) : emptyBooks(newEpoch(), purchases)
  for (const known of base?.files ?? []) Object.assign(files.find(({ firstN }) => firstN === known.firstN) ?? {}, known)

  const notes = base?.noted ?? []
  const walk = await walkFrom(base?.n ?? 0, files, reader, (decision) => {
    enterNotesBefore(decision.n, books, notes)
    enter(books, { type: 'lived', uptime: decision.uptime })
    for (const record of decision.records) enter(books, record)
  })
  // A journal that lost its end looks whole; only the checkpoint's decision number shows the loss.
  const known = notes.at(-1)?.n ?? 0
  const end = endMissing(walk.n, known, base?.files?.at(-1)?.firstN ?? 0, files)
  const hole = walk.hole ?? (end === undefined ? undefined : { why: end, behind: [] })
  if (!reader.hasRead && reader.fault) throw reader.fault
  const isFirstFormat = base !== undefined && base.format === undefined
  // An older program must not read what is appended from here on: it sees the snapshot's format, and refuses.
  const isOlderFormat = base !== undefined && base.format !== format
  if (hole) {
    warnings.push(`${hole.why}: what follows it is kept and not used`)
    enterNotesBefore(walk.n + 1, books, notes)
    salvage(books, await decisionsOf(hole.behind, reader), notes, warnings)
  } else enterNotesBefore(Number.POSITIVE_INFINITY, books, notes)
  if (hole || isFirstFormat) writeOff(books, warnings)

  const state: JournalState = {
    ...{ books, purchases, purchaseFiles, files, warnings, n: walk.n },
    ...(base && { checkpoint: base.file }),
    recent: hole ? [] : withoutGap(walk.recent, books),
    owesSnapshot: hole ? 'twice' : !base || isOlderFormat || warnings.length > 0 ? 'once' : 'no',
    isEpochNew: hole !== undefined || (!base && walk.n === 0),
  }
  if (hole) {
    const last = Math.max(walk.n, known, ...files.map((file) => file.lastN ?? file.firstN))
    state.n = last + unreadableDecisions
    beginEpoch(books, newEpoch(), state.n + 1)
  }
  return state
}

// Where a file of ids is damaged, the events that are left say what was sold.
async function rememberPurchases(
  names: { name: string }[],
  known: Snapshot['purchaseFiles'],
  files: JournalFile[],
  reader: FileReader,
  warnings: string[],
): Promise<{ purchases: PurchaseMemory; purchaseFiles: PurchaseFile[] }> {
  const purchases = new PurchaseMemory()
  const read = await readPurchaseFiles(names, known, reader, purchases)
  if (read.damaged.length === 0) return { purchases, purchaseFiles: read.files }
  const aside = { ...emptyBooks(''), purchases }
  for (const { name } of files) {
    const bytes = await reader.read(name)
    for (const { decision } of bytes ? soundDecisions(name, bytes) : []) {
      enter(aside, { type: 'lived', uptime: decision.uptime })
      for (const record of decision.records) enterOutcome(aside, record)
    }
  }
  for (const why of read.damaged) {
    warnings.push(`${why}: of the purchases in it only those are still known whose events are kept`)
  }
  return { purchases, purchaseFiles: read.files }
}

/** A sentence where the journal once went further than it does now; undefined where it did not. */
function endMissing(n: number, known: number, lastFirstN: number, files: readonly JournalFile[]): string | undefined {
  if (known > n) return lacks(n + 1, known)
  if ((files.at(-1)?.firstN ?? 0) >= lastFirstN) return undefined
  return `the journal's last file is missing, with decisions ${lastFirstN} and those behind it`
}

interface Base extends Snapshot {
  noted: Noted[]
  file: NonNullable<JournalState['checkpoint']>
}

async function newestCheckpoint(
  names: { name: string }[],
  reader: FileReader,
  warnings: string[],
): Promise<Base | undefined> {
  for (const { name } of [...names].reverse()) {
    const number = numberIn(name, 'checkpoint')
    if (number === undefined) continue
    const bytes = await reader.read(name)
    const { values, soundBytes, firstBytes, end } = readFrames(bytes ?? new Uint8Array())
    const [first, ...rest] = values as CheckpointFrame[]
    if (!first || !('snapshot' in first)) {
      const why = bytes ? 'is damaged at byte 0' : 'cannot be read'
      warnings.push(`${name} ${why}: the checkpoint before it and the journal make up for it`)
      continue
    }
    checkFormat(name, first.format)
    if (end === 'damaged') warnings.push(`${name} is damaged at byte ${soundBytes}: what follows there is not used`)
    const noted = rest.filter((value): value is Noted => 'notes' in value)
    const torn = end !== 'whole'
    const size = { bytes: soundBytes, snapshotBytes: firstBytes, snapshotN: first.n, previousN: first.previousN ?? 0 }
    return { ...first, noted, file: { name, number, ...size, torn } }
  }
  return undefined
}

interface Hole {
  why: string
  /** The files that hold what is behind it, and from which byte on. */
  behind: { name: string; from: number }[]
}

/** Enters every decision behind `from`, up to the first that does not follow the one before. */
async function walkFrom(from: number, files: JournalFile[], reader: FileReader, take: (decision: Decision) => void) {
  let n = from
  const recent: Event[] = []
  const holeAt = (why: string, index: number, at = 0): { n: number; recent: Event[]; hole: Hole } => {
    const behind = files.slice(index).map(({ name }, later) => ({ name, from: later === 0 ? at : 0 }))
    return { n, recent, hole: { why, behind } }
  }
  const start = Math.max(
    files.findLastIndex((file) => file.firstN <= from + 1),
    0,
  )
  for (const [index, file] of files.entries()) {
    if (index < start) continue
    if (file.firstN > n + 1) return holeAt(lacks(n + 1, file.firstN - 1), index)
    const bytes = await reader.read(file.name)
    if (!bytes) return holeAt(`${file.name} cannot be read`, index)
    let at = 0
    for (const { decision, place } of soundDecisions(file.name, bytes)) {
      const isNext = decision.n === n + 1
      if (decision.n > n && !isNext) return holeAt(damagedAt(file, endOf(bytes, at)), index, endOf(bytes, at))
      at = place.at + place.size
      file.lastN = decision.n
      file.uptime = decision.uptime
      recent.push(...eventsOf(decision))
      recent.splice(0, recent.length - mostRecent)
      if (!isNext) continue
      take(decision)
      n = decision.n
    }
    const sound = endOf(bytes, at)
    file.bytes = sound
    // The end of the last file is torn where a write was under way; in one before it, where that write failed.
    file.torn = sound < bytes.length
    const next = files[index + 1]
    if (file.torn && next && next.firstN > n + 1) return holeAt(damagedAt(file, sound), index, sound)
  }
  return { n, recent, hole: undefined }
}

// The header, where nothing stands behind it, is sound too.
function endOf(bytes: Uint8Array, at: number): number {
  if (at > 0) return at
  const [first] = soundFrames(bytes.subarray(0, 64))
  return first?.at === 0 ? first.size : 0
}

const damagedAt = ({ name }: JournalFile, byte: number) => `${name} is damaged at byte ${byte}`
const lacks = (from: number, to: number) => `the journal lacks decisions ${from} to ${to}`

async function decisionsOf(behind: Hole['behind'], reader: FileReader): Promise<Decision[]> {
  const decisions: Decision[] = []
  for (const { name, from } of behind) {
    const bytes = await reader.read(name)
    if (!bytes) continue
    for (const { decision, place } of soundDecisions(name, bytes)) if (place.at >= from) decisions.push(decision)
  }
  return decisions
}

function withoutGap(events: Event[], { epoch, lastSeq }: WritableBooks): Event[] {
  const own = events.filter((event) => event.epoch === epoch)
  if (own.at(-1)?.seq !== lastSeq) return []
  const gap = own.findLastIndex((event, index) => index > 0 && event.seq !== (own[index - 1]?.seq ?? 0) + 1)
  return own.slice(Math.max(gap, 0))
}

function enterNotesBefore(n: number, books: WritableBooks, noted: Noted[]): void {
  while (noted[0] && noted[0].n < n) for (const record of noted.shift()?.notes ?? []) enter(books, record)
}
