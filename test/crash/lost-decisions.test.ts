// Proves what must happen when the end of the journal is lost although the checkpoint file, or the broker, knows of it.
import { describe, expect, it } from 'vitest'
import { aDrift, aSale, nameOf } from '../support/a-journal.ts'
import { aNow } from '../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../support/memory-disk.ts'
import { start } from '../support/recorded-journal.ts'

/** Five decisions of which the broker has all events and the checkpoint file says so; the fifth is then damaged. */
async function withoutItsEnd(damage: (file: Buffer, from: number) => Buffer): Promise<MemoryDisk> {
  const disk = memoryDisk()
  const journal = await start(disk)
  for (const seq of [1, 2, 3, 4]) await journal.append([aDrift(seq)])
  const name = nameOf(disk, 'journal-')
  const from = disk.files.get(name)?.length ?? 0
  await journal.append([aSale(5)])
  journal.note({ type: 'acknowledged', seq: 5 })
  await journal.checkpoint(aNow())
  disk.files.set(name, damage(Buffer.from(disk.files.get(name) ?? []), from))
  return disk
}

const damages = {
  'one byte of it turned over': (file: Buffer, from: number) => {
    file[from + 20] = (file[from + 20] ?? 0) ^ 0xff
    return file
  },
  'the file cut before it': (file: Buffer, from: number) => file.subarray(0, from),
}

describe.each(Object.entries(damages))('a decision that the broker has heard of, %s', (_, damage) => {
  it('is not given up in silence', async () => {
    const journal = await start(await withoutItsEnd(damage), 2)

    expect(journal.warnings).not.toEqual([])
  })

  it('leaves no number to be given again', async () => {
    const { books } = await start(await withoutItsEnd(damage), 2)

    expect([books.epoch, books.lastSeq]).not.toEqual(['epoch-1', 4])
  })

  it('does not keep the next event from being published', async () => {
    const { books } = await start(await withoutItsEnd(damage), 2)

    expect(books.acknowledgedSeq).toBeLessThanOrEqual(books.lastSeq)
  })
})
