// Proves that a restart of agent, portal or router needs no case of its own: gates follow the books, nobody pays twice.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { damage, nameOf } from '../support/a-journal.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { distinct } from '../support/events.ts'
import { settled } from '../support/fake-clock.ts'

const megabytes = (count: number) => count * 1_000_000
const hour = 3_600_000

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

describe('the agent crashes and starts again', () => {
  it('and charges what passed meanwhile, to the byte', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(2))
    await router.pass(2000)
    router.crash()
    router.use(megabytes(5))
    await router.start()

    expect(await router.session()).toMatchObject({ used: { bytes: megabytes(7) }, state: 'open' })
    expect(router.callsOf('auth')).toHaveLength(1)
    expect(distinct(router.events('session.started'))).toHaveLength(1)
    expect(distinct(router.events('agent.started')).map(({ why }) => why)).toEqual(['first-start', 'after-crash'])
  })

  it('and charges the time that the gate was open meanwhile', async () => {
    await router.grant('milliseconds', hour)
    await router.pass(10_000)
    router.crash()
    await router.clock.advance(600_000)
    await router.start()

    expect(await router.session()).toMatchObject({ used: { milliseconds: 610_000 } })
  })

  it('and shuts a gate whose time ran out meanwhile', async () => {
    await router.grant('milliseconds', 60_000)
    router.crash()
    await router.clock.advance(600_000)
    await router.start()

    expect(router.isOpen()).toBe(false)
    expect(router.events('session.ended')).toMatchObject([{ used: { milliseconds: 60_000 }, reason: 'allotment-used' }])
  })

  it('between the gate and the first look, and forgets nothing that was used', async () => {
    router.beforeCall(([command]) => (command === 'json' && router.isOpen() ? new Promise(() => {}) : undefined))
    await router.uplink.purchase({ purchaseId: 'p1', mac: aMac(), metric: 'bytes', allotment: megabytes(10) })
    await settled()
    router.crash()
    router.use(megabytes(4))
    router.beforeCall(() => {})
    await router.start()

    expect(await router.session()).toMatchObject({ used: { bytes: megabytes(4) }, state: 'open' })
    expect(router.events('session.started')).toHaveLength(1)
  })

  it.each([
    { when: 'while the portal is silent', before: 0, used: 2 },
    { when: 'after the portal was silent', before: 3, used: 7 },
  ])('$when, and charges nothing of the silence', async ({ before, used }) => {
    await router.grant('bytes', megabytes(1000))
    router.use(megabytes(2))
    await router.pass(12_000)
    router.portal.faults.hang = true
    router.use(megabytes(50))
    await router.pass(30_000)
    if (before > 0) {
      router.portal.faults.hang = false
      await router.pass(5000)
      router.use(megabytes(before))
      await router.pass(10_000)
    }
    router.crash()
    router.portal.faults.hang = false
    if (before > 0) router.use(megabytes(2))
    await router.start()

    expect(await router.session()).toMatchObject({ used: { bytes: megabytes(used) }, state: 'open' })
  })

  it('and opens what was bought and not opened yet', async () => {
    router.beforeCall(([command]) => (command === 'auth' ? new Promise(() => {}) : undefined))
    await router.uplink.purchase({ purchaseId: 'p1', mac: aMac(), metric: 'bytes', allotment: megabytes(10) })
    await settled()
    router.crash()
    router.beforeCall(() => {})
    await router.start()

    expect(router.isOpen()).toBe(true)
  })

  it('and gives the same answer to the same purchase', async () => {
    await router.grant('bytes', megabytes(1))
    await router.restart()
    await router.grant('bytes', megabytes(1))

    expect(router.events('purchase.accepted').at(-1)).toMatchObject({ duplicate: true, ofSeq: 2 })
    expect(await router.session()).toMatchObject({ allotment: { bytes: megabytes(1) } })
  })

  it('any number of times, with numbers that go on', async () => {
    for (let life = 0; life < 4; life++) await router.restart()

    expect(router.events('agent.started').map(({ seq }) => seq)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]))
  })
})

