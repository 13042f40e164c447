// Proves that the journal holds what was acknowledged and nothing else, and reads it back in order over all its files.
import { describe, expect, it, test } from 'vitest'
import { toSnapshot } from '../../../agent/merchant/snapshot.ts'
import { timestamp } from '../../../agent/time/moment.ts'
import { aDrift, aMetering, aSale, openJournal, reopened, roomy, seqsOf, usedOf } from '../../support/a-journal.ts'
import { aNow, aWall } from '../../support/builders.ts'
import { memoryDisk } from '../../support/memory-disk.ts'

const small = { ...roomy, fileBytes: 600 }

describe('an append', () => {
  it('is in the books, in the history and on disk', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    const again = await reopened(disk)

    expect(again.books).toEqual(journal.books)
    expect(await again.read(1, 10)).toEqual(await journal.read(1, 10))
  })

  it('is not in the books before it is on disk', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    const release = disk.hold()
    const appending = journal.append([aSale(1)])
    const before = journal.books.lastSeq
    release()
    await appending

    expect([before, journal.books.lastSeq]).toEqual([0, 1])
  })

  it('that waits for another goes to disk with it', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await Promise.all([1, 2, 3].map((seq) => journal.append([aSale(seq)])))

    expect(disk.operations.filter((operation) => operation.startsWith('append'))).toHaveLength(1)
    expect((await reopened(disk)).books.lastSeq).toBe(3)
  })

  it('that fails leaves the books untouched, and the next one works', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    const before = JSON.stringify(toSnapshot(journal.books))
    disk.refuse()
    await expect(journal.append([aSale(2)])).rejects.toMatchObject({ name: 'StorageFailure', code: 'storage-failure' })
    const after = JSON.stringify(toSnapshot(journal.books))
    disk.accept()
    await journal.append([aSale(2)])

    expect(after).toBe(before)
    expect((await reopened(disk)).books).toEqual(journal.books)
  })

  test.each([1, 8, 20, 100])('that was torn at byte %i is cut off before the next one', async (tornAt) => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    disk.crashAt(disk.operations.length, tornAt)
    await journal.append([aSale(2)]).catch(() => {})
    disk.crashAt(Number.POSITIVE_INFINITY)
    await journal.append([aSale(2)])
    const again = await reopened(disk)

    expect(disk.operations.at(-2)).toMatch(/^truncate journal/)
    expect(again.books).toEqual(journal.books)
    expect(again.warnings).toEqual([])
  })

  it('that fails and leaves its bytes behind is never read', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    // More than are kept in memory: the first ones are read from the file.
    const kept = 600
    for (let seq = 1; seq <= kept; seq++) await journal.append([aSale(seq)])
    disk.refuse('keeping')
    await expect(journal.append([aSale(kept + 1, aWall + 1000)])).rejects.toThrow()
    const whileRefused = await journal.read(1, 2 * kept)
    disk.accept()
    await journal.append([aSale(kept + 1, aWall + 2000)])

    expect(whileRefused.events.at(-1)?.seq).toBe(kept)
    const afterwards = await journal.read(1, 2 * kept)
    expect(afterwards.events.map(({ at }) => at)).not.toContain(timestamp(aWall + 1000))
  })

  it('that fails fails everybody who waited with it', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    disk.refuse()
    const results = await Promise.allSettled([1, 2].map((seq) => journal.append([aSale(seq)])))

    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(journal.books.lastSeq).toBe(0)
  })
})

describe('a note', () => {
  it('is in the books at once and on disk with the next checkpoint', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    journal.note(aMetering(1, 400))
    journal.note({ type: 'acknowledged', seq: 1 })
    const before = await reopened(disk)
    await journal.checkpoint(aNow())
    const after = await reopened(disk)

    expect([usedOf(journal, 1), usedOf(before, 1), usedOf(after, 1)]).toEqual([400, 0, 400])
    expect([before.books.acknowledgedSeq, after.books.acknowledgedSeq]).toEqual([0, 1])
  })

  it('of a checkpoint that failed is in the next one', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    journal.note(aMetering(1, 400))
    journal.note({ type: 'acknowledged', seq: 1 })
    disk.refuse()
    await expect(journal.checkpoint(aNow())).rejects.toMatchObject({ name: 'StorageFailure' })
    disk.accept()
    await journal.checkpoint(aNow())
    const again = await reopened(disk)

    expect([usedOf(again, 1), again.books.acknowledgedSeq]).toEqual([400, 1])
  })

  it('belongs between the decisions it was taken between', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.append([aSale(1)])
    journal.note(aMetering(1, 400))
    await journal.checkpoint(aNow())
    await journal.append([aMetering(1, 900)])

    expect(usedOf(await reopened(disk), 1)).toBe(900)
  })

  it('that says nothing new is not written', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk)
    await journal.checkpoint(aNow())
    const { length } = disk.operations
    await journal.checkpoint(aNow())

    expect(disk.operations).toHaveLength(length)
  })
})

describe('many files', () => {
  it('reopen equal', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk, small)
    for (let seq = 1; seq <= 40; seq++) {
      await journal.append([aSale(seq)])
      journal.note(aMetering(seq, seq))
      if (seq % 3 === 0) await journal.checkpoint(aNow())
    }
    await journal.checkpoint(aNow())
    const again = await reopened(disk, small)

    expect([...disk.files.keys()].filter((name) => name.startsWith('journal-')).length).toBeGreaterThan(5)
    expect(again.books).toEqual(journal.books)
    expect(again.warnings).toEqual([])
  })

  it('keep two snapshots, the last one and the one before', async () => {
    const disk = memoryDisk()
    const journal = await openJournal(disk, { ...small, fileBytes: 1 })
    for (let turn = 1; turn <= 200; turn++) {
      if (turn <= 3) await journal.append([aSale(turn)])
      journal.note(aMetering(1, turn))
      await journal.checkpoint(aNow())
    }

    const kept = [...disk.files.keys()].filter((name) => name.startsWith('checkpoint-'))
    expect(kept).toHaveLength(2)
    expect(kept).not.toContain('checkpoint-0000000000000001.log')
    expect(usedOf(await reopened(disk), 1)).toBe(200)
  })

  test.each([
    { from: 1, most: 3, seqs: [1, 2, 3] },
    { from: 5, most: 6, seqs: [5, 6, 7, 8, 9, 10] },
    { from: 39, most: 10, seqs: [39, 40] },
    { from: 41, most: 10, seqs: [] },
  ])('read $most events from $from over their borders', async ({ from, most, seqs }) => {
    const disk = memoryDisk()
    const journal = await openJournal(disk, small)
    for (let seq = 1; seq <= 40; seq++) await journal.append([aDrift(seq)])

    expect(seqsOf(await journal.read(from, most))).toEqual(seqs)
    expect(seqsOf(await (await reopened(disk, small)).read(from, most))).toEqual(seqs)
  })

  it('read from disk what is too old for memory', async () => {
    const journal = await openJournal(memoryDisk(), { ...small, fileBytes: 20_000 })
    for (let seq = 1; seq <= 700; seq++) await journal.append([aDrift(seq)])

    expect(seqsOf(await journal.read(180, 16))).toEqual(Array.from({ length: 16 }, (_, n) => 180 + n))
    expect(seqsOf(await journal.read(189, 3))).toEqual([189, 190, 191])
  })
})
