// Proves that a session can be paused, resumed and moved, and that the reply says what the portal shows.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
let transactions = 0
beforeEach(async () => {
  router = aRouter()
  router.join(1)
  await router.start()
})
afterEach(() => expect(router.invalid()).toEqual([]))

const order = (command: string, fields: object = { mac: aMac() }) =>
  router.uplink.command({ transaction: `t${++transactions}`, command, ...fields })

describe('session.pause', () => {
  it('shuts the gate, keeps what is left, and charges nothing for the pause', async () => {
    await router.grant('milliseconds', 60_000)
    await router.pass(10_000)
    const reply = await order('session.pause')
    await router.pass(3_600_000)

    expect(reply).toMatchObject({ status: 'ok', data: { state: 'paused' } })
    expect(router.isOpen()).toBe(false)
    expect(await router.session()).toMatchObject({ state: 'paused', remaining: { milliseconds: 50_000 } })
    expect(router.events('session.paused')).toHaveLength(1)
    expect(router.events('session.ended')).toHaveLength(0)
  })

  it('outlives a restart of the agent', async () => {
    await router.grant('bytes', megabytes(5))
    await order('session.pause')
    await router.restart()
    await router.pass(10_000)

    expect(router.isOpen()).toBe(false)
    expect(await router.session()).toMatchObject({ state: 'paused' })
  })

  it('is answered with what it waits for when the gate does not shut', async () => {
    await router.grant('bytes', megabytes(5))
    router.portal.faults.refuse = new Set(['deauth'])
    const reply = order('session.pause')
    await router.pass(15_000)

    expect(await reply).toMatchObject({ status: 'error', error: { code: 'gate-unconfirmed' } })
  })

  it('is not confirmed by a portal that cannot be asked, while the gate is open', async () => {
    await router.grant('bytes', megabytes(5))
    router.portal.stop()
    await router.pass(15_000)
    const reply = order('session.pause')
    await router.pass(15_000)

    expect(await reply).toMatchObject({
      error: { code: 'gate-unconfirmed', message: expect.stringContaining('the portal cannot be reached') },
    })
  })

  it('is superseded by an order to resume', async () => {
    await router.grant('bytes', megabytes(5))
    router.portal.faults.refuse = new Set(['deauth'])
    const reply = order('session.pause')
    await router.pass(1000)
    const resumed = order('session.resume')
    await router.pass(15_000)

    expect(await reply).toMatchObject({ error: { code: 'superseded' } })
    expect(await resumed).toMatchObject({ status: 'ok', data: { state: 'open' } })
  })

  test.each([
    { mac: aMac(), sessionId: 'another' },
    { mac: aMac(9), sessionId: 's1' },
  ])('of a device and a session that do not belong together is not found: $mac $sessionId', async (fields) => {
    await router.grant('bytes', megabytes(5))

    expect(await order('session.end', fields)).toMatchObject({ error: { code: 'not-found' } })
    expect(router.isOpen()).toBe(true)
  })

  it('of a paused session changes nothing', async () => {
    await router.grant('bytes', megabytes(5))
    await order('session.pause')

    expect(await order('session.pause')).toMatchObject({ status: 'ok', data: { state: 'paused' } })
    expect(router.events('session.paused')).toHaveLength(1)
  })
})

describe('session.resume', () => {
  it('opens the gate again where it was', async () => {
    await router.grant('bytes', megabytes(5))
    router.use(megabytes(2))
    await order('session.pause')
    const reply = await order('session.resume')
    router.use(megabytes(1))
    await router.pass(10_000)

    expect(reply).toMatchObject({ status: 'ok', data: { state: 'open', remaining: { bytes: megabytes(3) } } })
    expect(await router.session()).toMatchObject({ remaining: { bytes: megabytes(2) } })
  })

  it('says when the device is not there', async () => {
    const other = aRouter()
    await other.start()
    await other.uplink.purchase(aGrant('bytes', 5000))
    await other.uplink.command({ transaction: 'p', command: 'session.pause', mac: aMac() })
    const reply = other.uplink.command({ transaction: 'r', command: 'session.resume', mac: aMac() })
    await other.pass(15_000)

    expect(await reply).toMatchObject({
      status: 'error',
      error: { code: 'gate-unconfirmed', message: expect.stringContaining('may not be there') },
    })
  })
})

describe('session.move', () => {
  it('goes on with the other device and shuts the first one', async () => {
    router.join(2)
    await router.grant('bytes', megabytes(5))
    router.use(megabytes(1), 1)
    const reply = await order('session.move', { from: aMac(1), to: aMac(2) })
    router.use(megabytes(1), 2)
    await router.pass(10_000)

    expect(reply).toMatchObject({ status: 'ok', data: { mac: aMac(2), state: 'open' } })
    expect([router.isOpen(1), router.isOpen(2)]).toEqual([false, true])
    expect(await router.session(aMac(2))).toMatchObject({ remaining: { bytes: megabytes(3) } })
    expect(router.events('session.moved')).toMatchObject([{ from: aMac(1), to: aMac(2), mac: aMac(2) }])
    expect(router.events('gate.drift')).toEqual([])
  })

  it('to a device that is not there and back does not say that it was done', async () => {
    await router.grant('bytes', megabytes(5))
    const there = order('session.move', { from: aMac(), to: aMac(7) })
    await router.pass(2000)
    const back = order('session.move', { from: aMac(7), to: aMac() })
    await router.pass(15_000)

    expect(await there).toMatchObject({ error: { code: 'superseded' } })
    expect(await back).toMatchObject({ status: 'ok', data: { mac: aMac() } })
  })

  it('shuts the first device also where unpaid devices are only reported', async () => {
    const lax = aRouter({ env: { AGENT_UNPAID: 'report' } })
    lax.join(1)
    lax.join(2)
    await lax.start()
    await lax.grant('bytes', megabytes(5))
    await lax.uplink.command({ transaction: 'm', command: 'session.move', from: aMac(1), to: aMac(2) })

    expect([lax.isOpen(1), lax.isOpen(2)]).toEqual([false, true])
  })

  test.each([
    { when: 'the other device has a session', to: aMac(2), code: 'conflict' },
    { when: 'it is the same device', to: aMac(1), code: 'invalid-message' },
  ])('is refused with $code when $when', async ({ to, code }) => {
    await router.grant('bytes', megabytes(5))
    await router.grant('bytes', megabytes(5), { purchaseId: 'p2', mac: aMac(2) })

    expect(await order('session.move', { from: aMac(1), to })).toMatchObject({ status: 'error', error: { code } })
    expect(router.events('session.moved')).toEqual([])
  })
})

describe('a late order', () => {
  it('is refused with expired and not carried out', async () => {
    await router.grant('bytes', megabytes(5))
    const reply = await order('session.end', { mac: aMac(), notAfter: '2020-01-01T00:00:00Z' })

    expect(reply).toMatchObject({ status: 'error', error: { code: 'expired' } })
    expect(router.isOpen()).toBe(true)
  })
})
