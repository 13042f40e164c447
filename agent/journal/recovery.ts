// Recovery: the books as the disk has them, from the newest sound checkpoint and the journal behind it.
import type { Event } from '../../protocol/index.ts'
import { type Books, beginEpoch, emptyBooks, enter, fromSnapshot, type JournalRecord } from '../merchant/books.ts'
import type { Disk } from './disk.ts'
import { readFrames } from './frames.ts'
import type { AppendedFile } from './store.ts'

/** One decision as it stands in the journal, all or nothing; `n` counts 1, 2, 3 ... over the whole journal. */
export interface Decision {
  n: number
  /** How long the agent had run by then. */
  uptime: number
  records: JournalRecord[]
}

/** A frame of a checkpoint file: first the books, then what was noted since, each with the decision it follows. */
export type CheckpointFrame = { n: number; snapshot: object } | Noted
interface Noted {
  n: number
  notes: JournalRecord[]
}

/** `firstN` and `firstSeq`: the first decision and the first event in it. `uptime`: that of its last decision, once asked for. */
export type JournalFile = AppendedFile & { firstSeq: number; firstN: number; uptime?: number | undefined }

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

const digits = (number: number): string => String(number).padStart(16, '0')
/** The decision comes first: events are numbered anew in each epoch, decisions never. */
export const journalName = (firstN: number, firstSeq: number): string =>
  `journal-${digits(firstN)}-${digits(firstSeq)}.log`
export const checkpointName = (number: number): string => `checkpoint-${digits(number)}.log`
const isJournal = /^journal-(\d{16})-(\d{16})\.log$/
const isCheckpoint = /^checkpoint-(\d{16})\.log$/

/** Reads the state folder. What is damaged is kept aside under another name, and warned of. */
export async function recover(disk: Disk, newEpoch: () => string): Promise<Recovered> {
  const names = [...(await disk.list())].sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name } of names.filter(({ name }) => name.endsWith('.tmp'))) await disk.remove(name)
  const warnings: string[] = []
  const cuts: Recovered['cuts'] = []
  const read = readOnce(disk, cuts, warnings)

  const base = await newestCheckpoint(names, read)
  const books = base ? fromSnapshot(base.snapshot) : emptyBooks(newEpoch())
  const from = base?.n ?? 0

  const files = names.flatMap(({ name, bytes }) => {
    const match = isJournal.exec(name)
    return match ? [{ name, bytes, firstN: Number(match[1]), firstSeq: Number(match[2]), torn: false }] : []
  })
  const ofCheckpoints = warnings.length
  const decisions = await decisionsAfter(from, files, read)
  const later = decisions.filter((decision) => decision.n > from)
  if (later[0] && later[0].n !== from + 1) {
    warnings.push(`the journal lacks decisions ${from + 1} to ${later[0].n - 1}: what they held is lost`)
  }
  const noted = base?.noted ?? []
  // The checkpoint knows how far the journal went: an end that is missing shows nowhere else.
  const known = Math.max(from, ...noted.map((frame) => frame.n))
  const end = Math.max(decisions.at(-1)?.n ?? 0, (files.at(-1)?.firstN ?? 1) - 1)
  if (end < known) warnings.push(`the journal lacks decisions ${end + 1} to ${known}: what they told is lost`)
  for (const decision of later) {
    enterNotesBefore(decision.n, books, noted)
    enter(books, { type: 'lived', uptime: decision.uptime })
    for (const record of decision.records) enter(books, record)
  }
  enterNotesBefore(Number.POSITIVE_INFINITY, books, noted)
  const n = Math.max(end, known)
  // A damaged checkpoint alone loses no event: the one before it and the journal make up for it.
  if (warnings.length > ofCheckpoints) {
    const unacknowledged = await eventsAfter(books.acknowledgedSeq, books.epochFirstN, files, read)
    beginEpoch(books, newEpoch(), n + 1, unacknowledged)
  }

  return {
    books,
    n,
    files,
    ...(base && { checkpoint: base.file }),
    recent: withoutGap(decisions.filter((decision) => decision.n >= books.epochFirstN).flatMap(eventsOf)),
    // A damaged checkpoint is replaced, never appended to.
    cuts: cuts.filter(({ name }) => name === base?.file.name || isJournal.test(name)),
    warnings,
  }
}

async function eventsAfter(seq: number, firstN: number, files: JournalFile[], read: Read): Promise<Event[]> {
  const events: Event[] = []
  for (const file of files.filter((candidate) => candidate.firstN >= firstN)) {
    const { values } = await read<Decision>(file.name)
    events.push(...values.flatMap(eventsOf).filter((event) => (event.seq ?? 0) > seq))
  }
  return events
}

function withoutGap(events: Event[]): Event[] {
  const gap = events.findLastIndex((event, index) => event.seq !== (events[index - 1]?.seq ?? 0) + 1 && index > 0)
  return events.slice(Math.max(gap, 0))
}

export function eventsOf({ records }: Decision): Event[] {
  return records.flatMap((record) => (record.type === 'event' ? [record.event] : []))
}

/** The decisions in the sound part of a journal file. */
export function readDecisions(file: Uint8Array): Decision[] {
  return readFrames(file).values as Decision[]
}

interface Base {
  n: number
  snapshot: object
  noted: Noted[]
  file: NonNullable<Recovered['checkpoint']>
}

type Read = <T>(name: string) => Promise<{ values: T[]; bytes: number; snapshotBytes: number }>

// However often a file is asked for: damage is set aside and warned of once.
function readOnce(disk: Disk, cuts: Recovered['cuts'], warnings: string[]): Read {
  const known = new Map<string, ReturnType<typeof soundFrames>>()
  return async <T>(name: string) => {
    const frames = known.get(name) ?? soundFrames(disk, name, cuts, warnings)
    known.set(name, frames)
    const { values, ...rest } = await frames
    return { values: values as T[], ...rest }
  }
}

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
    decisions = [...values, ...decisions]
    if (file.firstN <= from + 1) break
  }
  return decisions
}

function enterNotesBefore(n: number, books: Books, noted: Noted[]): void {
  while (noted[0] && noted[0].n < n) for (const record of noted.shift()?.notes ?? []) enter(books, record)
}

async function soundFrames(disk: Disk, name: string, cuts: Recovered['cuts'], warnings: string[]) {
  const file = await disk.read(name)
  const { values, soundBytes, firstBytes, end } = readFrames(file)
  if (end === 'damaged') {
    await disk.replace(`${name}.damaged`, file)
    warnings.push(`${name} is damaged at byte ${soundBytes}: kept as ${name}.damaged, what follows there is not used`)
  }
  if (end !== 'whole') cuts.push({ name, bytes: soundBytes })
  return { values, bytes: soundBytes, snapshotBytes: firstBytes }
}
