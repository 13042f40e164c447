// Proves what a router does with commands beyond its limits, and with commands that are not to be obeyed.
import { describe, expect, it, test } from 'vitest'
import type { Act } from '../../../agent/merchant/journal-record.ts'
import { createCommands } from '../../../agent/operator/commands.ts'
import { createRecorder } from '../../../agent/recorder.ts'
import type { IncomingCommand } from '../../../agent/uplink/uplink.ts'
import { Reply } from '../../../protocol/index.ts'
import { openJournal } from '../../support/a-journal.ts'
import { aConfig, aMac, aRouterId, bytesOf } from '../../support/builders.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { quietLog } from '../../support/quiet-log.ts'

const day = 86_400_000

async function aDesk({ acts = [], uptime = 0 }: { acts?: Act[]; uptime?: number } = {}) {
  const journal = await openJournal()
  const clock = fakeClock()
  Object.assign(journal.books, { acts, uptime })
  const carriedOut: string[] = []
  const recorder = createRecorder(aRouterId, clock, journal, quietLog, () => {})
  const onCommand = createCommands({
    ...{ config: aConfig(), clock, journal, recorder, log: quietLog, uplink: { partBytes: 64_000 } },
    orders: {
      carryOut: async ({ command }) => ({ data: carriedOut.push(command) }),
      again: async () => ({ data: 'again' }),
      sawEvent: () => {},
      sawLook: () => {},
    },
    outbox: { announce: async () => {}, reportUsage: () => Promise.resolve({ afterSeq: 0, parts: 1 }) },
  })
  const sent: { message: object; to: string | undefined }[] = []
  const ask = async (message: unknown, how: Partial<IncomingCommand> = {}): Promise<Reply> => {
    const payload = bytesOf(message)
    const incoming = { payload, bytes: payload.length, retained: false, channel: 'command' as const, ...how }
    await onCommand({ isMisdirected: false, ...incoming }, async (reply, { to } = {}) => {
      sent.push({ message: reply, to })
    })
    return Reply.parse(sent.at(-1)?.message)
  }
  return { ask, carriedOut, sent, journal }
}

const pause = { transaction: 't1', command: 'session.pause', mac: aMac() }
const many = (uptime: number): Act[] =>
  Array.from({ length: 4000 }, (_, n) => ({ transaction: `a${n}`, content: 'c', uptime, seqs: [], epoch: 'e' }))

describe('after 4,000 acts', () => {
  it('of a day another one is refused as busy', async () => {
    const desk = await aDesk({ acts: many(5), uptime: 5 })

    expect(await desk.ask(pause)).toMatchObject({ error: { code: 'busy' } })
    expect(desk.carriedOut).toEqual([])
  })

  it('of the day before another one is done', async () => {
    const desk = await aDesk({ acts: many(5), uptime: day + 6 })

    expect(await desk.ask(pause)).toMatchObject({ status: 'ok' })
  })
})

describe('a command is not obeyed', () => {
  test.each([
    { when: 'it is retained', how: { retained: true }, code: 'invalid-message' },
    { when: 'its Response Topic is not its own', how: { isMisdirected: true }, code: 'invalid-message' },
    { when: 'it acts, on the query topic', how: { channel: 'query' as const }, code: 'unauthorised' },
  ])('when $when', async ({ how, code }) => {
    const desk = await aDesk()

    expect(await desk.ask(pause, how)).toMatchObject({ transaction: 't1', status: 'error', error: { code } })
    expect(desk.carriedOut).toEqual([])
    expect(desk.journal.books.acts).toEqual([])
  })

  test.each([
    { when: 'it is empty', message: new Uint8Array(), says: 'the message is empty' },
    { when: 'it is no JSON', message: new TextEncoder().encode('{'), says: 'not JSON' },
    { when: 'it is a list', message: [], says: 'not one JSON object' },
    { when: 'it lacks its transaction', message: { command: 'sessions' }, says: 'transaction is missing: give' },
    { when: 'a field is wrong', message: { ...pause, mac: 5 }, says: 'mac cannot be 5: give' },
    {
      when: 'its replyTo is a channel',
      message: { ...pause, replyTo: 'purchase' },
      says: 'replyTo cannot be "purchase"',
    },
  ])('when $when, and is told why in words', async ({ message, says }) => {
    const desk = await aDesk()

    expect(await desk.ask(message)).toMatchObject({
      error: { code: 'invalid-message', message: expect.stringContaining(says) },
    })
  })

  it('when it was longer than what is left of it', async () => {
    const desk = await aDesk()

    expect(await desk.ask(pause, { bytes: 60_000_000 })).toMatchObject({
      error: { code: 'invalid-message', message: expect.stringContaining('60000000 bytes') },
    })
  })
})

describe('a question', () => {
  test.each(['sessions', 'usage', 'config'])('%s may come on the query topic', async (command) => {
    const desk = await aDesk()

    expect(await desk.ask({ transaction: 'q', command }, { channel: 'query' })).toMatchObject({ status: 'ok' })
  })

  it('is answered below the reply topic where its replyTo says so, and it wins over a Response Topic', async () => {
    const desk = await aDesk()
    await desk.ask({ transaction: 'q', command: 'sessions', replyTo: 'desk-3' }, { isMisdirected: true })

    expect(desk.sent).toMatchObject([{ to: 'desk-3', message: { status: 'ok' } }])
  })

  it('for usage is busy within a second of the last one', async () => {
    const desk = await aDesk()
    const first = await desk.ask({ transaction: 'q', command: 'usage' })

    expect([first, await desk.ask({ transaction: 'q', command: 'usage' })]).toMatchObject([
      { status: 'ok' },
      { error: { code: 'busy' } },
    ])
  })

  it('beyond so many at once is refused as busy', async () => {
    const desk = await aDesk()
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => desk.ask({ transaction: `q${n}`, command: 'session.pause', mac: aMac() })),
    )
    const codes = desk.sent.map(({ message }) => Reply.parse(message)).filter((reply) => reply.status === 'error')

    expect(codes).toHaveLength(8)
  })
})
