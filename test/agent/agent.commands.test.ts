// Proves that an operator gets one reply to one command, the same for the same transaction, and that orders are obeyed.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac, aWall } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter({ env: { AGENT_MQTT_URL: 'ws://agent:secret@broker:1883/mqtt?token=secret' } })
  router.join(1)
  await router.start()
  await router.grant('bytes', megabytes(5))
})
afterEach(() => expect(router.invalid()).toEqual([]))

const ask = (command: Record<string, unknown>) => router.uplink.command({ transaction: 't1', ...command })

describe('a question', () => {
  it('for all sessions is answered with where each stands', async () => {
    expect(await ask({ command: 'sessions' })).toMatchObject({
      transaction: 't1',
      command: 'sessions',
      status: 'ok',
      data: { afterSeq: 3, sessions: [{ mac: aMac(), state: 'open', remaining: { bytes: megabytes(5) } }] },
    })
  })

  test.each([{ by: { mac: '02-66-CA-FE-00-01' } }, { by: { sessionId: 's1' } }])(
    'for one session is answered: $by',
    async ({ by }) => {
      expect(await ask({ command: 'session', ...by })).toMatchObject({
        status: 'ok',
        data: { sessionId: 's1', mac: aMac() },
      })
    },
  )

  it('for usage brings a report at once', async () => {
    const before = router.usage().length

    expect(await ask({ command: 'usage' })).toMatchObject({ status: 'ok', data: { afterSeq: 3, parts: 1 } })
    expect(router.usage().slice(before)).toMatchObject([{ type: 'usage', sessions: [{ sessionId: 's1' }] }])
  })

  it('for the configuration is answered without secrets', async () => {
    const reply = await ask({ command: 'config' })

    expect(reply).toMatchObject({ status: 'ok', data: { routerId: 'r1', tariff: { stepSize: 22_020_096 } } })
    expect(JSON.stringify(reply)).not.toContain('secret')
  })
})

describe('session.end', () => {
  it('is answered when the portal shows the gate shut', async () => {
    router.use(megabytes(2))
    const reply = await ask({ command: 'session.end', mac: aMac() })

    expect(reply).toMatchObject({ status: 'ok', data: { type: 'session.ended', reason: 'ended-by-command' } })
    expect(router.isOpen()).toBe(false)
    expect(router.events('session.ended')).toMatchObject([
      { terminateCause: { name: 'Admin-Reset', number: 6 }, purchases: [{ used: megabytes(2), unused: megabytes(3) }] },
    ])
  })

  it('is answered within 15 s when the gate does not shut, and done later', async () => {
    router.portal.faults.refuse = new Set(['deauth'])
    const reply = ask({ command: 'session.end', mac: aMac() })
    await router.pass(15_000)
    router.portal.faults.refuse = undefined
    await router.pass(2000)

    expect(await reply).toMatchObject({ status: 'error', error: { code: 'gate-unconfirmed' } })
    expect(router.events('session.ended')).toHaveLength(1)
  })

  it('gives way to a customer who buys again before the gate is shut', async () => {
    router.portal.faults.refuse = new Set(['deauth'])
    const reply = ask({ command: 'session.end', mac: aMac() })
    await router.pass(100)
    await router.grant('bytes', megabytes(1), { purchaseId: 'p2' })

    expect(await reply).toMatchObject({ status: 'error', error: { code: 'superseded' } })
    expect(await router.session()).toMatchObject({ state: 'open', remaining: { bytes: megabytes(6) } })
  })

  it('survives a crash of the agent', async () => {
    router.beforeCall(([command]) => (command === 'deauth' ? new Promise(() => {}) : undefined))
    ask({ command: 'session.end', mac: aMac() })
    await settled()
    router.beforeCall(() => {})
    await router.restart()

    expect(router.isOpen()).toBe(false)
    expect(router.events('session.ended')).toMatchObject([{ reason: 'ended-by-command' }])
  })

  it('does not say that a session goes on which it ends', async () => {
    const purchase = router.uplink.purchase(aGrant('bytes', megabytes(1), { purchaseId: 'p2' }))
    const reply = ask({ command: 'session.end', mac: aMac() })
    await purchase
    await router.pass(20_000)
    const said = await reply
    const goesOn = (await router.session()) !== undefined

    expect(goesOn).toBe(said.status === 'error')
  })
})

