// Proves the rules of the guard with the whole agent: the kernel keeps the last byte and the last millisecond.
import { describe, expect, it } from 'vitest'
import { GuardFault } from '../../agent/valve/guard/guard.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac, anIp } from '../support/builders.ts'

const packet = 1500
const megabyte = 1_000_000

/** A router whose kernel guards, with device 1 on line for so many bytes or milliseconds. */
async function online(
  metric: 'bytes' | 'milliseconds' = 'bytes',
  allotment = megabyte,
  options: Parameters<typeof aRouter>[0] = {},
): Promise<RouterUnderTest> {
  const router = aRouter({ guard: packet, ...options })
  await router.start()
  router.join(1)
  await router.pass(2000)
  await router.grant(metric, allotment)
  await router.pass(100)
  return router
}

describe('bytes', () => {
  it('end on the packet in which the last one passes, and the session says who has cut', async () => {
    const router = await online()
    const passed = router.use(50 * megabyte)
    await router.pass(3000)

    expect(passed).toBe(Math.ceil(megabyte / packet) * packet)
    expect(router.events('session.ended')).toMatchObject([
      { cut: 'kernel', reason: 'allotment-used', used: { bytes: megabyte }, overshootBytes: passed - megabyte },
    ])
    expect(router.events('session.ended')[0]).not.toHaveProperty('unreadBytes', expect.any(String))
    expect(router.isOpen()).toBe(false)
    expect(router.kernel.table?.byIp.size).toBe(0)
    expect(router.errors).toEqual([])
  })

  it('are cut with the agent dead, and the next one ends the session with the right figures', async () => {
    const router = await online()
    router.use(400_000)
    await router.pass(20_000)
    router.crash()
    const passed = router.use(50 * megabyte)
    expect(400_000 + passed).toBeLessThanOrEqual(megabyte + packet)
    await router.start()
    await router.pass(3000)

    expect(router.events('session.ended')).toMatchObject([
      { cut: 'kernel', used: { bytes: megabyte }, overshootBytes: 400_000 + passed - megabyte },
    ])
  })

  it('of a top-up are let through to the last one, whatever was dropped before it', async () => {
    const router = await online()
    const first = router.use(10 * megabyte)
    // The portal counts what the kernel drops.
    router.use(40 * megabyte)
    await router.grant('bytes', megabyte, { purchaseId: 'p2' })
    await router.pass(20_000)
    const second = router.use(10 * megabyte)
    await router.pass(3000)

    expect(first + second).toBeGreaterThanOrEqual(2 * megabyte)
    expect(first + second).toBeLessThanOrEqual(2 * megabyte + 2 * packet)
    expect(router.events('session.ended')).toMatchObject([{ used: { bytes: 2 * megabyte }, cut: 'kernel' }])
  })

  it('of a top-up in time raise the limit before the next look', async () => {
    const router = await online()
    router.use(900_000)
    await router.grant('bytes', megabyte, { purchaseId: 'p2' })

    expect(router.use(1_000_000)).toBe(1_000_000)
  })

  it('are looked for seldom: neither near the end nor where one is predicted', async () => {
    const [guarded, unguarded] = [
      await online('bytes', 22_020_096),
      await online('bytes', 22_020_096, { guard: undefined }),
    ]
    const looks = async (router: RouterUnderTest) => {
      const before = router.calls.length
      await router.pass(600_000)
      return router.calls.length - before
    }

    expect(await looks(guarded)).toBeLessThanOrEqual(61)
    expect(await looks(unguarded)).toBeGreaterThan(250)
  })
})

it('has a device in its table before the portal is told to open its gate', async () => {
  const router = aRouter({ guard: packet })
  await router.start()
  router.join(1)
  await router.pass(2000)
  const guarded: boolean[] = []
  router.beforeCall(([command]) => {
    if (command === 'auth') guarded.push(router.kernel.table?.byIp.has(anIp()) === true)
  })
  await router.grant('bytes', megabyte)
  await router.pass(100)

  expect(guarded).toEqual([true])
})

describe('time', () => {
  it('ends on its millisecond, also with the agent dead, and never before', async () => {
    const router = await online('milliseconds', 60_000)
    await router.pass(30_000)
    router.crash()
    const openedAt = 1_002_000
    await router.pass(openedAt + 60_000 - router.clock.monotonic() - 1)
    expect(router.use(1000)).toBe(1000)
    await router.pass(300)
    expect(router.use(1000)).toBe(0)
    await router.start()
    await router.pass(3000)

    expect(router.events('session.ended')).toMatchObject([{ cut: 'kernel', used: { milliseconds: 60_000 } }])
  })
})

