// Proves that what customers do to the portal by themselves changes nothing: log out, write into it, walk in, wait, stay away.
import { afterEach, describe, expect, it, test } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'

let router: RouterUnderTest
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

const megabytes = (count: number) => count * 1_000_000
const portals = ['nodogsplash', 'opennds', 'opennds-10'] as const

/** The customer is on line for so long, logs out at the portal's own page, and meets the portal's page again. */
async function logOut(times: number, milliseconds: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    // On line again, whenever that is.
    for (let waited = 0; !router.isOpen() && waited < 90_000; waited += 250) await router.pass(250)
    await router.pass(milliseconds)
    router.streams.flow()
    router.portal.deny(aMac())
    router.portal.browse(aMac())
  }
}

async function end() {
  const ended = router.uplink.command({ transaction: 'end', command: 'session.end', mac: aMac() })
  await router.pass(20_000)
  await ended
  return router.events('session.ended')[0]
}

describe.each(portals)('a customer who logs out at the page of %s again and again', (flavour) => {
  it('pays for what passed, or it is stated', async () => {
    router = aRouter({ flavour, takes: 'measured' })
    router.join(1)
    await router.start()
    await router.grant('bytes', 2e9)
    await router.pass(3000)
    router.streams.set(1, 50)
    await logOut(14, 2000)
    const session = await end()
    const told = (session?.downloaded ?? 0) + (session?.unreadBytes ?? 0)
    const part = told / router.streams.passed(1)

    expect(part).toBeGreaterThan(0.9)
    expect(part).toBeLessThan(1.15)
    // Most of it is charged, not only stated.
    expect(session?.downloaded ?? 0).toBeGreaterThan(0.5 * router.streams.passed(1))
  })

  it('is let in again later and later, and told of in few words', async () => {
    router = aRouter({ flavour, takes: 'measured' })
    router.join(1)
    await router.start()
    await router.grant('bytes', 2e9)
    await router.pass(3000)
    router.streams.set(1, 50)
    const began = router.clock.monotonic()
    await logOut(14, 2000)

    expect(router.clock.monotonic() - began).toBeGreaterThan(45_000)
    expect(router.events('gate.drift').length).toBeLessThanOrEqual(4)
  })

  it('uses up the time for which it was on line', async () => {
    router = aRouter({ flavour, takes: 'measured' })
    router.join(1)
    await router.start()
    await router.grant('milliseconds', 600_000)
    await router.pass(3000)
    router.streams.set(1, 1)
    await logOut(12, 8000)
    const session = await end()

    expect(session?.openMilliseconds ?? 0).toBeGreaterThan(0.75 * router.streams.openFor(1))
  })
})

describe('what a customer writes into the portal', () => {
  const texts = [
    { that: 'another state', custom: 'x",\n"state":"Preauthenticated",\n"y":"z' },
    { that: 'another MAC', custom: `x",\n"mac":"${aMac(3)}",\n"y":"z` },
    { that: 'a line feed', custom: ' preemptivemac-02:aa:bb:cc:00:03\n' },
  ]
  describe.each(['opennds', 'opennds-10'] as const)('at %s', (flavour) => {
    test.each(texts)('with $that is shut as unpaid, and nobody else is charged or kept out', async ({ custom }) => {
      router = aRouter({ flavour })
      for (const device of [1, 2, 3]) router.join(device)
      await router.start()
      await router.grant('bytes', megabytes(5), { purchaseId: 'p3', mac: aMac(3) })
      await router.pass(2000)
      router.portal.splashLogin(aMac(2), custom)
      router.streams.set(2, 50)
      await router.pass(90_000)
      await router.grant('bytes', megabytes(5), { purchaseId: 'p1', mac: aMac(1) })
      await router.pass(2000)

      expect([1, 2, 3].map((device) => router.isOpen(device))).toEqual([true, false, true])
      expect(await router.session(aMac(3))).toMatchObject({ state: 'open', used: { bytes: 0 } })
      expect(router.events('gate.drift')).toMatchObject([{ kind: 'open-but-unpaid', mac: aMac(2) }])
    })

    test.each(texts)('and pays, with $that, is metered and shut', async ({ custom }) => {
      router = aRouter({ flavour, env: { AGENT_UNPAID: 'report' } })
      for (const device of [2, 3]) router.join(device)
      await router.start()
      router.portal.splashLogin(aMac(2), custom)
      await router.grant('bytes', megabytes(5), { mac: aMac(2) })
      await router.pass(3000)
      router.streams.set(2, 8)
      await router.pass(15_000)

      expect(router.isOpen(2)).toBe(false)
      expect(router.events('session.ended')).toMatchObject([{ mac: aMac(2), used: { bytes: megabytes(5) } }])
    })
  })
})

