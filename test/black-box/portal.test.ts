// How the agent meets its portal, whichever broker there is: when a gate is shut, how often the portal is asked and in which units it
// counts, and a portal that restarts.
import { afterEach, beforeEach, expect, it } from 'vitest'
import { aedes, mosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router, type RouterOptions } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const megabytes = 1_000_000
const phone = mac(1)
// More than the looks of the case; the agent's own tests have hundreds.
const sessions = 15

let broker: TestBroker
let router: Router
beforeEach(async () => {
  broker = await (mosquitto.missing ? aedes : mosquitto).open()
})
afterEach(async () => {
  await router.close()
  await broker.close()
})

async function aRouter(options: Omit<RouterOptions, 'url'> = {}): Promise<void> {
  router = await openRouter({ url: broker.url, ...options })
  await router.start()
}

const bytes = (purchaseId: string, allotment: number, device = phone) => ({
  purchaseId,
  mac: device,
  metric: 'bytes',
  allotment,
})
const time = (purchaseId: string, allotment: number) => ({ purchaseId, mac: phone, metric: 'milliseconds', allotment })

it('closes at four seconds when two were bought and two more at one', async () => {
  await aRouter()
  router.browse(phone, ip(1))
  await router.publish(time('p1', 2000))
  await router.hears('session.started')
  const opened = performance.now()
  await until(() => performance.now() - opened >= 1000)
  await router.publish(time('p2', 2000))
  const [ended] = await router.hears('session.ended')
  const stayed = performance.now() - opened
  // The start may be heard late; two seconds would show all the same.
  expect(stayed).toBeGreaterThan(3000)
  // How soon after the fourth second depends on how fast this machine starts ndsctl; what was charged does not.
  expect(ended?.used).toEqual({ milliseconds: 4000 })
  expect(ended).toMatchObject({ reason: 'allotment-used', terminateCause: { name: 'Session-Timeout', number: 5 } })
  expect(ended?.purchases.map((purchase) => purchase.unused)).toEqual([0, 0])
})

it('asks nodogsplash once a look, however many sessions are open', async () => {
  await aRouter()
  const devices = Array.from({ length: sessions }, (_, index) => index + 1)
  for (const device of devices) router.browse(mac(device), ip(device))
  await Promise.all(devices.map((device) => router.publish(bytes(`p${device}`, 500 * megabytes, mac(device)))))
  await router.hears('session.started', sessions, 60_000)
  const before = router.calls.length
  const reports = router.ofType('usage').length
  await router.hears('usage', reports + 4)
  const calls = router.calls.slice(before)
  // A report comes with a look of its own; a look interval may fall between two of them.
  expect(calls.every((call) => call === 'json')).toBe(true)
  expect(calls.length).toBeLessThanOrEqual(2 * 5 + 1)
}, 90_000)

it('opens and meters on openNDS in its own units', async () => {
  await aRouter({ flavour: 'opennds' })
  router.browse(phone, ip(1))
  await router.publish(bytes('p1', 10 * megabytes))
  await router.hears('session.started')
  router.portal.transfer(phone, { downloaded: 2048 * 1024, uploaded: 1024 * 1024 })
  await until(() => router.ofType('usage').at(-1)?.sessions[0]?.used.bytes === 3072 * 1024)
  expect(router.statuses.at(-1)).toMatchObject({
    portal: { kind: 'opennds', version: '9.10.0', state: 'reachable' },
  })
})

it('lets a paid device wait for the portal, and survives a portal that restarts', async () => {
  await aRouter()
  await router.publish(bytes('p1', 10 * megabytes))
  await router.hears('purchase.accepted')
  router.browse(phone, ip(1))
  await router.hears('session.started')
  router.portal.restart()
  await router.hears('gate.drift')
  router.browse(phone, ip(1))
  await until(() => router.portal.gateOpen(phone))
  expect(router.ofType('session.started')).toHaveLength(1)
})