describe('a session of both metrics', () => {
  it('is guarded when the last run of one of them begins, and counted by the status until then', async () => {
    const router = await online()
    await router.grant('milliseconds', 60_000, { purchaseId: 'p2' })
    await router.pass(100)
    expect(router.kernel.table?.byIp.size).toBe(0)
    expect(router.uplink.status()).toMatchObject({ guard: { devices: 0, unguarded: { bothMetrics: 1 } } })
    router.use(2 * megabyte)
    await router.pass(3000)

    expect(router.kernel.table?.until.get(anIp())).toBeGreaterThan(router.clock.monotonic())
  })
})

describe('a kernel that is slow', () => {
  it('delays a gate by half a second, once', async () => {
    const router = aRouter({ guard: packet })
    await router.start()
    router.guardTakes(() => router.clock.sleep(3_600_000))
    router.join(1)
    await router.pass(2000)
    await router.grant('bytes', megabyte)
    await router.pass(600)

    expect(router.isOpen()).toBe(true)
  })

  it('that fails delays none, and is said once', async () => {
    const router = aRouter({ guard: packet, env: { AGENT_GUARD: 'nftables' } })
    router.guardTakes(async () => {
      throw new GuardFault('guard-refused', 'Operation not permitted')
    })
    await router.start()
    router.join(1)
    await router.pass(2000)
    await router.grant('bytes', megabyte)

    expect(router.isOpen()).toBe(true)
    await router.pass(10_000)
    expect(router.uplink.status()).toMatchObject({
      guard: { state: 'refused', devices: 0 },
      warnings: [expect.stringContaining('Operation not permitted')],
    })
  })
})

describe('a table that is lost', () => {
  it('is told, and built again with the counts so far', async () => {
    const router = await online()
    router.use(400_000)
    await router.pass(20_000)
    router.kernel.lose()
    await router.pass(100)

    expect(router.events('gate.drift')).toMatchObject([{ kind: 'guard-lost' }])
    expect([...(router.kernel.table?.quotas.values() ?? [])]).toMatchObject([{ downloaded: 400_000, limit: megabyte }])
    expect(router.use(50 * megabyte)).toBeLessThanOrEqual(600_000 + packet)
  })

  it("with a reboot is nobody else's doing", async () => {
    const router = await online()
    await router.pass(20_000)
    await router.reboot(30_000)
    router.join(1)
    await router.pass(5000)

    expect(router.events('gate.drift').filter(({ kind }) => kind === 'guard-lost')).toEqual([])
    expect(router.kernel.table?.quotas.size).toBe(1)
  })
})

describe('the portal silent for long', () => {
  /** The device has been charged 200 kB, and has taken 300 kB more while the portal answered nothing. */
  async function inSilence(): Promise<RouterUnderTest> {
    const router = await online()
    router.use(200_000)
    await router.pass(10_000)
    router.beforeCall(() => router.clock.sleep(3_600_000))
    await router.pass(40_000)
    router.use(300_000)
    await router.pass(70_000)
    return router
  }

  it('costs nobody what the kernel counted meanwhile', async () => {
    const router = await inSilence()
    router.beforeCall(() => {})
    await router.pass(60_000)

    expect(await router.session()).toMatchObject({ used: { bytes: 200_000 } })
    expect(router.use(50 * megabyte)).toBeGreaterThanOrEqual(800_000)
  })

  it('costs nobody that also in the next life of an agent that died in it', async () => {
    const router = await inSilence()
    router.crash()
    router.beforeCall(() => {})
    await router.start()
    await router.pass(60_000)

    expect(await router.session()).toMatchObject({ used: { bytes: 200_000 } })
  })
})

describe('AGENT_GUARD=off', () => {
  it('takes the table away that an earlier life has made', async () => {
    const router = await online()
    await router.pass(70_000)
    router.crash()
    expect(router.kernel.table).toBeDefined()
    await router.start({ AGENT_GUARD: 'off' })

    expect(router.kernel.table).toBeUndefined()
    expect(router.kernelCalls.at(-1)).toBe('remove')
  })
})

describe('an address', () => {
  it('that changes keeps its device at the same count', async () => {
    const router = await online()
    router.use(400_000)
    router.join(1, anIp(7))
    await router.pass(20_000)

    expect(router.isOpen()).toBe(true)
    expect(router.use(50 * megabyte)).toBeLessThanOrEqual(600_000 + 2 * packet)
    expect(aMac()).toBe(aMac(1))
  })
})
