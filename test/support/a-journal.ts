// A journal on a disk in memory, and decisions to put into it.

import { createJournal, type Journal, type JournalLimits, type Run } from '../../agent/journal/journal.ts'
import type { Books } from '../../agent/merchant/books.ts'
import type { JournalRecord } from '../../agent/merchant/journal-record.ts'
import { unmetered } from '../../agent/merchant/session.ts'
import { timestamp } from '../../agent/time/moment.ts'
import type { Event } from '../../protocol/index.ts'
import { aMac, aRouterId, aWall } from './builders.ts'
import { type MemoryDisk, memoryDisk } from './memory-disk.ts'

export const roomy: JournalLimits = { fileBytes: 1e6, mostBytes: 1e7, mostDays: 30 }

export async function openJournal(disk: MemoryDisk = memoryDisk(), limits: JournalLimits = roomy): Promise<Journal> {
  const journal = createJournal(disk, () => 'epoch-1', { limits })
  await journal.open()
  return journal
}

/** The disk as it is now, opened by another agent. */
export function reopened(disk: MemoryDisk, limits: JournalLimits = roomy): Promise<Journal> {
  return openJournal(disk.copy(), limits)
}

/** A purchase of 1000 bytes that was accepted as event `seq`, for the device of that number. */
export function aSale(seq: number, wall: number = aWall): JournalRecord {
  const mac = aMac(seq)
  const stamp = { version: 1 as const, routerId: aRouterId, epoch: 'epoch-1', at: timestamp(wall), clockSynced: true }
  const event = {
    type: 'purchase.accepted',
    ...stamp,
    seq,
    purchaseId: `p${seq}`,
    sessionId: `s${seq}`,
    mac,
    metric: 'bytes',
    allotment: 1000,
    final: true,
    session: {},
  } as unknown as Event
  return { type: 'event', event, purchase: { content: `c${seq}`, arrived: { bootId: 'boot-1', at: 0, wall } } }
}

/** An event that changes no money, as event `seq`. */
export function aDrift(seq: number): JournalRecord {
  return {
    type: 'event',
    event: {
      type: 'gate.drift',
      version: 1,
      routerId: aRouterId,
      epoch: 'epoch-1',
      at: timestamp(aWall),
      clockSynced: true,
      seq,
      kind: 'paid-but-blocked',
      mac: aMac(seq),
      repair: 'x',
    },
  }
}

/** Metering of the session that {@link aSale} of that number began. */
export function aMetering(seq: number, used: number): Extract<JournalRecord, { type: 'metered' }> {
  return { type: 'metered', sessions: [{ mac: aMac(seq), used: [used], meter: { ...unmetered, downloaded: used } }] }
}

export const seqsOf = (of: readonly Event[] | Run): (number | undefined)[] =>
  ('events' in of ? of.events : of).map((event) => event.seq)

/** The numbers of the events that earlier epochs left untold. */
export const inheritedBy = ({ inherited }: Books): number[] =>
  inherited.flatMap(({ fromSeq, toSeq }) => Array.from({ length: toSeq - fromSeq + 1 }, (_, index) => fromSeq + index))

/** Of the purchases `p1` to `p<most>`, those that the books remember. */
export const remembered = ({ purchases }: Books, most: number): string[] =>
  Array.from({ length: most }, (_, index) => `p${index + 1}`).filter((id) => purchases.has(id))

export const usedOf = (journal: Journal, seq: number): number | undefined =>
  journal.books.sessions.get(aMac(seq))?.lots[0]?.used

/** The name of the only file that begins like that. */
export function nameOf(disk: MemoryDisk, start: string): string {
  const name = [...disk.files.keys()]
    .filter((candidate) => candidate.startsWith(start))
    .sort()
    .at(-1)
  if (name === undefined) throw new Error(`there is no file ${start}...`)
  return name
}

/** Turns a byte of the frame that holds event `seq` over. */
export function damage(disk: MemoryDisk, name: string, seq: number): void {
  const file = Buffer.from(disk.files.get(name) ?? [])
  file[file.indexOf(`"seq":${seq},`)] = 0
  disk.files.set(name, file)
}
