// Proves that the journal syncs what it promises: a power cut takes what lay in the kernel's cache, and nothing more.
import { expect, test } from 'vitest'
import { folderDisk } from '../../../agent/journal/disk.ts'
import { createJournal } from '../../../agent/journal/journal.ts'
import { mulberry32 } from '../../../broker-dev/random.ts'
import { aMetering, aSale, roomy, usedOf } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { type PowerCutFiles, powerCutFiles } from '../../support/power-cut.ts'

// A file for every few decisions, a snapshot at every other checkpoint: each of the disk's operations comes up.
const limits = { ...roomy, fileBytes: 700 }

async function open(files: PowerCutFiles) {
  const journal = createJournal(folderDisk('/state', files), () => 'epoch-1', { limits })
  await journal.open()
  return journal
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('what was acknowledged is there after a power cut, with luck %i', async (seed) => {
  const luck = mulberry32(seed)
  let files = powerCutFiles()
  for (let seq = 1; seq <= 24; seq++) {
    const journal = await open(files)
    await journal.append([aSale(seq)])
    journal.note(aMetering(seq, seq))
    await journal.checkpoint(aNow())
    files = files.afterPowerCut(luck)
    const found = await open(files)

    expect(found.warnings).toEqual([])
    expect([found.books.epoch, found.books.lastSeq, usedOf(found, seq)]).toEqual(['epoch-1', seq, seq])
  }
})
