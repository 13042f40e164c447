// Proves that a journal that has filled its disk makes room for itself by what the broker has, and for nothing else.
import { describe, expect, it } from 'vitest'
import type { Journal } from '../../../agent/journal/journal.ts'
import { aSale, openJournal, reopened, seqsOf } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'

// The disk does not tell its room, so the limits are those of a large one.
const large = { fileBytes: 4000, mostBytes: 1e7, mostDays: 30 }
const capacity = 40_000

/** Sales until the disk takes no more: how many it took. */
async function fill(journal: Journal, from = 1): Promise<number> {
  for (let seq = from; ; seq++) {
    if (
      await journal.append([aSale(seq)]).then(
        () => false,
        () => true,
      )
    )
      return seq - 1
    if (seq % 10 === 0) await journal.checkpoint(aNow()).catch(() => {})
  }
}

async function aFullDisk(): Promise<{ disk: MemoryDisk; journal: Journal; sold: number }> {
  const disk = memoryDisk()
  disk.capacity = capacity
  const journal = await openJournal(disk, large)
  return { disk, journal, sold: await fill(journal) }
}

describe('a journal that has filled its disk', () => {
  it('takes sales again as soon as the broker has the oldest events, without a write before', async () => {
    const { disk, journal, sold } = await aFullDisk()
    journal.note({ type: 'acknowledged', seq: sold })
    const before = disk.operations.length
    await journal.append([aSale(sold + 1)])
    const done = disk.operations.slice(before).map((operation) => operation.split(' ')[0])

    expect(sold).toBeGreaterThan(20)
    expect(done.indexOf('remove')).toBeLessThan(done.lastIndexOf('append'))
    expect(journal.books.lastSeq).toBe(sold + 1)
    expect(journal.firstSeq).toBeGreaterThan(1)
  })

  it('goes on for as long as the broker keeps up', async () => {
    const { disk, journal, sold } = await aFullDisk()
    for (let seq = sold + 1; seq <= sold + 100; seq++) {
      journal.note({ type: 'acknowledged', seq: seq - 1 })
      await journal.append([aSale(seq)])
      if (seq % 10 === 0) await journal.checkpoint(aNow())
    }
    const again = await reopened(disk, large)

    expect(again.warnings).toEqual([])
    expect(again.books.lastSeq).toBe(sold + 100)
    expect(again.books.purchases.has('p1')).toBe(true)
  })

  it('removes nothing that the broker does not have', async () => {
    const { journal, sold } = await aFullDisk()
    const refused = journal.append([aSale(sold + 1)])

    await expect(refused).rejects.toThrow()
    expect(journal.firstSeq).toBe(1)
    expect(seqsOf(await journal.read(1, 1000)).at(-1)).toBe(sold)
  })
})
