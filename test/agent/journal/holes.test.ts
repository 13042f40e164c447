// Proves that a hole in a journal of several files, whatever made it, costs at most what only the journal still held: the books
// add up, nothing that was accepted is sold again or forgotten in silence, and sales go on.
import { afterAll, describe, expect, it } from 'vitest'
import { frame, readFrames } from '../../../agent/journal/frames.ts'
import { createJournal, type Journal } from '../../../agent/journal/journal.ts'
import type { WritableBooks } from '../../../agent/merchant/books.ts'
import type { Session } from '../../../agent/merchant/session.ts'
import { conservationOf } from '../../../agent/merchant/view.ts'
import { aSale, roomy } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'
import { aSaleFor } from '../../support/recorded-journal.ts'

const sales = 48
const limits = { ...roomy, fileBytes: 3000 }

async function open(disk: MemoryDisk, epoch: string): Promise<Journal> {
  const journal = createJournal(disk, () => epoch, { limits })
  await journal.open()
  return journal
}

/** Sales in seven files, half of them taken by the broker. */
async function aLongHistory(): Promise<MemoryDisk> {
  const disk = memoryDisk()
  const journal = await open(disk, 'epoch-1')
  for (let seq = 1; seq <= sales; seq++) {
    await journal.append([aSale(seq)])
    if (seq === sales / 2) {
      journal.note({ type: 'acknowledged', seq })
      await journal.checkpoint(aNow())
    }
  }
  return disk
}

const namesOf = (disk: MemoryDisk, start: string) =>
  [...disk.files.keys()].filter((name) => name.startsWith(start)).sort()

/** Which of the sales a journal still owes something for, has told the end of, or has yet to tell of as lost. */
function fateOf({ books }: Journal, purchaseId: string): 'served' | 'lost' | 'unknown' {
  for (const { lots } of books.sessions.values()) if (lots.some((lot) => lot.purchaseId === purchaseId)) return 'served'
  return books.lost.some((lot) => lot.purchaseId === purchaseId) ? 'lost' : 'unknown'
}

/** Another sale, and a checkpoint. */
async function goOn(journal: Journal): Promise<void> {
  await journal.append([aSaleFor(journal.books)])
  await journal.checkpoint(aNow())
}

/** The newest snapshot as the first version of this program wrote it. */
function asFirstFormat(disk: MemoryDisk): void {
  const name = namesOf(disk, 'checkpoint-').at(-1) ?? ''
  const [first, ...rest] = readFrames(disk.files.get(name) ?? new Uint8Array()).values
  const { format: _, snapshot, ...ofFirst } = Object(first)
  const flat = { ...snapshot, sessions: snapshot.sessions.map(({ meter, ...own }: Session) => ({ ...own, ...meter })) }
  disk.files.set(name, Buffer.concat([{ ...ofFirst, snapshot: flat }, ...rest].map(frame)))
}

type Damage = (disk: MemoryDisk, name: string) => void
const flip =
  (part: number): Damage =>
  (disk, name) => {
    const bytes = Buffer.from(disk.files.get(name) ?? [])
    const at = Math.min(bytes.length - 1, Math.floor(part * bytes.length))
    bytes[at] = (bytes[at] ?? 0) ^ 0x55
    disk.files.set(name, bytes)
  }
const cut =
  (part: number): Damage =>
  (disk, name) => {
    const bytes = disk.files.get(name) ?? new Uint8Array()
    disk.files.set(name, bytes.slice(0, Math.floor(part * bytes.length)))
  }
// A record that stands at the end and nowhere else: cut there, or damaged in its last frame, it looks like a write that never ended.
const looksTorn = (what: string): boolean => what.startsWith('cut') || what.startsWith('a byte')
const isTail = (ids: string[]): boolean => ids.every((id, index) => id === `p${sales - ids.length + index + 1}`)

const parts = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99]
const damages: { what: string; damage: Damage }[] = [
  ...parts.map((part) => ({ what: `a byte turned over at ${part}`, damage: flip(part) })),
  ...parts.map((part) => ({ what: `cut at ${part}`, damage: cut(part) })),
  { what: 'missing', damage: (disk, name) => disk.files.delete(name) },
  { what: 'unreadable', damage: (disk, name) => disk.unreadable.add(name) },
]

let points = 0
afterAll(() => console.log(`journals of several files: damaged at ${points} points`))

const checkpointsLeft = [
  { checkpoints: 'both checkpoints', keep: 2 },
  { checkpoints: 'the older checkpoint', keep: 1 },
  { checkpoints: 'no checkpoint', keep: 0 },
]

describe.each(checkpointsLeft)('with $checkpoints', ({ keep }) => {
  it.each(damages)('one file $what', async ({ what, damage }) => {
    const whole = await aLongHistory()
    const names = namesOf(whole, 'journal-')
    expect(names.length).toBeGreaterThanOrEqual(5)
    for (const name of names) {
      const disk = whole.copy()
      for (const checkpoint of namesOf(disk, 'checkpoint-').slice(keep)) disk.files.delete(checkpoint)
      damage(disk, name)
      points++
      const journal = await open(disk, 'epoch-2')
      const ids = Array.from({ length: sales }, (_, index) => `p${index + 1}`)
      const unknown = ids.filter((id) => fateOf(journal, id) === 'unknown')
      const where = `${name}: ${journal.warnings.join('; ')}`

      // Nothing else knows of the last file once the checkpoint is gone that was written with it.
      const isTornEnd = name === names.at(-1) && (looksTorn(what) || keep < 2) && isTail(unknown)
      if (unknown.length > 0 && !isTornEnd) expect(journal.warnings, where).not.toEqual([])
      expect(conservationOf(journal.books).bytes.difference, where).toBe(0)
      // With both checkpoints a hole costs at most the file it is in.
      if (keep === 2 && name !== names.at(-1)) expect(unknown, where).toEqual([])
      expect(unknown.length, where).toBeLessThanOrEqual(sales / 4)
      for (const id of ids)
        if (fateOf(journal, id) === 'lost') expect(journal.books.purchases.has(id), where).toBe(true)
      await goOn(journal)
      const again = await open(disk.copy(), 'epoch-3')
      expect([again.books, again.warnings], where).toEqual([journal.books, []])
    }
  })
})

it('a journal whose books differ since an earlier version is written off by name, and sells on', async () => {
  const disk = await aLongHistory()
  const journal = await open(disk, 'epoch-1')
  ;(journal.books as WritableBooks).sold.bytes += 6_000_000n
  await journal.append([aSale(sales + 1)])
  for (let turn = 0; turn < 3; turn++) await journal.checkpoint(aNow())
  asFirstFormat(disk)
  const again = await open(disk, 'epoch-2')

  expect(conservationOf(again.books).bytes).toMatchObject({ writtenOff: 6_000_000, difference: 0 })
  expect(again.warnings).toEqual([expect.stringContaining('damage took 6000000 bytes')])
  expect((await open(disk.copy(), 'epoch-3')).warnings).toEqual([])
})

it.each(['checkpoint-', 'journal-'])('a newer format of %s is refused with a sentence', async (start) => {
  const disk = await aLongHistory()
  const name = namesOf(disk, start).at(-1) ?? ''
  const [first, ...rest] = readFrames(disk.files.get(name) ?? new Uint8Array()).values
  disk.files.set(name, Buffer.concat([{ ...Object(first), format: 4 }, ...rest].map(frame)))

  await expect(open(disk, 'epoch-2')).rejects.toThrow(/is in format 4 and this version reads up to 3: start the newer/)
})
