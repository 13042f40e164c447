// CPU of reading the journal: a replay, the story of a purchase, and an outbox that catches up, each against one pass over the same
// files.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderDisk } from '../agent/journal/disk.ts'
import { readFrames } from '../agent/journal/frames.ts'
import { createJournal, type Journal } from '../agent/journal/journal.ts'
import { createHistory } from '../agent/operator/history.ts'
import { createOutbox } from '../agent/outbox.ts'
import type { Recorder } from '../agent/recorder.ts'
import type { Uplink } from '../agent/uplink/uplink.ts'
import { aTariff } from '../test/support/builders.ts'
import { fakeClock } from '../test/support/fake-clock.ts'
import type { Figure, Row } from './figure.ts'
import { events, writeFullJournal } from './full-journal.ts'

const replayed = 10_000

export const history: Figure = {
  name: 'history',
  about: `CPU of reading ${events} events again, against one pass over their files`,
  async measure(stage): Promise<Row[]> {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-history-'))
    stage.afterwards(() => rmSync(folder, { recursive: true }))
    stage.say('writing the journal')
    await writeFullJournal(folder)
    const pass = await cpuOf(async () => {
      for (const name of readdirSync(folder))
        if (name.startsWith('journal-')) readFrames(readFileSync(join(folder, name)))
    })
    const against = { name: 'one pass over the same files', value: pass }
    const journal = await open(folder)
    const { replay, explain } = createHistory(journal)
    const asked = { transaction: 't', command: 'events.replay' as const, epoch: 'epoch-1' }
    const ofReplay = await cpuOf(() =>
      replay({ ...asked, fromSeq: 1, toSeq: replayed }, async (event) => void JSON.stringify(event)),
    )
    const ofStory = await cpuOf(() => explain('p1'))
    const ofOutbox = await cpuOf(() => outboxOf(journal).announce())
    await journal.close()
    return [
      { what: `a replay of ${replayed} events`, unit: 'ms', ours: ofReplay, against, goal: { atMost: 3 } },
      { what: 'the story of the first purchase', unit: 'ms', ours: ofStory, against, goal: { atMost: 1.5 } },
      {
        what: `an outbox that catches up on ${events} events`,
        unit: 'ms',
        ours: ofOutbox,
        against,
        goal: { atMost: 4 },
      },
    ]
  },
}

async function open(folder: string): Promise<Journal> {
  const journal = createJournal(folderDisk(folder), () => 'epoch-1', {})
  await journal.open()
  return journal
}

/** Milliseconds of user and system time. */
async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function outboxOf(journal: Journal) {
  const uplink = { connected: true, publish: async (_: string, message: object) => void JSON.stringify(message) }
  const recorder = {} as Recorder
  return createOutbox({ clock: fakeClock(), journal, recorder, uplink: uplink as unknown as Uplink, tariff: aTariff() })
}
