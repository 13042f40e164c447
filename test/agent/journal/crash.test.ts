// Proves that no crash, at whatever operation and byte, loses an acknowledged append or leaves half a decision.
import { describe, expect, it, test } from 'vitest'
import { createJournal, type Journal } from '../../../agent/journal/journal.ts'
import { conservationOf } from '../../../agent/merchant/view.ts'
import { aDrift, aMetering, aSale, openJournal, reopened, roomy, seqsOf, usedOf } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'

const limits = { fileBytes: 900, mostBytes: 1500, mostDays: 30 }

interface Told {
  /** The last event that the journal said was on disk. */
  seq: number
  used: number
  checkpointed: number
}

/** Four purchases, each one decision of two events, with metering and checkpoints; stops where the disk fails. */
async function live(disk: MemoryDisk): Promise<Told> {
  const told: Told = { seq: 0, used: 0, checkpointed: 0 }
  const journal = createJournal(disk, () => 'epoch-1', { limits })
  try {
    await journal.open()
    for (let seq = 1; seq < 9; seq += 2) {
      await journal.append([aSale(seq), aDrift(seq + 1)])
      told.seq = seq + 1
      for (let turn = 0; turn < 12; turn++) {
        journal.note(aMetering(1, ++told.used))
        journal.note({ type: 'acknowledged', seq: told.seq })
        await journal.checkpoint(aNow())
        told.checkpointed = told.used
      }
    }
  } catch (err) {
    if (!(err instanceof Error && /no space left/.test(err.message))) throw err
  }
  return told
}

async function operationsOfALife(): Promise<string[]> {
  const disk = memoryDisk()
  await live(disk)
  return disk.operations
}

const operations = await operationsOfALife()
const crashes = operations.flatMap((operation, at) => {
  const bytes = operation.startsWith('append journal') ? [0, 1, 7, 8, 9, 60, 200, 400, 1e9] : [0, 9, 1e9]
  return bytes.map((tornAt) => ({ at, operation, tornAt }))
})

describe('a crash', () => {
  it('is tried at appends, replacements and removals', () => {
    const kinds = new Set(operations.map((operation) => operation.split('-')[0]))

    expect([...kinds].sort()).toEqual([
      'append checkpoint',
      'append journal',
      'append purchases',
      'remove checkpoint',
      'remove journal',
      'replace checkpoint',
      'replace journal',
      'replace purchases',
    ])
  })

  test.each(crashes)('at operation $at, $operation, byte $tornAt', async ({ at, tornAt }) => {
    const disk = memoryDisk()
    disk.crashAt(at, tornAt)
    const told = await live(disk)
    const again = await reopened(disk, limits)

    expectWhole(again, told)
    expect(seqsOf(await again.read(again.firstSeq, 100))).toEqual(range(again.firstSeq, again.books.lastSeq))
    await expectItGoesOn(again)
  })

  it('while a start cuts a torn end off is no worse', async () => {
    const disk = memoryDisk()
    disk.crashAt(
      operations.findLastIndex((operation) => operation.startsWith('append journal')),
      20,
    )
    const told = await live(disk)
    const second = disk.copy()
    second.crashAt(0)
    await openJournal(second, limits).catch(() => {})

    expectWhole(await reopened(second, limits), told)
  })
})

function expectWhole({ books, warnings }: Journal, told: Told): void {
  expect([told.seq, told.seq + 2]).toContain(books.lastSeq)
  expect(conservationOf(books).bytes).toMatchObject({ sold: 1000 * (books.lastSeq / 2), difference: 0 })
  expect(books.sessions.size).toBe(books.lastSeq / 2)
  expect(warnings).toEqual([])
}

async function expectItGoesOn(journal: Journal): Promise<void> {
  const next = journal.books.lastSeq + 1
  await journal.append([aSale(next)])
  await journal.checkpoint(aNow())
  expect(seqsOf(await journal.read(next, 5))).toEqual([next])
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)

test.each(crashes.filter(({ tornAt }) => tornAt === 0))(
  'metering after a crash at operation $at is that of a checkpoint or newer',
  async ({ at }) => {
    const disk = memoryDisk()
    disk.crashAt(at)
    const told = await live(disk)

    expect(usedOf(await reopened(disk, roomy), 1) ?? 0).toBeGreaterThanOrEqual(told.checkpointed)
  },
)
