// Proves that the journal stays small, prunes by age only what is acknowledged, and says what it pruned.
import { describe, expect, it, test } from 'vitest'
import type { Journal } from '../../../agent/journal/journal.ts'
import { aMetering, aSale, openJournal, remembered, reopened, seqsOf } from '../../support/a-journal.ts'
import { aNow, aWall } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'

const day = 86_400_000
const tiny = { fileBytes: 1, mostBytes: 2000, mostDays: 30 }
const ample = { ...tiny, mostBytes: 1e9 }

/** Ten purchases, one a day, a file each; `acknowledged` of them are acknowledged; then snapshots until one prunes. */
async function aHistory(disk: MemoryDisk, limits = tiny, acknowledged = 10, days = 10): Promise<Journal> {
  const writer = await openJournal(disk, { ...limits, mostBytes: 1e9 })
  for (let seq = 1; seq <= 10; seq++) {
    await writer.checkpoint(aNow({ at: seq * day }))
    await writer.append([aSale(seq)])
  }
  await writer.checkpoint(aNow({ at: 10 * day }))
  const journal = await openJournal(disk, limits)
  journal.note({ type: 'acknowledged', seq: acknowledged })
  for (let used = 1; used <= 60; used++) {
    journal.note(aMetering(10, used))
    await journal.checkpoint(aNow({ at: (used === 1 ? 10 : days) * day }))
  }
  return journal
}

const bytesOf = (disk: MemoryDisk) =>
  [...disk.files].reduce((sum, [name, bytes]) => sum + (name.startsWith('journal-') ? bytes.length : 0), 0)

describe('pruning', () => {
  it('keeps the journal below its size, oldest first', async () => {
    const disk = memoryDisk()
    const journal = await aHistory(disk)

    expect(bytesOf(disk)).toBeLessThanOrEqual(2000)
    expect(journal.firstSeq).toBeGreaterThan(1)
    expect(seqsOf(await journal.read(journal.firstSeq, 100))[0]).toBe(journal.firstSeq)
    expect(seqsOf(await journal.read(journal.firstSeq, 100)).at(-1)).toBe(10)
  })

  test.each([0, 1, 4])('by age keeps what is not acknowledged, from %i on', async (acknowledged) => {
    const journal = await aHistory(memoryDisk(), ample, acknowledged, 3400)

    expect(journal.firstSeq).toBe(acknowledged + 1)
  })

  it('by size takes also what the broker never took, and says which events', async () => {
    const journal = await aHistory(memoryDisk(), { ...tiny, mostBytes: 1 }, 4)

    expect(journal.firstSeq).toBe(10)
    expect(journal.books.acknowledgedSeq).toBe(9)
    expect(journal.warnings).toContain('events 5 to 9 were pruned before the broker took them: the journal was full')
  })

  it('never removes what a damaged checkpoint would be made up for with', async () => {
    const disk = memoryDisk()
    const journal = await aHistory(disk, { ...tiny, fileBytes: 600 })
    const newest =
      [...disk.files.keys()]
        .filter((name) => name.startsWith('checkpoint-'))
        .sort()
        .at(-1) ?? ''
    disk.files.get(newest)?.fill(0xff)
    const again = await reopened(disk, { ...tiny, fileBytes: 600 })

    expect(again.warnings.filter((warning) => warning.includes('lacks'))).toEqual([])
    expect(remembered(again.books, 10)).toEqual(remembered(journal.books, 10))
  })

  it('keeps the last file', async () => {
    const journal = await aHistory(memoryDisk(), { ...tiny, mostBytes: 1 })

    expect(journal.firstSeq).toBe(10)
  })

  test.each([
    { when: 'all are young', days: 12, firstSeq: 1 },
    { when: 'some are older than 30 days', days: 34.5, firstSeq: 5 },
  ])('by age starts at $firstSeq when $when', async ({ days, firstSeq }) => {
    expect((await aHistory(memoryDisk(), ample, 10, days)).firstSeq).toBe(firstSeq)
  })

  it('ages nothing by a wall clock that jumps', async () => {
    const journal = await openJournal(memoryDisk(), ample)
    for (let seq = 1; seq <= 3; seq++) await journal.append([aSale(seq)])
    journal.note({ type: 'acknowledged', seq: 3 })
    for (const years of [0, 2, 4]) await journal.checkpoint(aNow({ wall: aWall + years * 365 * day }))

    expect([journal.firstSeq, journal.books.purchases.size]).toEqual([1, 3])
  })

  it('remembers how long it has run', async () => {
    const disk = memoryDisk()
    const journal = await aHistory(disk, ample, 10, 20)

    expect((await reopened(disk, ample)).books.uptime).toBe(journal.books.uptime)
    expect(journal.books.uptime).toBe(19 * day)
  })

  it('leaves the sessions and the audit as they are', async () => {
    const disk = memoryDisk()
    const journal = await aHistory(disk)
    const { books } = await reopened(disk, tiny)

    expect(books.sessions).toEqual(journal.books.sessions)
    expect(books.sold).toEqual({ bytes: 10_000n, milliseconds: 0n })
  })

  it('forgets no purchase id within 30 days, however large the journal', async () => {
    expect((await aHistory(memoryDisk())).books.purchases.has('p1')).toBe(true)
  })

  it('knows after a restart the same purchases as before', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk, tiny)
    for (let seq = 1; seq <= 10; seq++) await journal.append([aSale(seq)])
    journal.note({ type: 'acknowledged', seq: 10 })
    for (let used = 1; journal.firstSeq === 1; used++) {
      journal.note(aMetering(10, used))
      await journal.checkpoint(aNow())
    }
    const again = await reopened(disk, tiny)

    expect(remembered(again.books, 10)).toEqual(remembered(journal.books, 10))
  })
})
