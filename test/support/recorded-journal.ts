// A journal with a known state after every decision and every checkpoint, so that damage can be judged to the byte.
import { createJournal, type Journal } from '../../agent/journal/journal.ts'
import type { PurchaseMemory } from '../../agent/journal/purchase-memory.ts'
import type { Books, emptyBooks, Outcome } from '../../agent/merchant/books.ts'
import type { JournalRecord } from '../../agent/merchant/journal-record.ts'
import { toSnapshot } from '../../agent/merchant/snapshot.ts'

import type { Event } from '../../protocol/index.ts'
import { aDrift, aMetering, aSale, nameOf, roomy } from './a-journal.ts'
import { aNow } from './builders.ts'
import { type MemoryDisk, memoryDisk } from './memory-disk.ts'

type State = Omit<ReturnType<typeof emptyBooks>, 'epoch' | 'purchases'> & { purchases: [string, Outcome][] }

/** A file of frames. */
export interface Recording {
  disk: MemoryDisk
  name: string
  bytes: Uint8Array
  /** Where each frame ends. */
  ends: number[]
  /** The books after each frame, epoch left out. */
  after: State[]
}

const decisions: JournalRecord[][] = [
  [aSale(1)],
  [aDrift(2), aDrift(3)],
  [aSale(4), aDrift(5)],
  [aMetering(1, 300), aDrift(6)],
  [aSale(7), aDrift(8)],
  [aMetering(1, 700), aDrift(9), aDrift(10)],
  [aSale(11), aDrift(12)],
]

/** Every decision in one journal file; nothing of it in a checkpoint. */
export async function recordDecisions(): Promise<Recording> {
  const disk = memoryDisk()
  const journal = await start(disk)
  const recording = newRecording(disk, 'journal-')
  for (const records of decisions) {
    await journal.append(records)
    take(recording, journal)
  }
  return recording
}

/** Two decisions, then six checkpoints, in one checkpoint file; its first frame is the snapshot. */
export async function recordCheckpoints(): Promise<Recording> {
  const disk = memoryDisk()
  const journal = await start(disk)
  await journal.append([aSale(1)])
  await journal.append([aSale(2)])
  const recording = newRecording(disk, 'checkpoint-')
  take(recording, journal)
  for (let turn = 1; turn <= 6; turn++) {
    journal.note(aMetering(1, turn * 100))
    journal.note(aMetering(2, turn * 10))
    await journal.checkpoint(aNow())
    take(recording, journal)
  }
  return recording
}

/** The journal as an agent finds it when the file has this content instead. */
export async function startWith({ disk, name }: Recording, bytes: Uint8Array) {
  const copy = disk.copy()
  copy.files.set(name, Uint8Array.from(bytes))
  const journal = await start(copy, 2)
  return { journal, disk: copy }
}

/** The first epoch is `epoch-1`; one that a later start makes is another. */
export async function start(disk: MemoryDisk, epoch = 1): Promise<Journal> {
  const journal = createJournal(disk, () => `epoch-${epoch}`, { limits: roomy })
  await journal.open()
  return journal
}

/** The books as values that can be compared; the epoch is a matter of its own. */
export function stateOf(books: Books): State {
  const { epoch: _, ...state } = structuredClone(toSnapshot(books)) as State & { epoch: string }
  return { ...state, purchases: [...(books.purchases as PurchaseMemory)] }
}

/** The part that has to do with money and gates, and nothing with the numbers of events. */
export function moneyOf(state: State): object {
  const { epochFirstN, inherited, lastSeq, acknowledgedSeq, purchases, lost, sold, writtenOff, ...money } = state
  const known = purchases.map(([id, { epoch: _, ...outcome }]) => [id, outcome])
  return { ...money, sold: sold.bytes - writtenOff.bytes, known }
}

function newRecording(disk: MemoryDisk, start: string): Recording {
  const name = [...disk.files.keys()].find((file) => file.startsWith(start)) ?? ''
  return { disk, name, bytes: new Uint8Array(), ends: [], after: [] }
}

function take(recording: Recording, { books }: Journal): void {
  recording.name ||= nameOf(recording.disk, 'journal-')
  recording.bytes = recording.disk.files.get(recording.name) ?? new Uint8Array()
  recording.ends.push(recording.bytes.length)
  recording.after.push(stateOf(books))
}

/** The sale that may follow: the number of the next event, in the present epoch, for a device of its own. */
export function aSaleFor({ epoch, lastSeq, purchases }: Books): JournalRecord {
  const sale = aSale(100 + purchases.size)
  if (sale.type !== 'event') throw new Error('a sale is an event')
  return { ...sale, event: { ...sale.event, epoch, seq: lastSeq + 1 } as Event }
}

/** The number of the frame that holds that byte. */
export const frameAt = ({ ends }: Recording, byte: number): number => ends.findIndex((end) => byte < end)

/** Every byte of the last three frames. */
export function lastThree({ ends, bytes }: Recording): number[] {
  const from = ends.at(-4) ?? 0
  return Array.from({ length: bytes.length - from }, (_, index) => from + index)
}

/** The file with that byte turned over, cleared, or with one bit of it turned over. */
export function corruptions(bytes: Uint8Array, at: number): Uint8Array[] {
  const before = bytes[at] ?? 0
  const values = new Set([before ^ 0xff, before ^ 1, 0])
  values.delete(before)
  return [...values].map((value) => {
    const corrupted = Uint8Array.from(bytes)
    corrupted[at] = value
    return corrupted
  })
}
