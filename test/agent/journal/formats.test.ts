// Proves that a state folder of an earlier format is read as it was meant, and that an older program refuses it from then on.
import { expect, it } from 'vitest'
import { frame, readFrames } from '../../../agent/journal/frames.ts'
import { createJournal, type Journal } from '../../../agent/journal/journal.ts'
import { aMetering, aSale } from '../../support/a-journal.ts'
import { aNow, flat } from '../../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../../support/memory-disk.ts'

async function open(disk: MemoryDisk): Promise<Journal> {
  const journal = createJournal(disk, () => 'epoch-1')
  await journal.open()
  return journal
}

/** Two sessions in a snapshot, metering of one in a decision behind it, and of the other one noted only. */
async function aHistory(): Promise<{ disk: MemoryDisk; journal: Journal }> {
  const disk = memoryDisk()
  const journal = await open(disk)
  await journal.append([aSale(1), aSale(2)])
  journal.note(aMetering(1, 10))
  await journal.checkpoint(aNow())
  const again = await open(disk)
  again.note(aMetering(1, 20))
  await again.append([aMetering(2, 30)])
  await again.checkpoint(aNow())
  return { disk, journal: again }
}

/** The same folder as the second format had it: the fields of a meter beside the session's own. */
function asSecondFormat(disk: MemoryDisk): void {
  for (const [name, bytes] of disk.files) {
    if (name.startsWith('purchases-')) continue
    disk.files.set(name, Buffer.concat(readFrames(bytes).values.map((value) => frame(Object(flattened(value))))))
  }
}

function flattened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(flattened)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, flattened(field)]))
  const own = 'meter' in fields ? flat(fields as never) : fields
  return 'format' in own ? { ...own, format: 2 } : own
}

it('the second format is read into the same books', async () => {
  const { disk, journal } = await aHistory()
  asSecondFormat(disk)
  const again = await open(disk)

  expect([...again.books.sessions.values()]).toEqual([...journal.books.sessions.values()])
  expect([...again.books.sessions.values()].map(({ lots, meter }) => [lots[0]?.used, meter.downloaded])).toEqual([
    [20, 20],
    [30, 30],
  ])
  expect(again.warnings).toEqual([])
})

it('a folder of the second format has the newer format in its checkpoint before anything is appended', async () => {
  const { disk } = await aHistory()
  asSecondFormat(disk)
  await (await open(disk)).append([aSale(3)])
  const [newest = ''] = [...disk.files.keys()]
    .filter((name) => name.startsWith('checkpoint-'))
    .sort()
    .reverse()

  expect(readFrames(disk.files.get(newest) ?? new Uint8Array()).values[0]).toMatchObject({ format: 3 })
})
