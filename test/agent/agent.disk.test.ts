// Proves that a disk that is full, read-only, unreadable or silent from the start on takes no customer's gate away: the agent
// runs, says so, acts by the books, and goes on by itself once the disk works.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter()
  for (const device of [1, 2]) router.join(device)
  await router.start()
  await router.grant('bytes', megabytes(5))
  await router.grant('bytes', megabytes(1), { purchaseId: 'p2', mac: aMac(2) })
  await router.pass(2000)
})
afterEach(() => expect(router.invalid()).toEqual([]))

describe('a disk that refuses from the start on', () => {
  beforeEach(async () => {
    router.crash()
    router.disk.refuse()
    await router.start()
  })

  it('is said in the status, and the gates follow the books', async () => {
    router.use(megabytes(1), 2)
    router.portal.kick(aMac(1))
    await router.pass(4000)

    expect(router.uplink.liveStatus()).toMatchObject({
      state: 'degraded',
      warnings: [expect.stringContaining('no space left')],
    })
    expect([router.isOpen(1), router.isOpen(2)]).toEqual([true, false])
    expect(await router.session()).toMatchObject({ remaining: { bytes: megabytes(5) } })
  })

  it('sells nothing, with an answer', async () => {
    const delivery = router.uplink.purchase(aGrant('bytes', 1000, { purchaseId: 'p3' }))
    await expect(delivery).rejects.toThrow()

    expect(router.events('purchase.rejected')).toMatchObject([{ code: 'storage-failure', retry: true }])
  })

  it('heals: the start and what happened meanwhile are told', async () => {
    router.use(megabytes(1), 2)
    await router.pass(4000)
    router.disk.accept()
    await router.pass(12_000)

    expect(router.uplink.liveStatus()).toMatchObject({ state: 'online', warnings: [] })
    expect(router.events('agent.started').at(-1)).toMatchObject({ why: 'after-crash' })
    expect(router.events('session.ended')).toMatchObject([{ mac: aMac(2), used: { bytes: megabytes(1) } }])
  })
})

describe('a disk that cannot be read', () => {
  beforeEach(async () => {
    router.crash()
    for (const name of router.disk.files.keys()) router.disk.unreadable.add(name)
    await router.start()
  })

  it('leaves the gates as they are, and says so', async () => {
    await router.pass(10_000)

    expect([router.isOpen(1), router.isOpen(2)]).toEqual([true, true])
    expect(router.uplink.status()).toMatchObject({
      state: 'degraded',
      warnings: [expect.stringContaining('input/output error')],
    })
  })

  it('has no zeros told in place of its books, and no epoch that is nobody’s', async () => {
    await router.pass(10_000)

    const told = [router.uplink.status(), router.uplink.lastWill]
    for (const status of told) {
      expect(status).not.toHaveProperty('epoch')
      expect(status).not.toHaveProperty('journal')
      expect(status).not.toHaveProperty('conservation')
      expect(status).not.toHaveProperty('sessions')
    }
  })

  it('knows no purchase and no session for certain, so it denies none', async () => {
    const commands = ['sessions', 'usage', 'session', 'session.end', 'purchase.explain'] as const
    for (const command of commands) {
      const about = command === 'purchase.explain' ? { purchaseId: 'p1' } : { mac: aMac(1) }
      expect(await router.uplink.command({ transaction: command, command, ...about } as never)).toMatchObject({
        error: { code: 'storage-failure' },
      })
    }
    expect(await router.uplink.command({ transaction: 'config', command: 'config' })).toMatchObject({ status: 'ok' })
  })

  it('is read once it can be, in the same epoch', async () => {
    router.disk.unreadable.clear()
    await router.pass(12_000)

    expect(router.uplink.liveStatus()).toMatchObject({ state: 'online', epoch: 'epoch-1', warnings: [] })
    expect(await router.session()).toMatchObject({ remaining: { bytes: megabytes(5) } })
  })
})

describe('a disk that does not answer', () => {
  it('holds gates up for 5 s at most, once', async () => {
    router.disk.hold()
    router.use(megabytes(1), 2)
    await router.pass(9000)
    const first = router.isOpen(2)
    router.portal.kick(aMac(1))
    await router.pass(3000)

    expect([first, router.isOpen(1)]).toEqual([false, true])
    expect(router.uplink.liveStatus()).toMatchObject({
      state: 'degraded',
      warnings: [expect.stringContaining('has not answered for 5 s')],
    })
  })

  it('is asked one thing at a time', async () => {
    router.disk.hold()
    const before = router.disk.calls
    router.use(megabytes(1), 2)
    for (let turn = 0; turn < 4; turn++) {
      router.uplink.purchase(aGrant('bytes', 1000, { purchaseId: `q${turn}`, mac: aMac(9) })).catch(() => {})
      await router.pass(30_000)
    }

    expect(router.disk.calls - before).toBe(1)
  })

  it('loses nothing and counts nothing twice when it answers again', async () => {
    const release = router.disk.hold()
    const delivery = router.uplink.purchase(aGrant('bytes', megabytes(2), { purchaseId: 'late', mac: aMac(1) }))
    const refused = delivery.catch((err) => err)
    await router.pass(6000)
    release()
    await settled()
    await router.pass(12_000)
    const before = router.uplink.liveStatus().conservation.bytes.sold
    await router.grant('bytes', megabytes(2), { purchaseId: 'late', mac: aMac(1) })
    await router.restart()

    expect(await refused).toBeInstanceOf(Error)
    expect(before).toBe(megabytes(6))
    expect(router.uplink.liveStatus().conservation.bytes).toMatchObject({ sold: megabytes(8), difference: 0 })
    expect(router.uplink.liveStatus().warnings).toEqual([])
  })
})

it('a stop with a disk that does not answer is over in 5 s', async () => {
  router.disk.hold()
  await router.stop()

  expect(router.uplink.connected).toBe(false)
})
