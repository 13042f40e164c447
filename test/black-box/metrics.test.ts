// Proves the agent's own metrics: none unless they are asked for, then what the status says, valid to those who read them.
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, it, test } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { isMissing as isModuleMissing, python } from '../support/processes/debian-python.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const broker = createBroker()
let router: Router
let url = ''
beforeEach(async () => {
  const { port } = await broker.open({ port: 0, wsPort: 0 })
  url = `http://127.0.0.1:${await freePort()}`
  const address = url.slice('http://'.length)
  router = await openRouter({ url: `mqtt://127.0.0.1:${port}`, env: { AGENT_METRICS_LISTEN: address } })
  await router.start()
  router.browse(mac(1), ip(1))
  await router.publish({ purchaseId: 'p1', mac: mac(1), amount: 0.1 + 30.9, unit: 'sat' })
  await router.hears('session.started')
})
afterEach(async () => {
  await router.close()
  await broker.close()
})

async function metrics(accept = 'text/plain'): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { accept } })).text()
}

it('tells what was sold, for how much, and what the disk and the portal are like', async () => {
  const lines = (await metrics()).split('\n')
  const ours = `router="${router.id}"`
  expect(lines).toContain(`tollgate_sold_bytes_total{${ours}} 682622976`)
  expect(lines).toContain(`tollgate_money_total{${ours},unit="sat"} 31`)
  expect(lines).toContain(`tollgate_purchases_total{${ours},outcome="accepted"} 1`)
  expect(lines).toContain(`tollgate_portal_reachable{${ours}} 1`)
  expect(lines).toContain(`tollgate_disk_refuses{${ours}} 0`)
  expect(lines).toContain(`tollgate_gate_opening_seconds_count{${ours}} 1`)
  // Others know that better than the router.
  expect(lines.join()).not.toMatch(/tollgate_lost_events|tollgate_router_heard/)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
})

it('is unwell while the portal does not answer, and says why', async () => {
  router.portal.stop()
  await until(async () => (await fetch(`${url}/healthz`)).status === 503, 20_000)
  expect(await (await fetch(`${url}/healthz`)).text()).toContain('the portal cannot be reached')
  expect(await metrics()).toContain('tollgate_portal_reachable{')
})

it('lets nobody in where metrics are not asked for', async () => {
  await router.stop()
  await expect(metrics()).rejects.toThrow('fetch failed')
})

const promtool = spawnSync('promtool', ['--version']).error
  ? 'promtool is not installed: apt-get install prometheus'
  : ''
if (promtool && process.env.CI) throw new Error(promtool)

test.skipIf(promtool)('and are without fault for promtool', async () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: await metrics(),
    encoding: 'utf8',
  })
  expect([stdout, stderr, status]).toEqual(['', '', 0])
})

test.skipIf(isModuleMissing('prometheus_client', 'python3-prometheus-client'))(
  'and for a reader of OpenMetrics',
  async () => {
    const script =
      'import sys\nfrom prometheus_client.openmetrics.parser import text_string_to_metric_families as read\nprint(len(list(read(sys.stdin.read()))))'
    const { status, stdout, stderr } = spawnSync(python, ['-c', script], {
      input: await metrics('application/openmetrics-text'),
      encoding: 'utf8',
    })
    expect([stderr, status]).toEqual(['', 0])
    expect(Number(stdout)).toBeGreaterThan(25)
  },
)
