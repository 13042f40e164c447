// Proves that who uses an address pays for it, whatever the portal counts where: handed-on addresses, new tokens, gates that
// a portal shuts along with another one.
import { afterEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac, anIp } from '../support/builders.ts'

let router: RouterUnderTest
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

const megabytes = (count: number) => count * 1_024_000
const portals = ['nodogsplash', 'opennds', 'opennds-10'] as const
type Amounts = { used: { bytes?: number; milliseconds?: number }; state: string }
const sessionOf = async (device: number) => (await router.session(aMac(device))) as unknown as Amounts
const usedBy = async (device: number) => (await sessionOf(device)).used.bytes ?? 0

async function sell(device: number, bytes: number): Promise<void> {
  await router.grant('bytes', bytes, { purchaseId: `p${device}`, mac: aMac(device) })
}

/** The device joins at the address of device 1, which has left. */
async function takeOver(device: number): Promise<void> {
  router.portal.leave(aMac(1))
  router.join(device, anIp(1))
}

describe.each(portals)('at %s', (flavour) => {
  it.each([{ neighbours: true }, { neighbours: false }])(
    'an address that passes from one payer to another has each pay for its own (the kernel tells: $neighbours)',
    async ({ neighbours }) => {
      router = aRouter({ flavour, neighbours })
      router.join(1)
      await router.start()
      await sell(1, megabytes(100))
      await router.pass(2000)
      router.use(megabytes(1))
      await router.pass(12_000)
      await takeOver(2)
      await router.pass(1000)
      await sell(2, megabytes(5))
      await router.pass(20_000)
      const wasOpen = router.isOpen(2)
      router.use(megabytes(3), 2)
      await router.pass(70_000)
      const before = [await usedBy(1), await usedBy(2)]
      router.use(megabytes(3), 2)
      await router.pass(70_000)

      expect(wasOpen).toBe(true)
      expect(before).toEqual([megabytes(1), megabytes(3)])
      expect([await usedBy(1), router.isOpen(2)]).toEqual([megabytes(1), false])
      expect(router.events('session.ended')).toMatchObject([{ mac: aMac(2), used: { bytes: megabytes(5) } }])
      expect(router.events('gate.drift')).toContainEqual(
        expect.objectContaining({ kind: 'shared-address', mac: aMac(1) }),
      )
    },
  )

  it('a device that met the page under another MAC before it bought pays for what it uses', async () => {
    router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.pass(2000)
    await takeOver(2)
    await sell(2, megabytes(5))
    await router.pass(5000)
    router.streams.set(2, 8)
    await router.pass(15_000)

    expect(router.streams.passed(2)).toBeGreaterThan(megabytes(4.9))
    expect(router.isOpen(2)).toBe(false)
    expect(router.events('session.ended')).toMatchObject([{ mac: aMac(2), used: { bytes: megabytes(5) } }])
  })

  it('the one who left has its rest when it is back at another address', async () => {
    router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await sell(1, megabytes(100))
    await router.pass(2000)
    router.use(megabytes(1))
    await router.pass(12_000)
    await takeOver(2)
    await sell(2, megabytes(50))
    await router.pass(20_000)
    router.use(megabytes(2), 2)
    await router.pass(20_000)
    router.join(1, anIp(7))
    await router.pass(70_000)
    router.use(megabytes(4), 1)
    await router.pass(70_000)

    expect([router.isOpen(1), router.isOpen(2)]).toEqual([true, true])
    expect([await usedBy(1), await usedBy(2)]).toEqual([megabytes(5), megabytes(2)])
  })

  it('a gate that somebody shuts and opens by hand counts from 0', async () => {
    router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await sell(1, megabytes(100))
    await router.pass(2000)
    router.use(megabytes(30))
    await router.pass(12_000)
    router.portal.renew(aMac())
    router.use(megabytes(40))
    await router.pass(70_000)

    expect(await usedBy(1)).toBe(megabytes(70))
  })
})