describe('the portal starts again', () => {
  it('and the gate opens as soon as the device meets its page; no byte is charged twice', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(3))
    await router.pass(2000)
    router.portal.restart()
    await router.pass(2000)
    const blocked = router.isOpen()
    router.join(1)
    await router.pass(2000)
    router.use(megabytes(1))
    await router.pass(2000)

    expect(blocked).toBe(false)
    expect(await router.session()).toMatchObject({
      state: 'open',
      used: { bytes: megabytes(4) },
      downloaded: megabytes(4),
    })
  })

  it('and time stands still while it is down', async () => {
    await router.grant('milliseconds', hour)
    await router.pass(10_000)
    router.portal.stop()
    await router.pass(600_000)
    router.portal.start()
    router.join(1)
    await router.pass(10_000)

    const { used } = (await router.session()) as { used: { milliseconds: number } }
    expect(used.milliseconds).toBeGreaterThanOrEqual(10_000)
    expect(used.milliseconds).toBeLessThanOrEqual(20_000)
  })

  it('and time stands still also when it comes back with the same gates', async () => {
    await router.grant('milliseconds', hour)
    await router.pass(10_000)
    router.failWith(3)
    await router.pass(600_000)
    router.failWith(undefined)
    await router.pass(10_000)

    const { used } = (await router.session()) as { used: { milliseconds: number } }
    expect(used.milliseconds).toBeGreaterThanOrEqual(18_000)
    expect(used.milliseconds).toBeLessThanOrEqual(20_000)
  })

  it('and says degraded once it is away, and online when it is back', async () => {
    router.portal.stop()
    await router.pass(30_000)
    const away = router.uplink.liveStatus()
    router.portal.start()
    await router.pass(2000)

    expect(away).toMatchObject({ state: 'degraded', portal: { state: 'unreachable' } })
    expect(router.uplink.liveStatus()).toMatchObject({
      state: 'online',
      portal: { state: 'reachable', kind: 'nodogsplash' },
    })
    expect(router.events('gate.drift').map(({ kind }) => kind)).toEqual(['portal-unreachable', 'portal-back'])
  })

  it('while reports say how old their numbers are, and never 0', async () => {
    await router.grant('bytes', megabytes(10))
    router.use(megabytes(3))
    await router.pass(2000)
    router.portal.stop()
    await router.pass(20_000)

    expect(await router.session()).toMatchObject({
      quality: 'last-known',
      used: { bytes: megabytes(3) },
      downloaded: megabytes(3),
    })
  })

  it('and takes purchases meanwhile', async () => {
    router.portal.stop()
    await router.pass(3000)
    await router.grant('bytes', megabytes(1))
    router.portal.start()
    router.join(1)
    await router.pass(3000)

    expect(router.isOpen()).toBe(true)
  })
})

describe('the router boots again', () => {
  it('and the time without power is charged to nobody', async () => {
    await router.grant('milliseconds', hour)
    await router.pass(120_000)
    await router.reboot(8 * hour)
    router.join(1)
    await router.pass(30_000)

    const { used } = (await router.session()) as { used: { milliseconds: number } }
    expect(used.milliseconds).toBeLessThanOrEqual(150_000)
    expect(router.isOpen()).toBe(true)
    expect(router.events('agent.started').at(-1)).toMatchObject({ why: 'after-reboot', bootId: 'boot-1+' })
  })

  test.each([{ passed: 59_000 }, { passed: 61_000 }])(
    'and gives away at most a checkpoint: $passed ms',
    async ({ passed }) => {
      await router.grant('milliseconds', hour)
      await router.pass(passed)
      await router.reboot()
      const { used } = (await router.session()) as { used: { milliseconds: number } }

      expect(passed - used.milliseconds).toBeLessThanOrEqual(60_000)
    },
  )

  it('and a device that waited opens, with a wait that is told from the wall clock', async () => {
    await router.grant('bytes', megabytes(1), { mac: aMac(2) })
    await router.reboot(hour)
    router.join(2)
    await router.pass(2000)

    expect(router.events('session.started')).toMatchObject([{ mac: aMac(2), openedAfterMilliseconds: hour + 2000 }])
  })
})

describe('a damaged journal', () => {
  it('goes on in a new epoch, after all that the broker had not taken of the old one', async () => {
    const router = aRouter()
    await router.start()
    router.uplink.disconnect()
    for (const purchaseId of ['p1', 'p2', 'p3']) await router.uplink.purchase(aGrant('bytes', 5000, { purchaseId }))
    router.crash()
    damage(router.disk, nameOf(router.disk, 'journal-'), 3)
    const before = router.usage().length
    await router.start()
    await router.pass(1000)
    const told = router.usage().slice(before)

    expect(told.flatMap((event) => ('seq' in event ? [[event.epoch, event.seq, event.type]] : []))).toEqual([
      ['epoch-1', 2, 'purchase.accepted'],
      ['epoch-2', 1, 'agent.started'],
      ['epoch-2', 2, 'session.ended'],
    ])
    expect(router.events('session.ended')).toMatchObject([
      { reason: 'lost', terminateCause: { name: 'NAS-Error' }, purchases: [{ purchaseId: 'p3', unused: 5000 }] },
    ])
    expect(router.uplink.liveStatus().warnings).toEqual([
      expect.stringContaining('is damaged at byte'),
      expect.stringContaining('1 purchases that were accepted are lost'),
      expect.stringContaining('damage took 5000 bytes and 0 ms from the books'),
    ])
    expect(await router.session()).toMatchObject({ allotment: { bytes: 5000 } })
  })
})
