// Proves that gates do not wait for the network, and that every event reaches whoever listens: in order, after any outage.
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'
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

const seqs = () =>
  router.usage().flatMap((message) => ('seq' in message && message.seq !== undefined ? [message.seq] : []))

describe('without a broker', () => {
  it('gates go on, and the events arrive afterwards in order', async () => {
    await router.grant('bytes', megabytes(5))
    router.uplink.disconnect()
    router.use(megabytes(5))
    await router.pass(60_000)
    const shut = !router.isOpen()
    const before = router.events('session.ended').length
    router.uplink.connect()
    await settled()

    expect([shut, before]).toEqual([true, 0])
    expect(router.events('session.ended')).toHaveLength(1)
    expect(seqs()).toEqual([1, 2, 3, 4])
  })

  it('no usage report is kept for later', async () => {
    router.uplink.disconnect()
    const { length } = router.usage()
    await router.pass(120_000)
    router.uplink.connect()
    await settled()

    expect(router.usage()).toHaveLength(length)
  })

  it('a purchase is acknowledged all the same', async () => {
    const { uplink } = router
    uplink.disconnect()

    await expect(
      uplink.purchase({ purchaseId: 'p1', mac: aMac(), metric: 'bytes', allotment: 5 }),
    ).resolves.toBeUndefined()
  })
})

describe('a broker that does not acknowledge', () => {
  it('gets the same events again on the next connection', async () => {
    const release = router.uplink.holdAcknowledgements()
    await router.grant('bytes', megabytes(5))
    await router.pass(2000)
    const first = seqs()
    router.uplink.disconnect()
    release()
    router.uplink.connect()
    await settled()
    const again = seqs().slice(first.length)

    expect(first).toEqual([1, 2])
    expect(again).toEqual([2, 3])
  })

  it('gets them again also from an agent that crashed', async () => {
    router.uplink.holdAcknowledgements()
    await router.grant('bytes', megabytes(5))
    await router.restart()

    expect(router.events('purchase.accepted').map(({ seq }) => seq)).toEqual([2, 2])
  })

  it('does not hold a gate up', async () => {
    router.uplink.holdAcknowledgements()
    await router.grant('bytes', megabytes(1))
    router.use(megabytes(1))
    await router.pass(2000)

    expect(router.isOpen()).toBe(false)
  })

  it('is sent at most 8 events at once', async () => {
    router.uplink.disconnect()
    for (let n = 0; n < 40; n++) await router.grant('bytes', 1000, { purchaseId: `q${n}`, mac: aMac(100 + n) })
    const { length } = seqs()
    const release = router.uplink.holdAcknowledgements()
    router.uplink.connect()
    await settled()
    const waiting = seqs().length - length
    release()
    await settled()

    expect(waiting).toBe(8)
    expect(seqs()).toEqual(Array.from({ length: 41 }, (_, n) => n + 1))
  })
})

describe('what is said regularly', () => {
  it('is a usage report each interval, with the last event it includes', async () => {
    await router.grant('bytes', megabytes(5))
    router.use(megabytes(2))
    await router.pass(30_000)
    const reports = router.usage().filter((message) => message.type === 'usage')

    expect(reports.length).toBeGreaterThanOrEqual(3)
    expect(reports.at(-1)).toMatchObject({
      afterSeq: 3,
      part: 1,
      parts: 1,
      sessions: [{ used: { bytes: megabytes(2) } }],
    })
    expect(reports.at(-1)).not.toHaveProperty('seq')
  })

  it('is a retained status that follows what changed', async () => {
    const before = router.uplink.published.filter(({ channel }) => channel === 'status').length
    await router.pass(5000)
    const idle = router.uplink.published.filter(({ channel }) => channel === 'status').length
    await router.grant('bytes', megabytes(5))

    expect(idle - before).toBeLessThanOrEqual(1)
    expect(router.uplink.liveStatus()).toMatchObject({
      state: 'online',
      sessions: { open: 1, waiting: 0 },
      warnings: [],
    })
    expect(router.uplink.published.filter(({ channel }) => channel === 'status').every(({ retain }) => retain)).toBe(
      true,
    )
  })

  it('leaves a last will that says offline', () => {
    expect(router.uplink.lastWill).toMatchObject({ state: 'offline', routerId: 'r1', epoch: 'epoch-1' })
  })
})

describe('a stop', () => {
  it('leaves paid gates open and says goodbye', async () => {
    await router.grant('bytes', megabytes(5))
    await router.stop('SIGTERM')

    expect(router.isOpen()).toBe(true)
    expect(router.story().at(-1)).toBe('agent.stopped')
    expect(router.events('agent.stopped')).toMatchObject([{ why: 'SIGTERM', bootId: 'boot-1' }])
    expect(router.uplink.status()).toMatchObject({ state: 'offline', since: expect.any(String) })
  })

  it('puts the metering on disk', async () => {
    await router.grant('milliseconds', 3_600_000)
    await router.pass(20_000)
    await router.stop()
    await router.reboot()

    expect(await router.session()).toMatchObject({ used: { milliseconds: 20_000 } })
    expect(router.events('agent.started').at(-1)).toMatchObject({ why: 'after-stop' })
  })

  test.each([
    { when: 'the broker is away', arrange: () => router.uplink.disconnect() },
    { when: 'the broker does not acknowledge', arrange: () => void router.uplink.holdAcknowledgements() },
    { when: 'the disk refuses', arrange: () => router.disk.refuse() },
  ])('is over in 5 s when $when', async ({ arrange }) => {
    arrange()
    await router.stop()
    router.errors.length = 0

    expect(router.uplink.connected).toBe(false)
  })

  it('is the last event of its life, also when a look is under way', async () => {
    let answer = () => {}
    router.beforeCall(([command]) => {
      if (command !== 'json' || !router.isOpen()) return
      return new Promise((resolve) => {
        answer = resolve
      })
    })
    await router.grant('bytes', megabytes(5))
    await router.stop()
    answer()
    await settled()
    router.beforeCall(() => {})
    await router.restart()
    const [stopped] = router.events('agent.stopped')
    const next = router.usage().find((message) => 'seq' in message && message.seq === (stopped?.seq ?? 0) + 1)

    expect(next?.type).toBe('agent.started')
  })
})
