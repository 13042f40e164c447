// Proves the flow, agent and all in memory: what is bought is opened, used to the last byte, and shut.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac, anIp, aPurchase } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter()
  router.join(1)
  await router.start()
})
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

describe('a session', () => {
  it('is accepted, started, used up and ended', async () => {
    await router.uplink.purchase(aPurchase({ amount: 31, reference: 'invoice-7781' }))
    await settled()
    const wasOpen = router.isOpen()
    router.use(682_623_000)
    await router.pass(10_000)

    expect(wasOpen).toBe(true)
    expect(router.isOpen()).toBe(false)
    expect(router.story()).toEqual(['agent.started', 'purchase.accepted', 'session.started', 'session.ended'])
    expect(router.events('session.ended')).toMatchObject([
      {
        seq: 4,
        reason: 'allotment-used',
        purchases: [
          { purchaseId: 'p1', reference: 'invoice-7781', allotment: 682_622_976, used: 682_622_976, unused: 0 },
        ],
        downloaded: 682_623_000,
        overshootBytes: 24,
      },
    ])
  })

  it('that is topped up forgives nothing, and its gate is opened once', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(9))
    await router.pass(2000)
    await router.grant('bytes', megabytes(10), { purchaseId: 'p2' })

    expect(await router.session()).toMatchObject({ used: { bytes: megabytes(9) }, remaining: { bytes: megabytes(11) } })
    expect(router.callsOf('auth')).toHaveLength(1)
    expect(router.events('session.started')).toHaveLength(1)
  })

  test.each([{ jump: 0 }, { jump: 3_600_000 }, { jump: -3_600_000 }])(
    'of 2 s and 2 s more after 1 s is shut after 4 s, the wall clock jumping by $jump ms',
    async ({ jump }) => {
      await router.grant('milliseconds', 2000)
      await router.pass(1000)
      router.clock.jumpWall(jump)
      await router.grant('milliseconds', 2000, { purchaseId: 'p2' })
      await router.pass(2999)
      const before = router.isOpen()
      await router.pass(1)

      expect([before, router.isOpen()]).toEqual([true, false])
      expect(router.events('session.ended')).toMatchObject([{ openMilliseconds: 4000, used: { milliseconds: 4000 } }])
    },
  )

  it('waits for a device that the portal has not seen, and opens when it has', async () => {
    await router.grant('bytes', megabytes(1), { mac: aMac(2) })
    await router.pass(30_000)
    const waiting = await router.session(aMac(2))
    router.join(2)
    await router.pass(2000)

    expect(waiting).toMatchObject({ state: 'waiting', startedAt: null })
    expect(router.isOpen(2)).toBe(true)
    expect(router.events('session.started')).toMatchObject([{ mac: aMac(2), openedAfterMilliseconds: 32_000 }])
  })

  it('goes on with a new IP of the device, and both of its gates are shut in the end', async () => {
    await router.grant('bytes', megabytes(2))
    router.join(1, '192.168.66.201')
    await router.pass(2000)
    router.use(megabytes(2))
    await router.pass(4000)

    expect(router.callsOf('auth')).toHaveLength(2)
    expect(router.callsOf('deauth')).toHaveLength(2)
    expect(router.events('session.ended')).toMatchObject([{ used: { bytes: megabytes(2) } }])
  })

  it('whose gate refuses to shut is tried until it is shut', async () => {
    await router.grant('bytes', megabytes(1))
    router.portal.faults.refuse = new Set(['deauth'])
    router.use(megabytes(1))
    await router.pass(6000)
    const closing = await router.session()
    router.use(5000)
    router.portal.faults.refuse = undefined
    await router.pass(2000)

    expect(closing).toMatchObject({ state: 'closing' })
    expect(router.callsOf('deauth').length).toBeGreaterThan(2)
    expect(router.isOpen()).toBe(false)
    expect(router.events('session.ended')).toMatchObject([{ used: { bytes: megabytes(1) }, overshootBytes: 5000 }])
  })

  it('counts what passes between the last look and the shutting', async () => {
    router.join(2)
    for (const device of [1, 2])
      await router.grant('bytes', megabytes(1), { purchaseId: `p${device}`, mac: aMac(device) })
    for (const device of [1, 2]) router.use(megabytes(1), device)
    router.beforeCall(async ([command]) => {
      // The first gate takes its time to shut, and the other device goes on meanwhile.
      if (command !== 'deauth' || !router.isOpen(1)) return
      await router.clock.sleep(50)
      router.use(7000, 2)
    })
    await router.pass(4000)

    expect(router.events('session.ended')).toMatchObject([
      // 50 ms at the rate that was measured: nobody can read what passed meanwhile.
      { mac: aMac(1), downloaded: megabytes(1), overshootBytes: 0, unreadBytes: 24_542 },
      { mac: aMac(2), downloaded: megabytes(1) + 7000, overshootBytes: 7000, unreadBytes: 0 },
    ])
  })

  it('of a device at two addresses is counted once when both gates are shut', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(3))
    await router.pass(2000)
    router.join(1, '192.168.66.201')
    await router.pass(2000)
    router.join(1)
    let passed = megabytes(3) + router.use(megabytes(4))
    router.beforeCall(async ([command, name]) => {
      // Each gate is read once more just before it is shut, and something has passed by then.
      await router.clock.sleep(30)
      if (command === 'json' && name !== undefined) passed += router.use(5000)
    })
    // A portal that is back is asked for its version before anything is done: the look is old by then.
    router.portal.faults.garbage = '{'
    await router.pass(2100)
    const paused = router.uplink.command({ transaction: 't1', command: 'session.pause', mac: aMac() })
    router.portal.faults.garbage = undefined
    await router.pass(4000)

    expect(await paused).toMatchObject({ status: 'ok', data: { used: { bytes: passed } } })
    expect(passed).toBeGreaterThan(megabytes(7))
  })

  it('whose gate the portal shuts by itself is opened again, and only what passed is charged', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(3))
    await router.pass(2000)
    router.portal.kick(aMac())
    await router.pass(10_000)
    router.use(megabytes(4))
    await router.pass(2000)

    expect(await router.session()).toMatchObject({ state: 'open', used: { bytes: megabytes(7) } })
    expect(router.events('gate.drift')).toMatchObject([{ kind: 'paid-but-blocked', mac: aMac() }])
  })

  it('that was spent before the gate could be shut may be bought again', async () => {
    await router.grant('bytes', megabytes(1))
    router.use(megabytes(1))
    await router.pass(2000)
    await router.grant('bytes', megabytes(1), { purchaseId: 'p2' })

    expect(router.isOpen()).toBe(true)
    expect(await router.session()).toMatchObject({ used: { bytes: 0 }, downloaded: 0, state: 'open' })
  })
})

