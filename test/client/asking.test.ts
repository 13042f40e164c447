// Proves that a command is asked until it is answered, and that what comes in parts is one answer.
import { describe, expect, it } from 'vitest'
import { createAsking } from '../../client/asking.ts'
import { aMac, aSession, r1 } from '../support/messages.ts'
import { aClock, fakeLink, settled } from './fakes.ts'

function anAsker() {
  const [link, clock] = [fakeLink(), aClock()]
  return { link, clock, ...createAsking({ link, clock, prefix: 'router', replyTo: 'me' }) }
}
const reply = (transaction: unknown, rest: object) => ({ transaction, command: 'sessions', status: 'ok', ...rest })

describe('a command', () => {
  it('is answered with a value', async () => {
    const { ask, link } = anAsker()
    const result = ask(r1, 'command', { command: 'session.end', mac: aMac })
    await settled()
    const { topic, message } = link.published[0] ?? { topic: '', message: {} as Record<string, unknown> }
    expect([topic, message]).toEqual(['router/r1/command', expect.objectContaining({ mac: aMac, replyTo: 'me' })])
    await link.say('router/r1/reply/me', {
      ...{ transaction: message.transaction, command: 'session.end', status: 'error' },
      error: { code: 'not-found', message: 'no session' },
    })
    expect(await result).toMatchObject({ status: 'error', code: 'not-found' })
  })

  it('is sent again with its transaction, and unknown in the end', async () => {
    const { ask, link, clock } = anAsker()
    const result = ask(r1, 'command', { command: 'session.end', mac: aMac }, { within: 10_000 })
    await settled()
    await clock.advance(10_000)
    expect(await result).toEqual({ status: 'unknown', transaction: link.published[0]?.message.transaction })
    expect(link.published.length).toBeGreaterThan(1)
    expect(new Set(link.published.map(({ message }) => message.transaction)).size).toBe(1)
  })

  it('puts the parts of a reply together, in whatever order they come', async () => {
    const { ask, link } = anAsker()
    const result = ask(r1, 'query', { command: 'sessions', transaction: 't1' })
    await settled()
    expect(link.published[0]?.topic).toBe('router/r1/query')
    const part = (number: number, id: string) =>
      reply('t1', { part: number, parts: 2, data: { afterSeq: 5, sessions: [aSession({ sessionId: id })] } })
    await link.say('router/r1/reply/me', part(2, 's2'))
    await link.say('router/r1/reply/me', part(1, 's1'))
    expect(await result).toMatchObject({
      status: 'ok',
      data: { afterSeq: 5, sessions: [{ sessionId: 's1' }, { sessionId: 's2' }] },
    })
  })

  it('is answered by the router that was asked, whatever another one says', async () => {
    const { ask, link, clock } = anAsker()
    const result = ask(r1, 'query', { command: 'sessions', transaction: 't1' }, { within: 10_000 })
    await settled()
    await link.say('router/r2/reply/me', reply('t1', { data: { afterSeq: 5, sessions: [] } }))
    await clock.advance(10_000)
    expect(await result).toEqual({ status: 'unknown', transaction: 't1' })
  })

  it('ends with its signal', async () => {
    const { ask, clock, link } = anAsker()
    const control = new AbortController()
    const result = ask(r1, 'query', { command: 'usage' }, { signal: control.signal })
    await settled()
    control.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    await clock.advance(60_000)
    expect(link.published).toHaveLength(1)
  })
})
