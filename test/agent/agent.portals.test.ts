// Proves that the agent keeps the same promises at every portal, and with what its owner configured.
import { describe, expect, it, test } from 'vitest'
import { aRouter } from '../support/a-router.ts'
import { aMac, anIp } from '../support/builders.ts'

describe.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('at %s', (flavour) => {
  const unit = flavour === 'nodogsplash' ? 1000 : 1024

  it('a session is opened, metered, topped up and shut', async () => {
    const router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.grant('bytes', 1000 * unit)
    router.use(900 * unit)
    await router.pass(2000)
    await router.grant('bytes', 1000 * unit, { purchaseId: 'p2' })
    router.use(1100 * unit)
    await router.pass(2000)

    expect(router.isOpen()).toBe(false)
    expect(router.events('session.ended')).toMatchObject([{ used: { bytes: 2000 * unit }, overshootBytes: 0 }])
    expect(router.callsOf('auth')).toHaveLength(1)
    expect([router.invalid(), router.errors]).toEqual([[], []])
  })

  it('its name and version are in the status', async () => {
    const router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.pass(10_000)
    const kind = flavour === 'nodogsplash' ? 'nodogsplash' : 'opennds'

    expect(router.uplink.liveStatus().portal).toMatchObject({ kind, version: expect.any(String), state: 'reachable' })
  })

  it('a portal that does not answer with sense is unreachable, and nobody is charged or shut', async () => {
    const router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.grant('bytes', 1000 * unit)
    router.portal.faults.garbage = '{"clients":'
    router.portal.faults.statusFails = true
    await router.pass(20_000)

    expect(router.uplink.liveStatus()).toMatchObject({ state: 'degraded', portal: { state: 'unreachable' } })
    expect(await router.session()).toMatchObject({ used: { bytes: 0 }, quality: 'last-known' })
    expect(router.isOpen()).toBe(true)
  })
})

describe('openNDS 10', () => {
  it('opens for a device that has not met the portal page, where another one is listed', async () => {
    const router = aRouter({ flavour: 'opennds-10' })
    router.join(2)
    router.portal.arrive(aMac(1), anIp(1))
    await router.start()
    await router.grant('bytes', 1_024_000)
    await router.pass(2000)

    expect(router.isOpen(1)).toBe(true)
  })

  it('opens for the first device as well', async () => {
    const router = aRouter({ flavour: 'opennds-10' })
    router.portal.arrive(aMac(1), anIp(1))
    await router.start()
    await router.grant('bytes', 1_024_000)
    await router.pass(10_000)

    expect(router.isOpen(1)).toBe(true)
  })

  it('leaves a trusted device alone', async () => {
    const router = aRouter({ flavour: 'opennds-10' })
    router.join(2)
    router.portal.request(`trust ${aMac(1)}`)
    router.portal.arrive(aMac(1), anIp(1))
    await router.start()
    await router.pass(20_000)

    expect(router.callsOf('deauth')).toEqual([])
    expect(router.events('gate.drift')).toEqual([])
  })
})

describe('a portal whose list is full', () => {
  it('is warned of, and lets the paid device in when there is room', async () => {
    const router = aRouter({ maxClients: 20, preauthIdleMinutes: 1 })
    for (let device = 2; device <= 21; device++) router.join(device)
    await router.start()
    router.join(1)
    await router.grant('bytes', 1e6)
    await router.pass(10_000)
    const { warnings } = router.uplink.liveStatus()
    await router.pass(60_000)
    router.portal.browse(aMac())
    await router.pass(10_000)

    expect(warnings).toEqual([expect.stringContaining('MaxClients')])
    expect(router.isOpen()).toBe(true)
    expect(router.uplink.liveStatus().warnings).toEqual([])
  })
})

describe('nodogsplash', () => {
  it('leaves a trusted device alone that is open besides', async () => {
    const router = aRouter()
    router.join(1)
    router.portal.splashLogin(aMac())
    router.portal.request(`trust ${aMac()}`)
    await router.start()
    await router.pass(20_000)

    expect(router.callsOf('deauth')).toEqual([])
    expect(router.events('gate.drift')).toEqual([])
  })
})

describe('openNDS 9.10', () => {
  it('that shuts a paid gate along with another one lets it be opened again', async () => {
    const router = aRouter({ flavour: 'opennds' })
    router.join(1, '192.168.66.10')
    router.join(2, '192.168.66.101')
    await router.start()
    await router.grant('bytes', 1024)
    await router.grant('bytes', 1e6, { purchaseId: 'p2', mac: aMac(2) })
    router.use(5000)
    await router.pass(2000)
    const blocked = !router.isOpen(2)
    await router.pass(10_000)
    router.portal.browse(aMac(2))
    await router.pass(2000)

    expect([blocked, router.isOpen(1), router.isOpen(2)]).toEqual([true, false, true])
    expect(router.events('gate.drift')).toMatchObject([{ kind: 'paid-but-blocked', mac: aMac(2), sessionId: 's2' }])
  })
})