describe('a purchase', () => {
  it('that comes three times is granted once and answered alike', async () => {
    for (let time = 0; time < 3; time++) await router.grant('bytes', megabytes(1))
    const [first, ...again] = router.events('purchase.accepted')

    expect(await router.session()).toMatchObject({ allotment: { bytes: megabytes(1) } })
    expect(first).toMatchObject({ seq: 2 })
    const { seq: ofSeq, ...answer } = first ?? {}
    expect(again).toEqual(Array(2).fill({ ...answer, duplicate: true, ofSeq }))
  })

  it('that was refused is refused alike, with the first answer', async () => {
    for (let time = 0; time < 2; time++) {
      await router.uplink.purchase(aPurchase({ unit: 'eur' }))
      await settled()
    }

    expect(router.events('purchase.rejected')).toMatchObject([
      { seq: 2, code: 'unknown-price', final: true },
      { ofSeq: 2, code: 'unknown-price', final: true, duplicate: true },
    ])
  })

  test.each([
    { when: 'is no JSON', message: new TextEncoder().encode('{') },
    { when: 'is too large', message: aPurchase({ reference: 'x'.repeat(17_000) }) },
    { when: 'has no id', message: aGrant('bytes', 1, { purchaseId: undefined }) },
  ])('that $when is answered, acknowledged and not journalled', async ({ message }) => {
    await router.uplink.purchase(message)
    await settled()

    expect(router.events('purchase.rejected')).toMatchObject([{ code: 'invalid-message', final: false, retry: false }])
    expect(router.events('purchase.rejected')[0]).not.toHaveProperty('seq')
    expect(router.uplink.liveStatus().journal.lastSeq).toBeLessThanOrEqual(1)
  })

  it('of many levels is acknowledged as well', async () => {
    const deep = `{"purchaseId":"p1","mac":"x","deep":${'['.repeat(8000)}${']'.repeat(8000)}}`

    await expect(router.uplink.purchase(new TextEncoder().encode(deep))).resolves.toBeUndefined()
  })

  test.each([{ at: 'json' }, { at: 'deauth' }])('that arrives at the $at of its gate ends open', async ({ at }) => {
    await router.grant('bytes', megabytes(1))
    router.use(megabytes(1))
    let bought = false
    router.beforeCall(async ([command]) => {
      if (bought || command !== at) return
      bought = true
      await router.uplink.purchase(aGrant('bytes', megabytes(1), { purchaseId: 'p2' }))
    })
    await router.pass(2000)

    expect(bought).toBe(true)
    expect(router.isOpen()).toBe(true)
    expect(await router.session()).toMatchObject({ state: 'open', remaining: { bytes: megabytes(1) } })
    expect(router.events('session.ended')).toEqual([])
    expect(router.events('gate.drift')).toEqual([])
  })
})

describe('a device that nobody paid for', () => {
  it('is shut, and told of once', async () => {
    router.portal.splashLogin(aMac())
    await router.pass(20_000)

    expect(router.isOpen()).toBe(false)
    expect(router.events('gate.drift')).toMatchObject([{ kind: 'open-but-unpaid', mac: aMac() }])
  })

  it('stays out while one beside it pays', async () => {
    router.join(2)
    await router.grant('bytes', megabytes(1))

    expect([router.isOpen(1), router.isOpen(2)]).toEqual([true, false])
    expect(router.portal.request(`json ${anIp(2)}`)).toContain('Preauthenticated')
  })
})
