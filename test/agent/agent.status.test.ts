// Proves that the status says why a router is degraded, what it sells, and since when the broker has it so.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Status } from '../../protocol/index.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter({ env: { AGENT_COLOUR: 'red' } })
  router.join(1)
  await router.start()
})
afterEach(() => expect(router.invalid()).toEqual([]))

const status = () => router.uplink.liveStatus()

describe('a degraded router says why', () => {
  it('when the portal cannot be reached', async () => {
    router.portal.stop()
    await router.pass(20_000)

    expect(status()).toMatchObject({ state: 'degraded' })
    expect(status().warnings).toContainEqual(expect.stringContaining('the portal cannot be reached'))
  })

  it('when the disk refuses writes', async () => {
    router.disk.refuse()
    await router.uplink.purchase(aGrant('bytes', 1000)).catch(() => {})
    await router.pass(5000)

    expect(status()).toMatchObject({ state: 'degraded', flash: { state: 'refusing' } })
    expect(status().warnings).toContainEqual(expect.stringContaining('the disk refuses writes'))
  })

  it('and says so no more when it is over', async () => {
    router.portal.stop()
    await router.pass(20_000)
    router.portal.start()
    await router.pass(20_000)

    expect(status()).toMatchObject({ state: 'online', flash: { state: 'sound' } })
    expect(status().warnings.join()).not.toContain('portal')
  })
})

describe('the status', () => {
  it('has what the router sells, and how often it reports', () => {
    expect(status()).toMatchObject({
      prices: { metric: 'bytes', stepSize: 22_020_096, prices: [{ unit: 'sat' }], directGrants: true },
      usageIntervalMilliseconds: 10_000,
      skipped: [],
    })
  })

  it('warns of a variable that looks like a setting and is none, once', () => {
    expect(status().warnings.filter((warning) => warning.includes('AGENT_COLOUR'))).toHaveLength(1)
  })

  it('tells since when the broker has it so: an outage shows', async () => {
    const before = status().since
    await router.pass(60_000)
    router.uplink.disconnect()
    await router.pass(3_600_000)
    router.uplink.connect()
    await settled()

    expect(Date.parse(status().since) - Date.parse(before)).toBeGreaterThanOrEqual(3_660_000)
  })
})

it('the last will has what is known when the connection is made, and its time', async () => {
  await router.grant('bytes', 5_000_000)
  const will = Status.parse(router.uplink.lastWill)

  expect(will).toMatchObject({
    state: 'offline',
    since: expect.any(String),
    sessions: { open: 1 },
    portal: { kind: 'nodogsplash' },
    prices: { metric: 'bytes' },
  })
})
