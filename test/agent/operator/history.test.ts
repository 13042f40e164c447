// Proves that a replay names what goes while it is under way, and that nothing is read which is not on disk.
import { expect, it } from 'vitest'
import type { Journal } from '../../../agent/journal/journal.ts'
import { createHistory } from '../../../agent/operator/history.ts'
import { aDrift, openJournal, seqsOf } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'
import { memoryDisk } from '../../support/memory-disk.ts'

const small = { fileBytes: 600, mostBytes: 30_000, mostDays: 30 }

async function aJournal(events: number, disk = memoryDisk()): Promise<Journal> {
  const journal = await openJournal(disk, small)
  for (let seq = 1; seq <= events; seq++) await journal.append([aDrift(seq)])
  journal.note({ type: 'acknowledged', seq: events })
  return journal
}

const aReplay = (toSeq: number) =>
  ({ command: 'events.replay', transaction: 't1', epoch: 'epoch-1', fromSeq: 1, toSeq }) as const

it('names the events that are pruned while it is under way', async () => {
  const journal = await aJournal(60)
  const sent: number[] = []
  let more = 60
  const answer = await createHistory(journal).replay(aReplay(60), async (message) => {
    sent.push((message as { seq: number }).seq)
    // The journal goes on meanwhile, and forgets its oldest files.
    if (sent.length !== 8) return
    for (let count = 0; count < 120; count++) await journal.append([aDrift(++more)])
    journal.note({ type: 'acknowledged', seq: more })
    await journal.checkpoint(aNow())
  })
  const [last, next] = [sent[7] ?? 0, sent[8] ?? 61]

  expect(journal.firstSeq).toBeGreaterThan(last + 1)
  expect(answer).toMatchObject({ data: { sent: sent.length, pruned: { fromSeq: last + 1, toSeq: next - 1 } } })
})

it('sends no event whose write is under way', async () => {
  const disk = memoryDisk()
  await aJournal(4, disk)
  const journal = await openJournal(disk, small)
  const release = disk.hold()
  const append = journal.append([aDrift(5)])
  const read = journal.read(3, 8)
  release()

  expect(seqsOf(await read)).toEqual([3, 4])
  await append
  expect(seqsOf(await journal.read(3, 8))).toEqual([3, 4, 5])
})

it('is done when it is asked for again after the connection was lost under it', async () => {
  const history = createHistory(await aJournal(20))
  let left = 12
  const lost = history.replay(aReplay(20), async () => {
    if (--left < 0) throw new Error('the connection to the broker was lost')
  })
  expect(await lost).toMatchObject({ code: 'superseded', message: expect.stringContaining('8 events') })

  expect(await history.replay(aReplay(20), () => {})).toMatchObject({ data: { sent: 20 } })
})

it('answers a replay that comes beside another one with busy', async () => {
  const history = createHistory(await aJournal(20))
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const first = history.replay(aReplay(20), () => held)
  expect(await history.replay(aReplay(20), () => {})).toMatchObject({ code: 'busy' })
  release()

  expect(await first).toMatchObject({ data: { sent: 20 } })
  expect(await history.replay(aReplay(20), () => {})).toMatchObject({ data: { sent: 20 } })
})
