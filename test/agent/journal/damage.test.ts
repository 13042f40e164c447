// Proves that damage of the state folder is told and survived, and what must not follow from it.
import { describe, expect, it, test } from 'vitest'
import { createJournal } from '../../../agent/journal/journal.ts'
import {
  aDrift,
  aMetering,
  aSale,
  damage,
  inheritedBy,
  nameOf,
  openJournal,
  reopened,
  roomy,
  seqsOf,
  usedOf,
} from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'

/** Events 1 to `count`, three to a file when the files are small. */
async function aHistory(count: number, limits = roomy): Promise<MemoryDisk> {
  const disk = memoryDisk()
  const journal = await openJournal(disk, limits)
  for (let seq = 1; seq <= count; seq++) await journal.append([aDrift(seq)])
  return disk
}
const threeToAFile = { ...roomy, fileBytes: 500 }

const firstFile = 'journal-0000000000000001-0000000000000001.log'

describe('a damaged journal', () => {
  it('is kept aside, told of, and used up to the damage', async () => {
    const disk = await aHistory(5)
    damage(disk, firstFile, 3)
    const copy = disk.copy()
    const journal = await openJournal(copy)

    expect(inheritedBy(journal.books)).toEqual([1, 2])
    expect(journal.warnings).toEqual([expect.stringContaining(`${firstFile} is damaged at byte`)])
    expect(Buffer.from(copy.files.get(firstFile) ?? [])).toEqual(disk.files.get(firstFile))
  })

  it('goes on, and is told of once', async () => {
    const disk = await aHistory(5)
    damage(disk, firstFile, 3)
    const journal = await openJournal(disk)
    await journal.append([aDrift(3)])
    const again = await reopened(disk)

    expect(again.books).toEqual(journal.books)
    expect(again.warnings).toEqual([])
  })

  it('says which decisions are missing', async () => {
    const disk = await aHistory(9, threeToAFile)
    for (const name of disk.files.keys()) {
      if (name === firstFile || name.startsWith('checkpoint-')) disk.files.delete(name)
    }

    expect((await openJournal(disk, threeToAFile)).warnings).toEqual([expect.stringMatching(/lacks decisions 1 to \d/)])
  })

  it('still reads the events behind a gap by their numbers', async () => {
    const disk = await aHistory(9, threeToAFile)
    damage(disk, firstFile, 2)
    const journal = await openJournal(disk, threeToAFile)
    await journal.append([aDrift(10)])

    expect(seqsOf(await journal.read(10, 5))).toEqual([10])
  })

  it('does not give the number of a published event to another one', async () => {
    const disk = await aHistory(5)
    damage(disk, firstFile, 3)
    let epochs = 1
    const journal = createJournal(disk, () => `epoch-${++epochs}`, { limits: roomy })
    await journal.open()

    expect([journal.books.epoch, journal.books.lastSeq]).not.toEqual(['epoch-1', 2])
  })

  /** A start on damaged files that crashes at that operation, and the start after it. */
  async function startedTwice(crashAt: number) {
    const disk = await aHistory(5)
    damage(disk, firstFile, 3)
    disk.crashAt(disk.operations.length + crashAt)
    const start = async (on: MemoryDisk) => {
      const journal = createJournal(on, () => 'epoch-2', { limits: roomy })
      await journal.open()
      const { epoch, lastSeq } = journal.books
      return { epoch, lastSeq, inherited: inheritedBy(journal.books) }
    }
    await start(disk).catch(() => {})
    return start(disk.copy())
  }

  test.each([0, 1, 2, 3, 4, 5])(
    'gives no number again when its first start crashes at operation %i',
    async (crashAt) => {
      expect(await startedTwice(crashAt)).toEqual({ epoch: 'epoch-2', lastSeq: 0, inherited: [1, 2] })
    },
  )

  it('does not take events that are still to come for acknowledged', async () => {
    const disk = memoryDisk()
    const writer = await openJournal(disk)
    for (let seq = 1; seq <= 5; seq++) await writer.append([aDrift(seq)])
    writer.note({ type: 'acknowledged', seq: 5 })
    await writer.checkpoint(aNow())
    damage(disk, firstFile, 3)
    const { books } = await openJournal(disk)

    expect(books.acknowledgedSeq).toBeLessThanOrEqual(books.lastSeq)
  })
})

describe('a damaged checkpoint', () => {
  async function twoSnapshots(): Promise<MemoryDisk> {
    const disk = memoryDisk()
    const journal = await openJournal(disk, { ...roomy, fileBytes: 1 })
    await journal.append([aSale(1)])
    for (let used = 1; used <= 12; used++) {
      journal.note(aMetering(1, used))
      await journal.checkpoint(aNow())
    }
    return disk
  }

  it('loses no purchase: the one before and the journal have it', async () => {
    const disk = await twoSnapshots()
    const newest = nameOf(disk, 'checkpoint-')
    disk.files.set(newest, Buffer.from(disk.files.get(newest) ?? []).fill(0, 10, 30))
    const journal = await openJournal(disk)

    expect(journal.books.lastSeq).toBe(1)
    expect(usedOf(journal, 1)).toBeGreaterThanOrEqual(0)
    expect((await reopened(disk)).books).toEqual(journal.books)
  })

  test.each([0, 1, 20])('that is only %i bytes long loses no purchase', async (size) => {
    const disk = await twoSnapshots()
    const newest = nameOf(disk, 'checkpoint-')
    disk.files.set(newest, (disk.files.get(newest) ?? new Uint8Array()).slice(0, size))

    expect((await openJournal(disk)).books.purchases.has('p1')).toBe(true)
  })

  it('leaves no half-written file behind', async () => {
    const disk = await twoSnapshots()
    disk.files.set('checkpoint-0000000000000099.log.tmp', new Uint8Array(5))
    await openJournal(disk)

    expect([...disk.files.keys()].filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
