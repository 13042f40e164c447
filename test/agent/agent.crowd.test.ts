// Proves that nobody is kept from being let in, read or shut by others: by those who left, wait, have just paid, or come back.
import { afterEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'
import {
  amongHundredWhoAreAway,
  amongTwelveWhoBuy,
  backAfterMinutes,
  devices,
  lateBy,
  megabyte,
  sell as sellTo,
} from '../support/crowd-stories.ts'

let router: RouterUnderTest
afterEach(() => {
  expect(router.invalid()).toEqual([])
  expect(router.errors).toEqual([])
})

const megabytes = (count: number) => count * megabyte
const sell = (device: number, bytes: number) => sellTo(router, device, bytes)

describe.each([
  { flavour: 'opennds' as const, neighbours: true, lateMilliseconds: 1500 },
  // One whole list by `json` tells who has left, and takes a second for each of the six.
  { flavour: 'opennds' as const, neighbours: false, lateMilliseconds: 7500 },
  { flavour: 'opennds-10' as const, neighbours: true, lateMilliseconds: 1500 },
  { flavour: 'opennds-10' as const, neighbours: false, lateMilliseconds: 1500 },
])('at $flavour, where the kernel tells who is there: $neighbours,', ({ flavour, neighbours, lateMilliseconds }) => {
  it('six strangers who left keep nobody on line and nobody out', async () => {
    router = aRouter({ flavour, neighbours, takes: 'measured' })
    for (const device of devices(1, 8)) router.join(device)
    await router.start()
    await router.pass(3000)
    await sell(1, megabytes(20))
    await router.pass(5000)
    for (const device of devices(2, 6)) router.portal.leave(aMac(device))
    router.streams.set(1, 50)
    const late = await lateBy(router, 1, megabytes(20))
    await sell(8, megabytes(20))
    await router.pass(5000)

    expect(late).toBeLessThan(lateMilliseconds * 6250)
    expect([router.isOpen(1), router.isOpen(8)]).toEqual([false, true])
    expect(router.events('gate.drift')).toEqual([])
  })
})

describe('a whole list that is not answered', () => {
  const aDeafList = (router: RouterUnderTest) =>
    router.beforeCall(async (args) => {
      const [command, name] = args
      if (command === 'status' || name === undefined) await router.clock.sleep(60_000)
    })

  it('stops no question by token: what is spent is shut, and the portal is reachable', async () => {
    router = aRouter({ flavour: 'opennds', takes: 'measured' })
    router.join(1)
    await router.start()
    await router.pass(2000)
    await sell(1, megabytes(100))
    await router.pass(2000)
    aDeafList(router)
    router.streams.set(1, 50)
    await router.pass(60_000)

    expect(router.isOpen(1)).toBe(false)
    expect(router.events('session.ended')).toHaveLength(1)
    expect(router.events('gate.drift')).toEqual([])
  })

  it('is asked for again later and later', async () => {
    router = aRouter({ flavour: 'opennds', takes: 'measured' })
    router.join(1)
    await router.start()
    await sell(1, 5e9)
    await router.pass(2000)
    aDeafList(router)
    const before = router.calls.length
    const asked: number[] = []
    router.beforeCall(async ([command, name]) => {
      if (command !== 'status' && name !== undefined) return
      asked.push(router.clock.monotonic())
      await router.clock.sleep(60_000)
    })
    await router.pass(1_800_000)
    const pauses = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))

    expect(router.calls.length).toBeGreaterThanOrEqual(before)
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.length).toBeLessThan(24)
    expect(Math.max(...pauses)).toBeGreaterThan(100_000)
  })
})

it('another program that keeps openNDS busy for seconds does not make it unreachable', async () => {
  router = aRouter({ flavour: 'opennds', takes: 'measured' })
  router.join(1)
  await router.start()
  await sell(1, 5e9)
  await router.pass(5000)
  router.streams.set(1, 8)
  const occupied = router.portal.occupy(7000)
  await router.pass(20_000)
  await occupied

  expect(router.events('gate.drift')).toEqual([])
  const { used } = (await router.session()) as { used: { bytes: number } }
  expect(used.bytes).toBeGreaterThan(megabytes(8))
})

describe.each([
  { flavour: 'opennds' as const, most: 3 },
  { flavour: 'opennds-10' as const, most: 12 },
])('100 who paid and are away, at $flavour', ({ flavour, most }) => {
  it(`keep no gate open for more than ${most} MB beyond its lot, and nobody out who has just paid`, async () => {
    router = aRouter({ flavour, takes: 'measured', maxClients: 250 })
    const { late, isNewcomerIn } = await amongHundredWhoAreAway(router)

    expect(late).toBeLessThan(megabytes(most))
    expect(isNewcomerIn).toBe(true)
  })
})

it('twelve purchases at the moment of an end do not delay it', async () => {
  router = aRouter({ takes: 250 })
  const { late, areAllIn } = await amongTwelveWhoBuy(router)

  expect(late).toBeLessThan(megabytes(4))
  expect(areAllIn).toBe(true)
})

// Bytes that the link moves within the near interval, or within half a look interval, and the calls themselves.
describe.each([
  { neighbours: true, most: 27 },
  { neighbours: false, most: 77 },
])(
  'a device that comes back after minutes, where the kernel tells who is there: $neighbours,',
  ({ neighbours, most }) => {
    it('is read before its last megabyte has become many', async () => {
      router = aRouter({ flavour: 'opennds', neighbours, takes: 'measured' })
      const late = await backAfterMinutes(router)

      expect(router.isOpen(1)).toBe(false)
      expect(late).toBeLessThan(megabytes(most))
    })
  },
)
