// Proves "disk before world": what is not saved is neither acknowledged nor announced, and a disk that heals is used again.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter()
  router.join(1)
  await router.start()
})
afterEach(() => expect(router.invalid()).toEqual([]))

describe('a purchase', () => {
  it('is neither acknowledged nor answered nor opened before it is on disk', async () => {
    const release = router.disk.hold()
    let acknowledged = false
    const delivery = router.uplink.purchase(aGrant('bytes', megabytes(1))).then(() => {
      acknowledged = true
    })
    await router.pass(2000)
    const before = [acknowledged, router.events('purchase.accepted').length, router.isOpen()]
    release()
    await delivery
    await settled()

    expect(before).toEqual([false, 0, false])
    expect([acknowledged, router.events('purchase.accepted').length, router.isOpen()]).toEqual([true, 1, true])
  })

  it('that the disk refuses is not acknowledged, and may be tried again', async () => {
    router.disk.refuse()
    const delivery = router.uplink.purchase(aGrant('bytes', megabytes(1), { reference: 'r' }))
    await expect(delivery).rejects.toThrow('leaves the purchase to the broker')
    await router.pass(10_000)

    expect(router.isOpen()).toBe(false)
    expect(router.events('purchase.rejected')).toMatchObject([
      { code: 'storage-failure', final: false, purchaseId: 'p1', reference: 'r' },
    ])
    expect(router.uplink.liveStatus()).toMatchObject({
      state: 'degraded',
      warnings: [expect.stringContaining('no space')],
    })
  })

  it('is taken once the disk works again', async () => {
    router.disk.refuse()
    await router.uplink.purchase(aGrant('bytes', megabytes(1))).catch(() => {})
    router.disk.accept()
    await router.grant('bytes', megabytes(1))

    expect(router.isOpen()).toBe(true)
    expect(router.events('purchase.accepted')).toMatchObject([{ seq: 2, final: true }])
    expect(router.uplink.liveStatus()).toMatchObject({ state: 'online', warnings: [] })
  })
})

describe('a disk that takes writes again', () => {
  it('is noticed within seconds, and the broker is asked once for what waits there', async () => {
    router.disk.refuse()
    await router.uplink.purchase(aGrant('bytes', megabytes(1))).catch(() => {})
    await router.pass(6000)
    const before = [router.uplink.rejoined, router.uplink.liveStatus().state]
    router.disk.accept()
    await router.pass(6000)

    expect(before).toEqual([0, 'degraded'])
    expect([router.uplink.rejoined, router.uplink.liveStatus().state]).toEqual([1, 'online'])
  })
})

describe('while the disk refuses', () => {
  beforeEach(async () => {
    await router.grant('bytes', megabytes(5))
    router.disk.refuse()
  })

  it('gates go on, and the end is told when it can be stored', async () => {
    router.use(megabytes(5))
    await router.pass(4000)
    const shut = !router.isOpen()
    const told = router.events('session.ended').length
    router.disk.accept()
    await router.pass(2000)

    expect([shut, told]).toEqual([true, 0])
    expect(router.events('session.ended')).toMatchObject([{ used: { bytes: megabytes(5) } }])
  })

  it('a command that would have to be stored says so', async () => {
    const reply = router.uplink.command({ transaction: 't1', command: 'session.end', mac: aMac() })
    await router.pass(16_000)

    expect(await reply).toMatchObject({ status: 'error', error: { code: 'storage-failure' } })
    expect(router.isOpen()).toBe(true)
  })

  it('metering goes on in memory and is stored at the next checkpoint', async () => {
    router.use(megabytes(2))
    await router.pass(70_000)
    router.disk.accept()
    await router.pass(70_000)
    await router.restart()

    expect(await router.session()).toMatchObject({ used: { bytes: megabytes(2) } })
  })

  it('a drift is told when it can be stored', async () => {
    router.portal.kick(aMac())
    await router.pass(2000)
    router.disk.accept()
    await router.pass(20_000)

    expect(router.events('gate.drift')).toMatchObject([{ kind: 'paid-but-blocked' }])
  })

  it('numbers of a portal that is away are shown as last known', async () => {
    router.portal.stop()
    await router.pass(20_000)

    expect(await router.session()).toMatchObject({ quality: 'last-known' })
  })
})

describe('purchases that wait at the broker for a disk that refuses', () => {
  const buy = (n: number) => router.uplink.purchase(aGrant('bytes', 1000, { purchaseId: `q${n}` }))

  it('are at most eight: further ones are answered and acknowledged', async () => {
    router.disk.refuse()
    const receipts = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => buy(n)))
    await settled()

    expect(receipts.map(({ status }) => status)).toEqual([...Array(8).fill('rejected'), 'fulfilled', 'fulfilled'])
    expect(router.events('purchase.rejected').map(({ code }) => code)).toEqual(Array(10).fill('storage-failure'))
  })

  it('are fetched by one new connection when the disk takes writes again', async () => {
    router.disk.refuse()
    await buy(1).catch(() => {})
    await router.pass(120_000)
    const before = router.uplink.rejoined
    router.disk.accept()
    await router.pass(120_000)

    expect([before, router.uplink.rejoined]).toEqual([0, 1])
  })
})
