// A journal as large as the agent lets it grow, of one long session among many.
import { folderDisk } from '../agent/journal/disk.ts'
import { createJournal } from '../agent/journal/journal.ts'
import type { JournalRecord } from '../agent/merchant/journal-record.ts'
import { aDrift, aSale } from '../test/support/a-journal.ts'
import { aNow } from '../test/support/builders.ts'

export const events = 13_900

export async function writeFullJournal(folder: string): Promise<void> {
  const journal = createJournal(folderDisk(folder), () => 'epoch-1', {})
  await journal.open()
  for (let seq = 1; seq <= events; seq += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, index) => journal.append([eventOf(seq + index)])))
  }
  await journal.checkpoint(aNow())
  await journal.close()
}

// One purchase whose session goes on through all the others, and everything else that happens on a router.
function eventOf(seq: number): JournalRecord {
  return seq === 1 || seq % 10 === 0 ? aSale(seq) : aDrift(seq)
}