describe.each(portals)('a device that its user lets in by the page of %s', (flavour) => {
  it('while nobody can be asked, and that pays then, is charged from the first answer on', async () => {
    router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.pass(2000)
    router.failWith(2)
    await router.pass(30_000)
    router.portal.splashLogin(aMac())
    router.use(megabytes(50))
    await router.grant('bytes', megabytes(60))
    await router.pass(5000)
    router.failWith(undefined)
    await router.pass(10_000)
    const before = (await router.session()) as { used: { bytes: number } }
    router.use(1_024_000)
    await router.pass(10_000)

    expect(before.used.bytes).toBe(0)
    expect(await router.session()).toMatchObject({ used: { bytes: 1_024_000 } })
  })

  it('and that pays while a look is under way is charged from then on', async () => {
    router = aRouter({ flavour, env: { AGENT_UNPAID: 'report' } })
    router.join(1)
    await router.start()
    await router.pass(2000)
    router.portal.splashLogin(aMac())
    router.use(megabytes(50))
    let bought = false
    router.beforeCall(async ([command]) => {
      if (bought || (command !== 'json' && command !== 'status')) return
      bought = true
      await router.uplink.purchase(aGrant('bytes', megabytes(60)))
    })
    await router.pass(700_000)

    expect(bought).toBe(true)
    expect(await router.session()).toMatchObject({ used: { bytes: 0 } })
  })
})

it('a device that opens its gate again whenever it is shut is told of once in five minutes', async () => {
  router = aRouter({ env: { AGENT_CHECKPOINT_INTERVAL_MS: '3600000' } })
  router.join(1)
  await router.start()
  await router.pass(10_000)
  const written = () => {
    router.uplink.connect()
    return router.uplink.liveStatus().flash.writtenBytes
  }
  const before = written()
  for (let time = 0; time < 360; time++) {
    router.portal.splashLogin(aMac())
    await router.pass(10_000)
  }
  const drifts = router.events('gate.drift')

  expect(drifts.length).toBeLessThanOrEqual(13)
  expect(drifts.reduce((sum, { count = 1 }) => sum + count, 0)).toBeGreaterThan(300)
  expect(written() - before).toBeLessThan(40_000)
})

it('a customer who tops up by small steps is never turned away, and every step is settled once', async () => {
  router = aRouter()
  router.join(1)
  await router.start()
  for (let step = 0; step < 300; step++) {
    await router.grant('bytes', 10_000, { purchaseId: `step-${step}` })
    await router.grant('bytes', 10_000, { purchaseId: `spare-${step}` })
    router.use(15_000)
    await router.pass(500)
  }
  await end()
  const told = [...router.events('session.settled'), ...router.events('session.ended')]
  const ids = told.flatMap(({ purchases }) => purchases.map(({ purchaseId }) => purchaseId))

  expect(router.events('purchase.rejected')).toEqual([])
  expect(router.events('session.settled').length).toBeGreaterThan(0)
  expect([ids.length, new Set(ids).size]).toEqual([600, 600])
  expect(router.uplink.liveStatus().conservation.bytes).toMatchObject({
    sold: 6_000_000,
    used: 4_500_000,
    unused: 1_500_000,
    difference: 0,
  })
})

describe.each(portals)('a purchase that comes while %s is read for the last time', (flavour) => {
  it('keeps the gate as it is', async () => {
    router = aRouter({ flavour, takes: 100 })
    router.join(1)
    await router.start()
    await router.pass(3000)
    await router.grant('bytes', megabytes(10))
    await router.pass(5000)
    const ended = router.uplink.command({ transaction: 'end', command: 'session.end', mac: aMac() })
    let readings = 0
    router.beforeCall(async ([command]) => {
      // The look that sees what is ordered, and then the last reading.
      if (command !== 'json' || ++readings !== 2) return
      await router.uplink.purchase(aGrant('bytes', megabytes(100), { purchaseId: 'p2' }))
    })
    await router.pass(5000)

    expect(await ended).toMatchObject({ status: 'error', error: { code: 'superseded' } })
    expect(router.callsOf('deauth')).toEqual([])
    expect(await router.session()).toMatchObject({ state: 'open', remaining: { bytes: megabytes(110) } })
  })
})
