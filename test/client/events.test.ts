// Proves that the stream of events fills its gaps from the routers, names what is lost, resumes, and waits for who is slow.
import { describe, expect, it } from 'vitest'
import type { FleetError } from '../../client/errors.ts'
import { type EventsOptions, eventsOf, type Item } from '../../client/events.ts'
import { accepted, agentStarted, ended, r1, started, status, usage } from '../support/messages.ts'
import { aClock, fakeLink, settled } from './fakes.ts'

const topic = (channel: string) => `router/r1/${channel}`
const event = (seq: number) => [accepted(seq), started(seq), ended(seq)][seq % 3] ?? accepted(seq)

function aStream(options: EventsOptions = {}) {
  const [link, clock] = [fakeLink(), aClock()]
  const [items, cursors, warnings]: [Item[], string[], FleetError[]] = [[], [], []]
  const closed = new AbortController()
  const parts = { openLink: async () => link, clock, prefix: 'router', closed: closed.signal }
  const stream = eventsOf({ ...parts, warn: (warning) => warnings.push(warning) }, options)
  let fault: unknown
  const reading = (async () => {
    for await (const { item, cursor } of stream) {
      items.push(item)
      cursors.push(cursor)
    }
  })().catch((error) => {
    fault = error
  })

  /** Answers replays as a router whose journal has those events, from `firstSeq` on. */
  async function answerReplays(firstSeq: number, lastSeq: number): Promise<number> {
    const asked = link.published.splice(0)
    for (const { message } of asked) {
      const { transaction, epoch, replyTo } = message
      const [from, to] = [Number(message.fromSeq), Math.min(Number(message.toSeq), lastSeq)]
      for (let seq = Math.max(from, firstSeq); seq <= to; seq++) {
        await link.say(topic(`reply/${replyTo}`), { ...event(seq), epoch, historical: true, transaction })
      }
      const pruned = from < firstSeq ? { pruned: { fromSeq: from, toSeq: firstSeq - 1 } } : {}
      const data = { epoch, fromSeq: from, toSeq: to, sent: 0, lastSeq, ...pruned }
      await link.say(topic(`reply/${replyTo}`), { transaction, command: 'events.replay', status: 'ok', data })
    }
    await settled()
    return asked.length
  }

  const shown = () => items.map((item) => ('seq' in item ? item.seq : `${item.type} ${JSON.stringify(item)}`))
  return { link, clock, items, cursors, warnings, reading, shown, answerReplays, closed, fault: () => fault }
}

