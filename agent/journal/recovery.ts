// Recovery: the books as the disk has them, from the newest sound checkpoint and the journal behind it.
import type { Event } from '../../protocol/index.ts'
import { type Books, emptyBooks, enter, fromSnapshot } from '../merchant/books.ts'
import type { Disk } from './disk.ts'
import { readFrames } from './frames.ts'
import { type PackedRecord, unpack } from './packing.ts'

/** One decision as it stands in the journal, all or nothing; `n` counts 1, 2, 3 ... over the whole journal. */
export interface Decision {
  n: number
  records: PackedRecord[]
}

/** A frame of a checkpoint file: first the books, then what was noted since, each with the decision it follows. */
export type CheckpointFrame = { n: number; snapshot: object } | Noted
interface Noted {
  n: number
  notes: PackedRecord[]
}

/** A file that is appended to. `torn`: a failed write may have left something behind its sound bytes. */
export interface AppendedFile {
  name: string
  bytes: number
  torn: boolean
}
/** `firstN`: its first decision, 0 where that is older than the checkpoint. `newestAt`: its last event's time, once asked for. */
export type JournalFile = AppendedFile & { firstSeq: number; firstN: number; newestAt?: string | undefined }

export interface Recovered {
  books: Books
  /** The last decision entered. */
  n: number
  /** Oldest first. */
  files: JournalFile[]
  /** `snapshotN`: the last decision that its snapshot covers, and the one that the snapshot before it covers. */
  checkpoint?: AppendedFile & { number: number; snapshotBytes: number; snapshotN: number; previousN: number }
  /** The latest events, without a gap, up to the last. */
  recent: Event[]
  /** Where files have an end that is not sound: to be cut there before anything is appended to them. */
  cuts: { name: string; bytes: number }[]
  warnings: string[]
}

export const journalName = (firstSeq: number): string => `journal-${String(firstSeq).padStart(16, '0')}.log`
export const checkpointName = (number: number): string => `checkpoint-${String(number).padStart(16, '0')}.log`
const isJournal = /^journal-(\d{16})\.log$/
const isCheckpoint = /^checkpoint-(\d{16})\.log$/

/** Reads the state folder. What is damaged is kept aside under another name, and warned of. */
export async function recover(disk: Disk, newEpoch: () => string): Promise<Recovered> {
  const names = [...(await disk.list())].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name } of names.filter(({ name }) => name.endsWith('.tmp'))) await disk.remove(name)
  const warnings: string[] = []
  const cuts: Recovered['cuts'] = []
  const read = <T>(name: string) => soundFrames<T>(disk, name, cuts, warnings)

  const base = await newestCheckpoint(names, read)
  const books = base ? fromSnapshot(base.snapshot) : emptyBooks(newEpoch())
  const from = base?.n ?? 0

  const files = names.flatMap(({ name, bytes }) => {
    const match = isJournal.exec(name)
    return match ? [{ name, bytes, firstSeq: Number(match[1]), firstN: 0, torn: false }] : []
  })
  const decisions = await decisionsAfter(from, files, read)
  const later = decisions.filter((decision) => decision.n > from)
  if (later[0] && later[0].n !== from + 1) {
    warnings.push(`the journal lacks decisions ${from + 1} to ${later[0].n - 1}: what they held is lost`)
  }
  const noted = base?.noted ?? []
  for (const decision of later) {
    enterNotesBefore(decision.n, books, noted)
    for (const record of decision.records) enter(books, unpack(record))
  }
  enterNotesBefore(Number.POSITIVE_INFINITY, books, noted)
  if (warnings.length > 0) {
    // Numbers that were given to events now lost must not be given again.
    books.epoch = newEpoch()
    books.acknowledgedSeq = Math.min(books.acknowledgedSeq, books.lastSeq)
  }

  return {
    books,
    n: later.at(-1)?.n ?? from,
    files,
    ...(base && { checkpoint: base.file }),
    recent: withoutGap(decisions.flatMap(eventsOf)),
    // A damaged checkpoint is replaced, never appended to.
    cuts: cuts.filter(({ name }) => name === base?.file.name || isJournal.test(name)),
    warnings,
  }
}

function withoutGap(events: Event[]): Event[] {
  const gap = events.findLastIndex((event, index) => event.seq !== (events[index - 1]?.seq ?? 0) + 1 && index > 0)
  return events.slice(Math.max(gap, 0))
}

export function eventsOf({ records }: Decision): Event[] {
  return records.flatMap((record) => (record.type === 'event' ? [record.event] : []))
}

interface Base {
  n: number
  snapshot: object
  noted: Noted[]
  file: NonNullable<Recovered['checkpoint']>
}

type Read = <T>(name: string) => Promise<{ values: T[]; bytes: number; snapshotBytes: number }>

async function newestCheckpoint(names: { name: string }[], read: Read): Promise<Base | undefined> {
  for (const { name } of [...names].reverse()) {
    const match = isCheckpoint.exec(name)
    if (!match) continue
    const { values, bytes, snapshotBytes } = await read<CheckpointFrame>(name)
    const [first, ...rest] = values
    if (!first || !('snapshot' in first)) continue
    const noted = rest.filter((value): value is Noted => 'notes' in value)
    return {
      n: first.n,
      snapshot: first.snapshot,
      noted,
      file: { name, bytes, number: Number(match[1]), snapshotBytes, snapshotN: first.n, previousN: 0, torn: false },
    }
  }
  return undefined
}

// Newest file first, back to the one that holds the first decision wanted.
async function decisionsAfter(from: number, files: JournalFile[], read: Read): Promise<Decision[]> {
  let decisions: Decision[] = []
  for (const file of [...files].reverse()) {
    const { values, bytes } = await read<Decision>(file.name)
    file.bytes = bytes
    file.firstN = values[0]?.n ?? 0
    decisions = [...values, ...decisions]
    if (values[0] && values[0].n <= from + 1) break
  }
  return decisions
}

function enterNotesBefore(n: number, books: Books, noted: Noted[]): void {
  while (noted[0] && noted[0].n < n) for (const record of noted.shift()?.notes ?? []) enter(books, unpack(record))
}

async function soundFrames<T>(disk: Disk, name: string, cuts: Recovered['cuts'], warnings: string[]) {
  const file = await disk.read(name)
  const { values, soundBytes, firstBytes, end } = readFrames(file)
  if (end === 'damaged') {
    await disk.replace(`${name}.damaged`, file)
    warnings.push(`${name} is damaged at byte ${soundBytes}: kept as ${name}.damaged, what follows there is not used`)
  }
  if (end !== 'whole') cuts.push({ name, bytes: soundBytes })
  return { values: values as T[], bytes: soundBytes, snapshotBytes: firstBytes }
}