describe('a command that is not done', () => {
  test.each([
    { when: 'there is no such session', command: { command: 'session', mac: aMac(9) }, code: 'not-found' },
    { when: 'no session is named', command: { command: 'session.end' }, code: 'invalid-message' },
    { when: 'a MAC is none', command: { command: 'session', mac: '02:66' }, code: 'invalid-message' },
    { when: 'there is no such command', command: { command: 'reboot' }, code: 'unknown-command' },
    { when: 'it has no name', command: {}, code: 'invalid-message' },
    {
      when: 'it comes too late',
      command: { command: 'sessions', notAfter: new Date(aWall - 1).toISOString() },
      code: 'expired',
    },
  ])('is answered with $code when $when', async ({ command, code }) => {
    expect(await ask(command)).toMatchObject({ transaction: 't1', status: 'error', error: { code } })
  })

  test.each([
    { when: 'it is no JSON', message: new TextEncoder().encode('{') },
    { when: 'it is no UTF-8', message: new Uint8Array([0xff]) },
    { when: 'it is too large', message: { transaction: 't1', command: 'sessions', x: 'x'.repeat(17_000) } },
  ])('is answered without its transaction when $when', async ({ message }) => {
    expect(await router.uplink.command(message)).toMatchObject({
      transaction: null,
      command: null,
      error: { code: 'invalid-message' },
    })
  })

  it('is done late when the clock cannot be believed, unless a clock that could was later before', async () => {
    router.clock.setSynced(false)
    const unjudged = new Date(router.clock.wall() + 1000)
    await router.pass(2000)

    expect(await ask({ command: 'sessions', notAfter: unjudged.toISOString() })).toMatchObject({ status: 'ok' })
    expect(await ask({ transaction: 't2', command: 'sessions', notAfter: new Date(0).toISOString() })).toMatchObject({
      error: { code: 'expired' },
    })
  })
})

describe('the same transaction', () => {
  it('of a question is answered anew', async () => {
    await ask({ command: 'sessions' })
    router.use(megabytes(3))
    await router.pass(2000)

    expect(await ask({ command: 'sessions' })).toMatchObject({
      data: { sessions: [{ used: { bytes: megabytes(3) } }] },
    })
  })

  it('does not end the session that was bought after it, also in another life of the agent', async () => {
    const first = await ask({ command: 'session.end', mac: aMac() })
    await router.stop()
    await router.start()
    await router.grant('bytes', megabytes(7), { purchaseId: 'p2' })
    const again = await ask({ command: 'session.end', mac: aMac() })

    expect(again).toEqual(first)
    expect(router.isOpen()).toBe(true)
    expect(await router.session()).toMatchObject({ remaining: { bytes: megabytes(7) } })
  })

  it('does not act either when it was refused before', async () => {
    const first = await ask({ command: 'session.end', mac: aMac(9) })
    await router.restart()
    router.join(9)
    await router.grant('bytes', megabytes(7), { purchaseId: 'p2', mac: aMac(9) })
    const again = await ask({ command: 'session.end', mac: aMac(9) })

    expect([first, again]).toMatchObject([{ error: { code: 'not-found' } }, { error: { code: 'not-found' } }])
    expect(router.isOpen(9)).toBe(true)
  })

  it('acts once among hundreds of others', async () => {
    await ask({ command: 'session.end', mac: aMac() })
    for (let n = 0; n < 300; n++) await ask({ transaction: `other-${n}`, command: 'sessions' })
    await router.grant('bytes', megabytes(7), { purchaseId: 'p2' })

    expect(await ask({ command: 'session.end', mac: aMac() })).toMatchObject({ status: 'ok' })
    expect(router.isOpen()).toBe(true)
  })

  test.each([
    { when: 'the command', command: { command: 'session.pause', mac: aMac() } },
    { when: 'the device', command: { command: 'session.end', mac: aMac(2) } },
  ])('with another content in $when is a conflict and does nothing', async ({ command }) => {
    await ask({ command: 'session.resume', mac: aMac() })

    expect(await ask(command)).toMatchObject({ status: 'error', error: { code: 'conflict' } })
    expect(router.isOpen()).toBe(true)
  })

  it('of an act that was not confirmed is answered with what is true now', async () => {
    router.portal.faults.refuse = new Set(['deauth'])
    const first = ask({ command: 'session.pause', mac: aMac() })
    await router.pass(15_000)
    const unconfirmed = ask({ command: 'session.pause', mac: aMac() })
    router.portal.faults.refuse = undefined
    await router.pass(20_000)
    const now = await ask({ command: 'session.pause', mac: aMac() })

    expect(await first).toMatchObject({ error: { code: 'gate-unconfirmed' } })
    expect(await unconfirmed).toMatchObject({ error: { code: 'gate-unconfirmed' } })
    expect(now).toMatchObject({ status: 'ok', data: { state: 'paused' } })
  })

  it('acts once', async () => {
    const replies = await Promise.all([1, 2, 3].map(() => ask({ command: 'session.end', mac: aMac() })))

    expect(new Set(replies.map((reply) => JSON.stringify(reply))).size).toBe(1)
    expect(router.events('session.ended')).toHaveLength(1)
  })
})
