// The backlog: which events the broker has not acknowledged yet, and how far the journal's cursor may move.
import type { Event } from '../protocol/index.ts'
import { type Journal, takenUpTo } from './journal/journal.ts'

export interface Backlog {
  /** From where to publish next; undefined when the broker has everything. */
  next(): { epoch: string; fromSeq: number } | undefined
  /** Whether the broker took it while an event before it was refused or lost. */
  isTaken(event: Event): boolean
  took(event: Event): void
  /** Moves the cursor over the events from that number on that the broker took without a hole. */
  moveCursor(epoch: string, fromSeq: number): void
}

export function createBacklog(journal: Journal): Backlog {
  // Beyond the cursor.
  const taken = new Set<string>()

  return {
    // Events that earlier epochs left come first.
    next() {
      const { inherited, epoch, acknowledgedSeq, lastSeq } = journal.books
      if (inherited[0]) return { epoch: inherited[0].epoch, fromSeq: inherited[0].fromSeq }
      return acknowledgedSeq < lastSeq ? { epoch, fromSeq: acknowledgedSeq + 1 } : undefined
    },
    isTaken: (event) => taken.has(keyOf(event)),
    took: (event) => taken.add(keyOf(event)),
    moveCursor(epoch, fromSeq) {
      let last = fromSeq - 1
      while (taken.delete(keyOf({ epoch, seq: last + 1 }))) last++
      if (last >= fromSeq) journal.note(takenUpTo(journal.books, epoch, last))
    },
  }
}

const keyOf = ({ epoch, seq }: { epoch: string; seq?: number | undefined }): string => `${epoch} ${seq}`