describe('what the owner configured', () => {
  test.each([
    { unpaid: 'close', open: false },
    { unpaid: 'report', open: true },
  ])('an unpaid gate is open: $open with AGENT_UNPAID=$unpaid', async ({ unpaid, open }) => {
    const router = aRouter({ env: { AGENT_UNPAID: unpaid } })
    router.join(1)
    router.portal.splashLogin(aMac())
    await router.start()
    await router.pass(20_000)

    expect(router.isOpen()).toBe(open)
    expect(router.events('gate.drift')).toMatchObject([{ kind: 'open-but-unpaid' }])
  })

  it('a gate that was open unpaid is paid from the purchase on only', async () => {
    const router = aRouter({ env: { AGENT_UNPAID: 'report' } })
    router.join(1)
    router.portal.splashLogin(aMac())
    await router.start()
    router.use(5_000_000)
    await router.grant('bytes', 1_000_000)
    router.use(400_000)
    await router.pass(2000)

    expect(await router.session()).toMatchObject({ used: { bytes: 400_000 }, downloaded: 400_000 })
  })

  it('no direct grants: they are refused', async () => {
    const router = aRouter({ env: { AGENT_DIRECT_GRANTS: 'false' } })
    await router.start()
    await router.grant('bytes', 1000)

    expect(router.events('purchase.rejected')).toMatchObject([{ code: 'unsupported-metric', final: true }])
  })

  it('minutes for money: time is sold', async () => {
    const router = aRouter({ env: { AGENT_METRIC: 'milliseconds', AGENT_STEP_SIZE: '60000' } })
    router.join(1)
    await router.start()
    await router.uplink.purchase({ purchaseId: 'p1', mac: aMac(), amount: 3, unit: 'sat' })
    await router.pass(179_999)
    const before = router.isOpen()
    await router.pass(1)

    expect([before, router.isOpen()]).toEqual([true, false])
  })
})

describe('how often the portal is asked', () => {
  const within = async (router: ReturnType<typeof aRouter>, milliseconds: number) => {
    const before = router.calls.length
    await router.pass(milliseconds)
    return router.calls.slice(before)
  }

  it.each([1, 10, 120])('is once a look for %i sessions at nodogsplash', async (count) => {
    const router = aRouter({ maxClients: 250 })
    await router.start()
    for (let device = 1; device <= count; device++) {
      router.join(device)
      await router.grant('bytes', 5e9, { purchaseId: `p${device}`, mac: aMac(device) })
    }
    await router.pass(10_000)

    expect(await within(router, 60_000)).toEqual(Array(6).fill('json'))
  })

  it('opens for a device that the portal knows without asking first', async () => {
    const router = aRouter()
    router.join(1)
    await router.start()
    const before = router.calls.length
    await router.grant('bytes', 5e9)

    expect(router.calls.slice(before).map((call) => call.split(' ')[0])).toEqual(['auth', 'json'])
  })

  it('asks openNDS about a device that waits at the near interval', async () => {
    const router = aRouter({ flavour: 'opennds', neighbours: false })
    router.join(2)
    await router.start()
    await router.grant('bytes', 5e9)

    expect(await within(router, 7000)).toEqual(Array(3).fill(`json ${aMac()}`))
  })

  it('reads a device at openNDS once more before its session is moved away', async () => {
    const router = aRouter({ flavour: 'opennds' })
    router.join(1)
    router.join(2)
    await router.start()
    await router.grant('bytes', 5e9)
    await router.pass(3000)
    router.use(10_240_000)
    const moved = router.uplink.command({ transaction: 't1', command: 'session.move', from: aMac(1), to: aMac(2) })
    await router.pass(2000)

    expect(await moved).toMatchObject({ status: 'ok', data: { mac: aMac(2), used: { bytes: 10_240_000 } } })
  })

  it('sees at once that an openNDS is back, whoever is there', async () => {
    const router = aRouter({ flavour: 'opennds' })
    await router.start()
    router.portal.stop()
    await router.pass(10_000)
    const before = router.uplink.liveStatus().portal.state
    router.portal.start()
    await router.pass(2000)

    expect([before, router.uplink.liveStatus().portal.state]).toEqual(['unreachable', 'reachable'])
  })

  it('finds a paid device at openNDS that has a new IP', async () => {
    const router = aRouter({ flavour: 'opennds' })
    router.join(1)
    await router.start()
    await router.grant('bytes', 1e6)
    await router.pass(2000)
    router.join(1, '192.168.66.201')
    await router.pass(4000)

    expect(router.isOpen()).toBe(true)
  })
})
