// Proves that a router behind a slow link comes on line, and that outcomes do not wait behind reports.
import { afterEach, expect, it } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { type Link, openLink } from '../../broker-dev/broker/link.ts'
import { anOnlineAgent, type OnlineAgent } from '../support/an-online-agent.ts'
import { aCertificate, tlsDoor } from '../support/brokers/a-certificate.ts'
import { type StrictBroker, strictBroker } from '../support/brokers/strict-broker.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { until } from '../support/until.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})
const kept = <T extends { close(): unknown }>(part: T): T => {
  open.push(part)
  return part
}

it('comes on line by TLS over 2 s each way at 1,000 B/s', { timeout: 120_000 }, async () => {
  const broker = kept(createBroker())
  const { port } = await broker.open({})
  const certificate = await aCertificate()
  const door = kept(await tlsDoor(certificate, port))
  const link = kept(await openLink(door.port, { slowness: { bytesPerSecond: 1000, delayMilliseconds: 2000 } }))
  const url = `mqtts://localhost:${link.port}`
  const agent = kept(await anOnlineAgent({ AGENT_MQTT_URL: url, AGENT_MQTT_CA_FILE: certificate.certFile }))
  await until(() => agent.said('info').some((line) => line.includes('connected to the broker')), 100_000)

  expect(agent.said('warn').filter((line) => line.includes('no connection'))).toEqual([])
})

// A minute of the agent's life in twelve seconds, and the link as much faster: the agent's patience must outlast a busy machine.
const speed = 5
// SLOW_LINK_MINUTES=10 prints the figures of a longer run.
const minutes = Number(process.env.SLOW_LINK_MINUTES ?? 0.5)
const customers = process.env.SLOW_LINK_MINUTES ? 60 : 30

/**
 * Customers with sessions, who buy again one after another: how long each outcome took, in the agent's seconds, and how
 * many parts of reports came before it.
 */
async function outcomesOver(
  link: Link,
  broker: StrictBroker,
  agent: OnlineAgent,
): Promise<{ took: number[]; before: number[]; most: number }> {
  const accepted = (id: string) => broker.published.some(({ message }) => message.purchaseId === id)
  const sell = (id: string, n: number) =>
    broker.send('router/r1/purchase', JSON.stringify(aGrant('bytes', 1_000_000, { purchaseId: id, mac: aMac(n) })))
  await until(() => broker.published.length > 0, 20_000)
  for (let n = 1; n <= customers; n++) sell(`first-${n}`, n)
  await until(() => accepted(`first-${customers}`), 120_000)
  const reports = () => broker.published.filter(({ message }) => message.type === 'usage').length
  const took: number[] = []
  const before: number[] = []
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, link.unsentBytes)
  }, 10)
  const end = agent.clock.monotonic() + minutes * 60_000
  for (let n = 1; agent.clock.monotonic() < end; n++) {
    const from = agent.clock.monotonic()
    const reported = reports()
    sell(`again-${n}`, (n % customers) + 1)
    await until(() => accepted(`again-${n}`), 120_000)
    before.push(reports() - reported)
    took.push((agent.clock.monotonic() - from) / 1000)
    // A purchase every 5 s: as often as that link could carry outcomes at all.
    await until(() => agent.clock.monotonic() - from >= 5000)
  }
  clearInterval(watch)
  return { took: took.sort((a, b) => a - b), before, most }
}

it('tells an outcome before the reports over 8 kbit/s', {
  timeout: 300_000,
}, async () => {
  const broker = kept(await strictBroker())
  const link = kept(await openLink(broker.port, { slowness: { bytesPerSecond: 1000 * speed } }))
  const env = { AGENT_MQTT_URL: `mqtt://127.0.0.1:${link.port}`, AGENT_MQTT_VERSION: '5' }
  const agent = kept(await anOnlineAgent(env, { speed }))
  const { took, before, most } = await outcomesOver(link, broker, agent)
  const p99 = took[Math.ceil(took.length * 0.99) - 1] ?? 0
  const reports = broker.published.filter(({ message }) => message.type === 'usage')
  if (process.env.SLOW_LINK_MINUTES)
    console.log({ outcomes: took.length, median: took[took.length >> 1], p99, most, reports: reports.length })

  // One part of a report is under way at most, and another one may have been let go before the purchase was stored.
  expect(Math.max(...before)).toBeLessThanOrEqual(2)
  // Messages under way are in buffers that are full: the window of the uplink bounds them, for ever.
  expect(most).toBeLessThan(64 * 1024)
  expect(reports.length).toBeGreaterThan(0)
  expect(Math.max(...reports.map(({ bytes }) => bytes))).toBeLessThanOrEqual(8 * 1024)
  expect(broker.ended).toEqual([])
  expect(broker.connects).toHaveLength(1)
})
