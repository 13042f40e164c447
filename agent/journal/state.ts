// The journal's state in memory: what recovery read, changed by every write since.
import type { Event } from '../../protocol/index.ts'
import type { WritableBooks } from '../merchant/books.ts'
import type { JournalFile } from './files.ts'
import type { PurchaseFile } from './purchase-files.ts'
import type { PurchaseMemory } from './purchase-memory.ts'
import type { AppendedFile } from './store.ts'

export interface JournalState {
  books: WritableBooks
  purchases: PurchaseMemory
  purchaseFiles: PurchaseFile[]
  /** The last decision entered. */
  n: number
  /** Oldest first. */
  files: JournalFile[]
  /** `snapshotN`: the last decision that its snapshot covers, and the one that the snapshot before it covers. */
  checkpoint?: AppendedFile & { number: number; snapshotBytes: number; snapshotN: number; previousN: number }
  /** The latest events, without a gap, up to the last. */
  recent: Event[]
  /** The books are not as the disk has them: a snapshot comes before everything else. `twice`: a new epoch begins. */
  owesSnapshot: 'no' | 'once' | 'twice'
  /** Its first decision says so. */
  isEpochNew: boolean
  warnings: string[]
}

/** The latest events that are kept in memory. */
export const mostRecent = 512

/** The files that hold an epoch's events, oldest first, and the last of those events. */
export function filesOf({ files, books }: JournalState, epoch: string): { files: JournalFile[]; toSeq: number } {
  if (epoch === books.epoch)
    return { files: files.filter(({ firstN }) => firstN >= books.epochFirstN), toSeq: books.lastSeq }
  const ranges = books.inherited.filter((range) => range.epoch === epoch)
  const inRange = ({ firstN }: JournalFile) => ranges.some((range) => firstN >= range.fromN && firstN < range.beforeN)
  return { files: files.filter(inRange), toSeq: Math.max(0, ...ranges.map((range) => range.toSeq)) }
}

/** The events asked for, where all of them are still in memory. */
export function recentEvents(
  { recent, books }: JournalState,
  epoch: string,
  fromSeq: number,
  most: number,
): Event[] | undefined {
  const first = recent[0]?.seq
  if (epoch !== books.epoch || first === undefined || fromSeq < first) return undefined
  return recent.slice(fromSeq - first, fromSeq - first + most)
}
