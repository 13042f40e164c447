// Every way to a broker that an address may name: the agent as a process sells over each of them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { aCertificate, tlsDoor } from '../support/brokers/a-certificate.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const phone = mac(1)
const broker = createBroker()
let ports: { port: number; wsPort: number }
let router: Router | undefined
let door: { port: number; close(): void } | undefined
beforeEach(async () => {
  ports = await broker.open({})
})
afterEach(async () => {
  await router?.close()
  door?.close()
  await broker.close()
})

async function sellsAt(url: string, env: Record<string, string> = {}): Promise<void> {
  router = await openRouter({ url: `mqtt://127.0.0.1:${ports.port}`, env: { AGENT_MQTT_URL: url, ...env } })
  router.browse(phone, ip(1))
  await router.start()
  await router.publish({ purchaseId: 'p1', mac: phone, amount: 1, unit: 'sat' })
  await router.hears('session.started')
  expect(router.portal.gateOpen(phone)).toBe(true)
}

it('sells at a ws:// broker', () => sellsAt(`ws://127.0.0.1:${ports.wsPort}/mqtt`))

it('finds a ws:// broker again that was away', async () => {
  await sellsAt(`ws://127.0.0.1:${ports.wsPort}`)
  const before = router?.statuses.length
  await broker.close()
  await broker.open(ports)
  await until(() => router?.statuses.slice(before).at(-1)?.state === 'online')
})

describe('behind TLS', () => {
  it.each(['mqtts', 'wss'])('sells at a %s:// broker', async (scheme) => {
    const certificate = await aCertificate()
    door = await tlsDoor(certificate, scheme === 'wss' ? ports.wsPort : ports.port)
    await sellsAt(`${scheme}://localhost:${door.port}`, { AGENT_MQTT_CA_FILE: certificate.certFile })
  })
})
