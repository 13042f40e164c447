// Proves that what is read is as old as its question, that what nobody could read is stated, and that a portal which answers
// in part or not at all costs nobody anything.
import { afterEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'

let router: RouterUnderTest
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

const megabytes = (count: number) => count * 1_000_000
const seldom = { AGENT_CHECKPOINT_INTERVAL_MS: '3600000' }
/** Bytes written so far: a status that says it now. */
function written(): number {
  router.uplink.connect()
  return router.uplink.liveStatus().flash.writtenBytes
}

async function sell(device: number, bytes: number): Promise<void> {
  await router.grant('bytes', bytes, { purchaseId: `p${device}`, mac: aMac(device) })
}

describe.each([
  { flavour: 'nodogsplash' as const, takes: 1500 },
  { flavour: 'opennds' as const, takes: 1500 },
  { flavour: 'opennds-10' as const, takes: 400 },
])('at $flavour, which takes $takes ms for each answer,', ({ flavour, takes }) => {
  it('what passes between the counters and the shutting is stated', async () => {
    router = aRouter({ flavour, takes })
    router.join(1)
    await router.start()
    await router.pass(10_000)
    await sell(1, megabytes(60))
    await router.pass(15_000)
    router.streams.set(1, 50)
    await router.pass(40_000)
    const [ended] = router.events('session.ended')
    const told = (ended?.used?.bytes ?? 0) + (ended?.overshootBytes ?? 0) + (ended?.unreadBytes ?? 0)

    expect(router.isOpen(1)).toBe(false)
    expect(told / router.streams.passed(1)).toBeGreaterThan(0.95)
    expect(told / router.streams.passed(1)).toBeLessThan(1.05)
  })
})

it('the last reading is charged also where no answer comes to the shutting that follows it', async () => {
  router = aRouter({ flavour: 'opennds', takes: 100 })
  router.join(1)
  await router.start()
  await router.pass(2000)
  await sell(1, megabytes(100))
  await router.pass(5000)
  const paused = router.uplink.command({ transaction: 't1', command: 'session.pause', mac: aMac() })
  let readings = 0
  router.beforeCall(async (args) => {
    // The look that sees what is ordered, and then the last reading.
    if (args[0] === 'json' && ++readings === 2) router.use(2_048_000)
    if (args[0] !== 'deauth') return
    // It is done, and nobody hears of it.
    router.portal.request(args.join(' '))
    await router.clock.sleep(60_000)
  })
  await router.pass(30_000)
  await paused

  expect(router.isOpen()).toBe(false)
  expect(await router.session()).toMatchObject({ state: 'paused', used: { bytes: 2_048_000 } })
})

it('flows are ended also where no answer came to the shutting', async () => {
  router = aRouter({ flavour: 'opennds' })
  router.join(1)
  await router.start()
  await sell(1, megabytes(1))
  await router.pass(2000)
  router.use(megabytes(2))
  router.beforeCall(([command]) => (command === 'deauth' ? router.clock.sleep(60_000) : undefined))
  await router.pass(12_000)

  expect(router.endedFlows).toContain('192.168.66.101')
})

describe('a status that fails', () => {
  it('does not have a trusted device shut, and everybody else is metered and shut', async () => {
    router = aRouter()
    for (const device of [1, 2]) router.join(device)
    router.portal.splashLogin(aMac(2))
    router.portal.request(`trust ${aMac(2)}`)
    router.portal.faults.statusFails = true
    await router.start()
    await sell(1, megabytes(3))
    await router.pass(2000)
    router.use(megabytes(1))
    await router.pass(12_000)
    const metered = await router.session()
    router.use(megabytes(2))
    await router.pass(12_000)

    expect(metered).toMatchObject({ used: { bytes: megabytes(1) }, quality: 'measured' })
    expect([router.isOpen(1), router.callsOf('deauth').length]).toEqual([false, 1])
    expect(router.events('gate.drift')).toEqual([])
  })

  it('has nobody shut as unpaid until it is answered', async () => {
    router = aRouter()
    router.join(2)
    await router.start()
    router.portal.faults.statusFails = true
    router.portal.splashLogin(aMac(2))
    await router.pass(30_000)
    const before = router.isOpen(2)
    router.portal.faults.statusFails = false
    await router.pass(12_000)

    expect([before, router.isOpen(2)]).toEqual([true, false])
  })
})

it('a portal that is silent costs nobody bytes or time, from its last answer to its next', async () => {
  router = aRouter({ flavour: 'nodogsplash' })
  for (const device of [1, 2]) router.join(device)
  await router.start()
  await sell(1, 5e9)
  await router.grant('milliseconds', 3_600_000, { purchaseId: 'p2', mac: aMac(2) })
  await router.pass(12_000)
  router.portal.faults.hang = true
  router.use(megabytes(50))
  await router.pass(120_000)
  router.portal.faults.hang = false
  await router.pass(12_000)
  const sessions = [await router.session(aMac(1)), await router.session(aMac(2))] as unknown as {
    used: { bytes?: number; milliseconds?: number }
  }[]

  expect(sessions[0]?.used.bytes).toBe(0)
  expect(sessions[1]?.used.milliseconds).toBeLessThan(30_000)
  expect(router.events('gate.drift').map(({ kind }) => kind)).toEqual(['portal-unreachable', 'portal-back'])
})

it('a pause that is ordered while the portal is down is not called done', async () => {
  router = aRouter()
  router.join(1)
  await router.start()
  await sell(1, 5e9)
  await router.pass(2000)
  router.portal.stop()
  const paused = router.uplink.command({ transaction: 't1', command: 'session.pause', mac: aMac() })
  await router.pass(20_000)

  expect(router.isOpen(1)).toBe(true)
  expect(await paused).toMatchObject({
    status: 'error',
    error: { code: 'gate-unconfirmed', message: expect.stringContaining('the portal cannot be reached') },
  })
})

describe('the flash', () => {
  it('takes nothing for an opening that the portal refuses again and again', async () => {
    router = aRouter({ env: seldom })
    router.join(1)
    await router.start()
    router.portal.faults.refuse = new Set(['auth'])
    await sell(1, 5e9)
    await router.pass(10_000)
    const before = written()
    await router.pass(500_000)

    expect(router.callsOf('auth').length).toBeGreaterThan(20)
    expect(written() - before).toBeLessThan(2000)
    expect(await router.session()).toMatchObject({ state: 'waiting', waitingFor: 'gate' })
  })

  it('takes as much for a sale among 300 who wait as among 10', async () => {
    const sizes: number[] = []
    for (const waiting of [10, 300]) {
      router = aRouter({ env: seldom })
      router.join(1)
      await router.start()
      for (let device = 2; device < waiting + 2; device++) await sell(device, megabytes(1))
      await router.pass(60_000)
      const before = written()
      await sell(1, megabytes(1))
      await router.pass(10_000)
      router.use(megabytes(1))
      await router.pass(20_000)
      sizes.push(written() - before)
    }

    expect(router.events('session.ended')).toHaveLength(1)
    expect(sizes[1]).toBeLessThan(1.5 * (sizes[0] ?? 0))
  })
})

it('a grant as large as a number gets does not end the sale of bytes', async () => {
  router = aRouter()
  router.join(1)
  await router.start()
  for (const device of [1, 2, 3]) await sell(device, Number.MAX_SAFE_INTEGER)
  await router.pass(10_000)
  const ended = router.uplink.command({ transaction: 't1', command: 'session.end', mac: aMac(1) })
  await router.pass(10_000)
  await ended
  await router.restart()
  await sell(4, megabytes(1))
  await router.pass(10_000)
  const { conservation, warnings } = router.uplink.liveStatus()

  expect(router.events('purchase.rejected')).toEqual([])
  expect(router.events('purchase.accepted')).toHaveLength(4)
  expect([conservation.bytes.difference, warnings]).toEqual([0, []])
})
