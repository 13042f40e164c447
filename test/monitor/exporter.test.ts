// Proves the fleet's exporter: every router's figures, silence by a deadline, and nothing of a router that is retired.
import { connectAsync } from 'mqtt'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectFleet, memoryStore } from '../../client/index.ts'
import { runExporter } from '../../monitor/exporter.ts'
import { RouterId } from '../../protocol/index.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { accepted, ended, started, status } from '../support/messages.ts'
import { type PaperRouter, paperRouter } from '../support/paper-router.ts'
import { until } from '../support/until.ts'

const r2 = RouterId.parse('r2')
const ends: (() => Promise<unknown>)[] = []
let url = ''
let broker = ''
let routers: PaperRouter[] = []
beforeEach(async () => {
  const open = await aBroker()
  broker = open.url
  routers = [await paperRouter(broker, {}), await paperRouter(broker, {}, r2)]
  const fleet = await connectFleet({ url: broker, store: memoryStore() })
  const end = new AbortController()
  const address = { host: '127.0.0.1', port: 0 }
  let running: Promise<void> = Promise.resolve()
  url = await new Promise((onListening) => {
    running = runExporter(fleet, { address, from: 'now', signal: end.signal, onListening }).catch(() => {})
  })
  ends.push(open.close, ...routers.map(({ close }) => close), fleet.close, async () => {
    end.abort()
    await running
  })
  await until(async () => (await fetch(`${url}/healthz`)).status === 200)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function lines(about = ''): Promise<string[]> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return text.split('\n').filter((line) => line.startsWith(`tollgate_${about}`))
}

it('tells the figures of every router, each event counted once', async () => {
  const [one, other] = routers
  await one?.say('status', status(0, { sold: 1000, used: 400, remaining: 600 }), true)
  await other?.say('status', { ...status(0), routerId: r2 }, true)
  const paid = { amount: 31, unit: 'sat', pricePerStep: 1, steps: 31, change: 0 }
  const events = [accepted(1, { paid }), started(2), ended(3)]
  one?.keep(events)
  for (const event of [...events, ...events]) await one?.say('usage', event)
  await other?.say('usage', { ...accepted(1), routerId: r2 })
  await until(async () => (await lines('sessions_ended')).some((line) => line.endsWith(' 1')))
  await until(async () => (await lines('purchases')).join().includes('router="r2",outcome="accepted"} 1'))
  expect(await lines('purchases_total')).toEqual([
    'tollgate_purchases_total{router="r1",outcome="accepted"} 1',
    'tollgate_purchases_total{router="r2",outcome="accepted"} 1',
  ])
  expect(await lines('money_total')).toEqual(['tollgate_money_total{router="r1",unit="sat"} 31'])
  expect(await lines('used_bytes')).toContain('tollgate_used_bytes_total{router="r1"} 400')
  expect(await lines('lost_events_total{router="r1",why="epoch"')).toEqual([
    'tollgate_lost_events_total{router="r1",why="epoch"} 0',
  ])
})

it('calls a router silent that says nothing, whatever its stored status says', async () => {
  await routers[0]?.say('status', { ...status(0), usageIntervalMilliseconds: 100 }, true)
  const state = async () => (await lines('router_state')).filter((line) => line.endsWith(' 1'))
  await until(async () => (await state()).includes('tollgate_router_state{router="r1",state="silent"} 1'))
  expect(await lines('portal_reachable')).toEqual([])
})

it('tells nothing more of a router whose stored status was taken away', async () => {
  for (const [index, router] of routers.entries()) {
    await router.say('status', { ...status(0), routerId: `r${index + 1}` }, true)
  }
  await until(async () => (await lines('router_info')).length === 2)
  const operator = await connectAsync(broker)
  await operator.publishAsync('router/r1/status', '', { retain: true, qos: 1 })
  await operator.endAsync()
  await until(async () => (await lines('router_info')).length === 1)
  expect((await lines()).filter((line) => line.includes('router="r1"'))).toEqual([])
})