describe('openNDS, where a payer uses the address of somebody who left', () => {
  it.each(['opennds', 'opennds-10'] as const)(
    'charges it what it moved, also when the other one is back at a new address (%s)',
    async (flavour) => {
      router = aRouter({ flavour })
      router.join(1)
      await router.start()
      await router.pass(2000)
      await takeOver(2)
      await sell(2, megabytes(100))
      await router.pass(70_000)
      // Asked about by that address, the older entry at the old one is in no answer.
      router.join(1, anIp(7))
      await sell(1, megabytes(100))
      for (let minute = 0; minute < 5; minute++) {
        router.use(megabytes(2), 2)
        await router.pass(60_000)
      }

      expect([await usedBy(1), await usedBy(2)]).toEqual([0, megabytes(10)])
      expect(router.events('gate.drift').filter(({ kind }) => kind === 'portal-restarted')).toEqual([])
    },
  )
})

describe('a payer at the address where its own entry has counted for somebody else', () => {
  it.each([
    { flavour: 'nodogsplash', shownAtOnce: megabytes(1) },
    // The entry goes with its gate, and the payer would have to meet the page again: so the count stays.
    { flavour: 'opennds', shownAtOnce: 0 },
    { flavour: 'opennds-10', shownAtOnce: megabytes(1) },
  ] as const)('is charged all that it moved, as soon as $flavour shows any of it', async ({ flavour, shownAtOnce }) => {
    router = aRouter({ flavour })
    router.join(1)
    await router.start()
    await router.pass(2000)
    await takeOver(2)
    await sell(2, megabytes(3))
    await router.pass(70_000)
    router.use(megabytes(3), 2)
    await router.pass(20_000)
    router.portal.leave(aMac(2))
    router.join(1, anIp(1))
    await sell(1, megabytes(100))
    await router.pass(20_000)
    router.use(megabytes(1), 1)
    await router.pass(20_000)
    const early = await usedBy(1)
    router.use(megabytes(9), 1)
    await router.pass(70_000)

    expect(early).toBe(shownAtOnce)
    expect([await usedBy(1), router.isOpen(1)]).toEqual([megabytes(10), true])
  })
})

describe('openNDS 9.10', () => {
  it.each([
    { who: 'somebody by hand', shut: () => router.portal.request(`deauth ${aMac(1)}`) },
    { who: 'the customer at the page', shut: () => router.portal.deny(aMac(1)) },
    { who: 'the portal, that found it idle', shut: () => router.portal.kick(aMac(1)) },
  ])(
    'that shuts the gate of .101 along with .10, shut by $who, lets it in again and charges no time',
    async ({ shut }) => {
      router = aRouter({ flavour: 'opennds' })
      router.join(1, '192.168.66.10')
      router.join(2, '192.168.66.101')
      await router.start()
      for (const device of [1, 2]) {
        await router.grant('milliseconds', 1_800_000, { purchaseId: `p${device}`, mac: aMac(device) })
      }
      await router.pass(5000)
      shut()
      router.streams.set(2, 1)
      let blocked = 0
      for (let second = 0; second < 120; second++) {
        if (!router.isOpen(2)) {
          blocked += 1000
          router.portal.browse(aMac(2))
        }
        await router.pass(1000)
      }
      const { used } = await sessionOf(2)

      // Two looks.
      expect(blocked).toBeLessThanOrEqual(22_000)
      expect(used.milliseconds).toBeLessThanOrEqual(router.streams.openFor(2) + 5000)
      expect(router.events('gate.drift')).toContainEqual(
        expect.objectContaining({ kind: 'paid-but-blocked', mac: aMac(2) }),
      )
    },
  )

  it('that clears the count at .10, and shuts .101 along with it, lets that one in again', async () => {
    router = aRouter({ flavour: 'opennds' })
    router.join(1, '192.168.66.10')
    router.join(2, '192.168.66.101')
    await router.start()
    await router.grant('milliseconds', 1_800_000, { purchaseId: 'p2', mac: aMac(2) })
    await router.pass(2000)
    router.portal.leave(aMac(1))
    router.join(3, '192.168.66.10')
    await sell(3, megabytes(3))
    await router.pass(70_000)
    router.use(megabytes(3), 3)
    await router.pass(70_000)
    router.portal.browse(aMac(2))
    await router.pass(25_000)
    const wasOpen = router.isOpen(2)
    router.portal.leave(aMac(3))
    router.join(4, '192.168.66.10')
    await sell(4, megabytes(3))
    await router.pass(70_000)
    router.portal.browse(aMac(2))
    await router.pass(25_000)

    expect(wasOpen).toBe(true)
    expect([router.isOpen(4), router.isOpen(2)]).toEqual([true, true])
  })
})