describe('the stream of events', () => {
  it('gives each once, in order, and is closed with the client', async () => {
    const { link, shown, closed, reading, fault } = aStream({ from: 'now' })
    await settled()
    for (const seq of [4, 5, 4, 6]) await link.say(topic('usage'), event(seq))
    closed.abort()
    await reading
    expect([shown(), fault()]).toEqual([[4, 5, 6], undefined])
  })

  it('fills a gap at once, and marks what it fills', async () => {
    const { link, shown, items, answerReplays } = aStream({ from: 'now' })
    await settled()
    await link.say(topic('usage'), event(4))
    await link.say(topic('usage'), event(8))
    await settled()
    expect(link.published[0]).toMatchObject({
      topic: 'router/r1/query',
      message: { command: 'events.replay', epoch: 'e1', fromSeq: 5, toSeq: 7 },
    })
    await answerReplays(1, 8)
    expect(shown()).toEqual([4, 5, 6, 7, 8])
    expect(items.map((item) => 'historical' in item && item.historical)).toEqual([false, true, true, true, false])
    expect(items[1]).not.toHaveProperty('transaction')
  })

  it('begins with all that a router still has, and says what it has no more', async () => {
    const { link, shown, answerReplays } = aStream()
    await settled()
    await link.say(topic('status'), status(450), true)
    await settled()
    while ((await answerReplays(11, 450)) > 0) await settled()
    const lost = 'lost {"type":"lost","routerId":"r1","epoch":"e1","fromSeq":1,"toSeq":10,"why":"pruned"}'
    expect(shown()).toEqual([lost, ...Array.from({ length: 440 }, (_, index) => index + 11)])
  })

  it('goes on behind a cursor, without asking for what it had', async () => {
    const before = aStream({ from: 'now' })
    await settled()
    await before.link.say(topic('usage'), event(4))
    await before.link.say(topic('usage'), event(5))
    const { link, shown, answerReplays, clock } = aStream({ from: before.cursors[0] })
    await settled()
    await link.say(topic('status'), status(6))
    await settled()
    await clock.advance(2000)
    expect(link.published[0]?.message).toMatchObject({ fromSeq: 5, toSeq: 6 })
    await answerReplays(1, 6)
    expect(shown()).toEqual([5, 6])
  })

  it('notices by a report that the last events were dropped, unless they come in the next moment', async () => {
    const { link, shown, clock, answerReplays } = aStream({ from: 'now' })
    await settled()
    await link.say(topic('usage'), event(4))
    await link.say(topic('usage'), usage(5, []))
    await clock.advance(1000)
    await link.say(topic('usage'), event(5))
    await clock.advance(5000)
    expect(link.published).toEqual([])
    await link.say(topic('usage'), usage(6, []))
    await clock.advance(2000)
    await answerReplays(1, 6)
    expect(shown()).toEqual([4, 5, 6])
  })

  it('passes over answers that have no place in the journal, and hands on types that it does not know', async () => {
    const { link, items } = aStream({ from: 'now' })
    await settled()
    const { seq: ofSeq, ...repeated } = accepted(1)
    const novelty = { ...agentStarted(2), type: 'session.teleported' }
    for (const message of [accepted(1), { ...repeated, duplicate: true, ofSeq }, novelty, event(3)]) {
      await link.say(topic('usage'), message)
    }
    await settled()
    expect(items.map(({ type }) => type)).toEqual(['purchase.accepted', 'unrecognised', 'purchase.accepted'])
    expect(items[1]).toMatchObject({ seq: 2, event: { type: 'session.teleported' } })
  })

  it('asks a busy router again, a router that is away when it is heard, and warns of one that does not answer', async () => {
    const { link, clock, warnings, shown, answerReplays } = aStream({ from: 'now' })
    await settled()
    await link.say(topic('usage'), event(4))
    await link.say(topic('usage'), event(6))
    await settled()
    const { transaction, replyTo } = link.published.splice(0)[0]?.message ?? {}
    const busy = { transaction, command: 'events.replay', status: 'error', error: { code: 'busy', message: '' } }
    await link.say(topic(`reply/${replyTo}`), busy)
    await clock.advance(1000)
    expect(link.published).toHaveLength(1)
    for (let round = 0; round < 60; round++) await clock.advance(5000)
    expect(warnings.map(({ code }) => code)).toEqual(['no-replay'])
    await link.say(topic('status'), { ...status(6), state: 'offline' })
    await clock.advance(120_000)
    link.published.splice(0)
    await clock.advance(600_000)
    expect(link.published).toEqual([])
    await link.say(topic('status'), status(6))
    await clock.advance(2000)
    await answerReplays(1, 6)
    expect(shown()).toEqual([4, 5, 6])
  })

  it('asks a router that did not answer for minutes as soon as it says how it is', async () => {
    const { link, clock, shown, answerReplays } = aStream({ from: 'now' })
    await settled()
    await link.say(topic('usage'), event(4))
    await link.say(topic('usage'), event(6))
    for (let round = 0; round < 60; round++) await clock.advance(5000)
    // In the middle of the longest pause, and of no answer at all.
    for (link.published.splice(0); link.published.length === 0; ) await clock.advance(1000)
    await clock.advance(16_000)
    link.published.splice(0)
    await link.say(topic('status'), status(6), true)
    await clock.advance(100)
    await answerReplays(1, 6)
    expect(shown()).toEqual([4, 5, 6])
  })

  it('names the old journal when a router begins another one', async () => {
    const { link, items, clock } = aStream({ from: 'now' })
    await settled()
    await link.say(topic('usage'), event(4))
    await link.say(topic('status'), { ...status(1), epoch: 'e2' })
    await link.say(topic('usage'), { ...agentStarted(1), epoch: 'e2' })
    await clock.advance(5000)
    expect(items.slice(1)).toMatchObject([
      { type: 'lost', epoch: 'e1', fromSeq: 5, toSeq: null, why: 'epoch' },
      { seq: 1 },
    ])
    expect(link.published).toEqual([])
  })

  it('takes its share of the routers only', async () => {
    const ids = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']
    const shares = await Promise.all(
      [0, 1].map(async (index) => {
        const { link, items } = aStream({ from: 'now', partition: { index, of: 2 } })
        await settled()
        for (const id of ids) await link.say(`router/${id}/usage`, { ...event(3), routerId: id })
        await settled()
        return items.map(({ routerId }) => routerId)
      }),
    )
    expect(shares.flat().sort()).toEqual(ids)
    expect(Math.min(...shares.map(({ length }) => length))).toBeGreaterThan(0)
  })

  it('reads on only when its consumer has taken what came', async () => {
    const link = fakeLink()
    const never = new AbortController().signal
    const parts = { openLink: async () => link, clock: aClock(), prefix: 'router', closed: never, warn: () => {} }
    const stream = eventsOf(parts, { from: 'now' })
    const first = stream.next()
    await settled()
    let said = 0
    void (async () => {
      for (; said < 1200; said++) await link.say(topic('usage'), event(said + 1))
    })()
    await first
    await settled()
    expect(said).toBeLessThan(520)
    for (let taken = 1; taken < 1200; taken++) await stream.next()
    expect(said).toBeGreaterThan(1190)
    await stream.return()
  })

  it('throws the reason of its signal', async () => {
    const control = new AbortController()
    const { reading, fault } = aStream({ from: 'now', signal: control.signal })
    await settled()
    control.abort(new Error('enough'))
    await reading
    expect(fault()).toMatchObject({ message: 'enough' })
    expect(r1).toBe('r1')
  })
})

it('passes over what a router says in the name of another one, and what is too deep to be written again', async () => {
  const { link, shown } = aStream({ from: 'now' })
  await settled()
  await link.say(topic('usage'), event(1))
  await link.say(topic('usage'), { ...event(2), routerId: 'r2' })
  await link.say(
    topic('usage'),
    `{"type":"new","routerId":"r1","epoch":"e1","seq":2,"x":${'['.repeat(9000)}${']'.repeat(9000)}}`,
  )
  await settled()
  expect(shown()).toEqual([1])
})
