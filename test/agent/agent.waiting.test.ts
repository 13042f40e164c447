// Proves that who pays and does not come is waited for as long as was agreed, at little cost, and that it is said for what.
import { afterEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'

let router: RouterUnderTest
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

const megabytes = (count: number) => count * 1_000_000
const portals = ['nodogsplash', 'opennds', 'opennds-10'] as const

describe('who does not come', () => {
  const hours = (count: number) => count * 3_600_000
  const seldom = {
    AGENT_LOOK_INTERVAL_MS: '60000',
    AGENT_NEAR_INTERVAL_MS: '60000',
    AGENT_USAGE_INTERVAL_MS: '600000',
  }

  it('within the time that the purchase allows is given up, at that moment, and owes nothing', async () => {
    router = aRouter()
    await router.start()
    await router.grant('bytes', megabytes(5), { startWithin: 90_000 })
    await router.pass(89_999)
    const before = router.events('session.ended').length
    await router.pass(10)

    expect(before).toBe(0)
    expect(router.events('session.ended')).toMatchObject([
      {
        reason: 'abandoned',
        terminateCause: { name: 'Idle-Timeout', number: 4 },
        startedAt: null,
        purchases: [{ purchaseId: 'p1', used: 0, unused: megabytes(5) }],
      },
    ])
  })

  it('is not given up before that, however long ago the last look was', async () => {
    router = aRouter({ env: seldom })
    await router.start()
    await router.pass(50_000)
    await router.grant('bytes', megabytes(5), { startWithin: 20_000 })
    const before = router.events('session.ended').length
    await router.pass(20_010)

    expect([before, router.events('session.ended').length]).toEqual([0, 1])
  })

  it('is not let in any more', async () => {
    router = aRouter()
    await router.start()
    await router.grant('bytes', megabytes(5), { startWithin: 30_000 })
    await router.pass(30_010)
    router.join(1)
    await router.pass(20_000)

    expect(router.isOpen()).toBe(false)
  })

  it('in time is served as anybody else', async () => {
    router = aRouter()
    await router.start()
    await router.grant('bytes', megabytes(5), { startWithin: 90_000 })
    router.join(1)
    await router.pass(120_000)

    expect(await router.session()).toMatchObject({ state: 'open' })
  })

  it('for as many days as the owner waits is given up', async () => {
    router = aRouter({ env: { ...seldom, AGENT_ABANDONED_DAYS: '1' } })
    router.join(2)
    await router.start()
    await router.grant('bytes', megabytes(5))
    await router.pass(hours(23))
    const before = router.events('session.ended').length
    await router.pass(hours(1) + 60_000)

    expect(before).toBe(0)
    expect(router.events('session.ended')).toMatchObject([
      { reason: 'abandoned', purchases: [{ unused: megabytes(5) }] },
    ])
  })

  it('is waited for for ever where the owner says so, and time in which the agent does not run does not count', async () => {
    router = aRouter({ env: { ...seldom, AGENT_ABANDONED_DAYS: '0' } })
    await router.start()
    await router.grant('bytes', megabytes(5), { startWithin: hours(2) })
    await router.grant('bytes', megabytes(5), { purchaseId: 'p2', mac: aMac(2) })
    await router.pass(hours(1))
    await router.reboot(hours(48))
    const afterReboot = router.events('session.ended').length
    await router.pass(hours(30))

    expect(afterReboot).toBe(0)
    expect(router.events('session.ended')).toMatchObject([{ mac: aMac(1), reason: 'abandoned' }])
  })
})

describe.each(portals)('a payer whom the owner of %s lets through anyway', (flavour) => {
  it('waits, and the session and the status say for what', async () => {
    router = aRouter({ flavour })
    router.join(2)
    router.portal.request(`trust ${aMac(1)}`)
    router.portal.arrive(aMac(1), '192.168.66.101')
    await router.start()
    await router.grant('bytes', megabytes(5))
    await router.pass(180_000)

    expect(await router.session()).toMatchObject({ state: 'waiting', waitingFor: 'trusted', used: { bytes: 0 } })
    expect(router.uplink.liveStatus().warnings).toEqual([expect.stringMatching(/trust/)])
  })
})

describe('who paid and does not come', () => {
  it.each(['nodogsplash', 'opennds', 'opennds-10'] as const)(
    'costs %s at most seven calls a minute',
    async (flavour) => {
      router = aRouter({ flavour })
      router.join(2)
      await router.start()
      await router.grant('bytes', megabytes(1))
      await router.pass(120_000)
      const before = router.calls.length
      await router.pass(300_000)

      expect((router.calls.length - before) / 5).toBeLessThanOrEqual(7)
    },
  )

  it.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('is let in at %s as soon as there', async (flavour) => {
    router = aRouter({ flavour })
    router.join(2)
    await router.start()
    await router.grant('bytes', megabytes(1))
    await router.pass(600_000)
    router.join(1)
    await router.pass(10_000)

    expect(router.isOpen(1)).toBe(true)
  })
})
