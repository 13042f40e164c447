// The files of the state folder: their names, what their frames hold, and the format they are written in.
import type { Event } from '../../protocol/index.ts'
import type { JournalRecord } from '../merchant/journal-record.ts'
import { type Place, soundFrames, valueAt } from './frames.ts'
import type { AppendedFile } from './store.ts'

/**
 * The format that this program writes. It reads the two before as well: the first has no header and no number, and in both the
 * fields of a session's meter stand beside its own.
 */
export const format = 3

/** The first frame of a journal file. */
export interface Header {
  format: number
}

/** One decision as it stands in the journal, all or nothing; `n` counts up by one over all files of an epoch. */
export interface Decision {
  n: number
  /** How long the agent had run by then. */
  uptime: number
  records: JournalRecord[]
}

/** A frame of a checkpoint file: first the books, then what was noted since, each with the decision it follows. */
export type CheckpointFrame = Snapshot | Noted
export interface Snapshot {
  /** Absent in the first format. */
  format?: number
  n: number
  snapshot: object
  /** Facts about the journal's files beyond their names. */
  files?: Pick<JournalFile, 'firstN' | 'uptime' | 'refusedBytes'>[]
  /** The files of purchase ids that belong to it, as large as they were then. */
  purchaseFiles?: { number: number; bytes: number }[]
  /** The last decision that the snapshot before it covers. */
  previousN?: number
}
export interface Noted {
  n: number
  notes: JournalRecord[]
}

/**
 * `firstN` and `firstSeq`: the first decision and the first event in it. `lastN`: the last one, where it is known.
 * `uptime`: that of its last decision. `refusedBytes`: what refused purchases take of it.
 */
export type JournalFile = AppendedFile & {
  firstSeq: number
  firstN: number
  lastN?: number | undefined
  uptime?: number | undefined
  refusedBytes?: number | undefined
}

const digits = (number: number): string => String(number).padStart(16, '0')
/** The decision comes first: events are numbered anew in each epoch, decisions never. */
export const journalName = (firstN: number, firstSeq: number): string =>
  `journal-${digits(firstN)}-${digits(firstSeq)}.log`
export const checkpointName = (number: number): string => `checkpoint-${digits(number)}.log`
export const purchasesName = (number: number): string => `purchases-${digits(number)}.log`

const isJournal = /^journal-(\d{16})-(\d{16})\.log$/

export function journalFileOf({ name, bytes }: { name: string; bytes: number }): JournalFile[] {
  const match = isJournal.exec(name)
  return match ? [{ name, bytes, firstN: Number(match[1]), firstSeq: Number(match[2]), torn: false }] : []
}

/** The number in the name of a file of that kind, or nothing. */
export function numberIn(name: string, kind: 'checkpoint' | 'purchases'): number | undefined {
  const match = new RegExp(`^${kind}-(\\d{16})\\.log$`).exec(name)
  return match ? Number(match[1]) : undefined
}

/** The state folder was written by a later version of this program: what it means nobody here knows. */
export class NewerFormat extends Error {
  readonly code = 'newer-format'
  override name = 'NewerFormat'
}

export function checkFormat(name: string, written: unknown): void {
  if (typeof written !== 'number' || written <= format) return
  throw new NewerFormat(
    `${name} is in format ${written} and this version reads up to ${format}: start the newer version again, or take another state folder`,
  )
}

/** The decisions of a journal file that are sound, also behind damage, with their places; a header is checked. */
export function soundDecisions(name: string, file: Uint8Array): { decision: Decision; place: Place }[] {
  return soundFrames(file).flatMap((place) => {
    const value = valueAt(file, place) as Decision | Header | undefined
    if (!value) return []
    if ('format' in value) checkFormat(name, value.format)
    return 'n' in value ? [{ decision: value, place }] : []
  })
}

export function eventsOf({ records }: Decision): Event[] {
  return records.flatMap((record) => (record.type === 'event' ? [record.event] : []))
}
