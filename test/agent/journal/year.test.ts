// Proves that the journal stays bounded for ever: a year of a busy router, with the broker there, and away for half of it.
import { expect, test } from 'vitest'
import type { JournalRecord } from '../../../agent/merchant/journal-record.ts'
import { timestamp } from '../../../agent/time/moment.ts'
import { terminateCauses } from '../../../protocol/index.ts'
import { aSale, openJournal, reopened } from '../../support/a-journal.ts'
import { aMac, aNow, aRouterId, aWall } from '../../support/builders.ts'
import { memoryDisk } from '../../support/memory-disk.ts'

const day = 86_400_000
const purchasesADay = 20
const limits = { fileBytes: 8 * 1024, mostBytes: 64 * 1024, mostDays: 30 }

/** The end of the session that {@link aSale} of the number before began. */
function itsEnd(seq: number, wall: number): JournalRecord {
  const stamp = { version: 1 as const, routerId: aRouterId, epoch: 'epoch-1', at: timestamp(wall), clockSynced: true }
  const purchase = { purchaseId: `p${seq - 1}`, metric: 'bytes' as const, allotment: 1000, used: 1000, unused: 0 }
  const counters = { downloaded: 1000, uploaded: 0, openMilliseconds: 1000, overshootBytes: 0 }
  return {
    type: 'event',
    event: {
      ...{ type: 'session.ended', ...stamp, seq, sessionId: `s${seq - 1}`, mac: aMac(seq - 1), startedAt: null },
      ...{ reason: 'allotment-used', terminateCause: terminateCauses['allotment-used'], used: { bytes: 1000 } },
      ...{ purchases: [purchase], ...counters },
    },
  }
}

test.each([
  { when: 'the broker is always there', awayFrom: 366 },
  { when: 'the broker is away for the second half', awayFrom: 183 },
])('a year stays within its bounds when $when', async ({ awayFrom }) => {
  const disk = memoryDisk()
  const journal = await openJournal(disk, limits)
  let largest = 0
  for (let today = 0; today < 365; today++) {
    const wall = aWall + today * day
    for (let sold = 0; sold < purchasesADay; sold++) {
      const seq = journal.books.lastSeq + 1
      await journal.append([aSale(seq, wall), itsEnd(seq + 1, wall)])
    }
    if (today < awayFrom) journal.note({ type: 'acknowledged', seq: journal.books.lastSeq })
    await journal.checkpoint(aNow({ wall, at: today * day }))
    largest = Math.max(
      largest,
      [...disk.files.values()].reduce((sum, file) => sum + file.length, 0),
    )
  }
  const { books } = await reopened(disk, limits)

  // The journal, and beside it two checkpoints with the purchase ids of 30 days and a little more.
  expect(largest).toBeLessThan(2 * 1024 * 1024)
  expect(books.purchases.size).toBeLessThan(40 * purchasesADay)
  expect(books.purchases.has(`p${books.lastSeq - 1}`)).toBe(true)
  expect(books.sold.bytes).toBe(365n * BigInt(purchasesADay) * 1000n)
  expect(journal.firstSeq).toBeGreaterThan(books.lastSeq - 500)
})
