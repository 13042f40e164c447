// The agent with the `ndsctl` program, a process for every call: everywhere else it asks the daemon's socket, which costs the
// machine less and is the same to a broker.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { aedes, type TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const megabytes = 1_000_000
const phone = mac(1)

let broker: TestBroker
let router: Router
beforeEach(async () => {
  broker = await aedes.open()
})
afterEach(async () => {
  await router.close()
  await broker.close()
})

// Only the program can answer, and every look starts it: looks are as rare as the tests have patience for.
const byProgram = {
  transport: 'exec',
  env: { AGENT_NDS_SOCKET: '/nowhere', AGENT_LOOK_INTERVAL_MS: '1500', AGENT_NEAR_INTERVAL_MS: '500' },
} as const

async function buy(purchaseId: string, allotment: number): Promise<void> {
  const accepted = router.ofType('purchase.accepted').length
  await router.publish({ purchaseId, mac: phone, metric: 'bytes', allotment })
  await router.hears('purchase.accepted', accepted + 1)
}

it.each([
  { flavour: 'nodogsplash', unit: megabytes },
  { flavour: 'opennds', unit: 1024 * 1024 },
] as const)('opens, meters, tops up and shuts at $flavour', async ({ flavour, unit }) => {
  router = await openRouter({ url: broker.url, flavour, ...byProgram })
  router.browse(phone, ip(1))
  await router.start()
  await buy('p1', 2 * unit)
  await router.hears('session.started')
  router.portal.transfer(phone, { downloaded: unit, uploaded: 0 })
  await until(() => router.ofType('usage').at(-1)?.sessions[0]?.used.bytes === unit)
  await buy('p2', 2 * unit)
  const opened = router.calls.filter((call) => call.startsWith('auth'))
  router.portal.transfer(phone, { downloaded: 2 * unit, uploaded: unit })
  const [ended] = await router.hears('session.ended')

  expect(opened).toHaveLength(1)
  expect(ended).toMatchObject({ reason: 'allotment-used', used: { bytes: 4 * unit }, overshootBytes: 0 })
  expect(router.portal.gateOpen(phone)).toBe(false)
})

it('goes on at the right figure after SIGKILL', async () => {
  router = await openRouter({ url: broker.url, ...byProgram })
  router.browse(phone, ip(1))
  await router.start()
  await buy('p1', 3 * megabytes)
  await router.hears('session.started')
  await router.kill()
  router.portal.transfer(phone, { downloaded: megabytes, uploaded: megabytes })
  await router.start()
  await until(() => router.ofType('usage').at(-1)?.sessions[0]?.used.bytes === 2 * megabytes)
  expect(router.portal.gateOpen(phone)).toBe(true)
})
