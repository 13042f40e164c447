// Five routers' lives, 20 times as fast, with customers who buy: what two killed consumers have together is what the
// routers said, every message is by the published schemas, and a journal that is begun anew is told of.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { connectAsync, type MqttClient } from 'mqtt'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, expect, it, test } from 'vitest'
import { createBackend } from '../../broker-dev/backend/backend.ts'
import { createRouter, type Router } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { connectFleet, type Item, memoryStore } from '../../client/index.ts'
import { parseTopic, RouterId } from '../../protocol/index.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { ended } from '../support/ended.ts'
import { isMissing, python } from '../support/processes/debian-python.ts'
import { until } from '../support/until.ts'

// Faster, a disk that is shared with others would hang by the routers' own clocks.
const speed = 20
// HOUR_SECONDS=180 gives each of them a whole hour.
const seconds = Number(process.env.HOUR_SECONDS ?? 20)
const ids = [1, 2, 3, 4, 5].map((number) => RouterId.parse(`r${number}`))
const client = resolve(import.meta.dirname, '../../dist/package/client.js')

type Said = { schema: string; name: string; value: Record<string, unknown> }

let folder = ''
let broker: Awaited<ReturnType<typeof aBroker>>
let recorder: MqttClient
const said: Said[] = []
const logs: Item[][] = []
let kills = 0

beforeAll(
  async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-hour-'))
    broker = await aBroker()
    recorder = await connectAsync(broker.url)
    recorder.on('message', (topic, payload) => {
      if (payload.length > 0) said.push({ schema: schemaOf(topic), name: topic, value: JSON.parse(String(payload)) })
    })
    await recorder.subscribeAsync('router/#', { qos: 1 })
    const backend = createBackend({ url: broker.url, folder: join(folder, 'backend') })
    await backend.open()
    const consumers = [0, 1].map((index) => aConsumer(index))
    const routers = ids.map((routerId, index) =>
      aRouter(routerId, index + 1, async (mac, order) => {
        const result = await backend.buy(uuidv7(), routerId, { mac, ...order })
        return result.outcome === 'accepted'
          ? { accepted: true, remaining: result.event.session?.remaining ?? {} }
          : { accepted: false }
      }),
    )
    for (const router of routers) await router.open()
    await until(() =>
      ids.every((id) => said.some(({ name, value }) => name === `router/${id}/status` && value.state === 'online')),
    )
    for (const router of routers) router.openCustomers()
    const asking = await askAll()
    await live(consumers)
    await asking.close()
    await caughtUp(consumers)
    await Promise.all(routers.map((router) => router.stopBuying()))
    await Promise.all(routers.map((router) => router.stop('the hour is over')))
    await caughtUp(consumers)
    for (const consumer of consumers) {
      await consumer.kill()
      logs.push(consumer.read())
    }
    await backend.close()
  },
  seconds * 1000 + 90_000,
)
afterAll(async () => {
  await recorder.endAsync(true)
  await broker.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A router that is off gives nothing again. */
async function caughtUp(consumers: ReturnType<typeof aConsumer>[]): Promise<void> {
  const last = ids.map((id) => journalOf(id).at(-1)?.seq)
  await until(() => {
    const read = consumers.flatMap((consumer) => consumer.read())
    return ids.every((id, index) =>
      read.some((item) => item.routerId === id && 'seq' in item && item.seq === last[index]),
    )
  }, 30_000)
}

/** Every consumer is killed three times, at moments of no meaning. */
async function live(consumers: ReturnType<typeof aConsumer>[]): Promise<void> {
  const end = performance.now() + seconds * 1000
  const pauses = [3100, 4300, 5700]
  await Promise.all(
    consumers.map(async (consumer, index) => {
      for (const pause of pauses) {
        await sleepFor(pause + index * 700)
        await consumer.kill()
        kills++
        await sleepFor(600)
        consumer.start()
      }
    }),
  )
  // At least until the last one listens again.
  await sleepFor(Math.max(4000, end - performance.now()))
}

function aRouter(
  routerId: RouterId,
  number: number,
  buy: Parameters<typeof createRouter>[0]['buy'],
  stateDir = join(folder, routerId),
): Router {
  mkdirSync(stateDir, { recursive: true })
  return createRouter({
    ...{ routerId, number, buy, devices: 5, seed: 7, clock: scaledClock(speed) },
    flavour: (['nodogsplash', 'opennds', 'opennds-10'] as const)[number - 1] ?? 'nodogsplash',
    env: { AGENT_MQTT_URL: broker.url, AGENT_STATE_DIR: stateDir, AGENT_LINK_MBIT: '500' },
    logFile: join(folder, `${routerId}.log`),
  })
}

/** Asks every router everything, now and then, so that the replies are seen too. */
async function askAll(): Promise<{ close(): Promise<void> }> {
  const fleet = await connectFleet({ url: broker.url, store: memoryStore() })
  const timer = setInterval(() => {
    for (const id of ids) {
      for (const command of ['sessions', 'config', 'usage'] as const) void fleet.query(id, { command }).catch(() => {})
      const sold = journalOf(id).findLast(({ type }) => type === 'purchase.accepted')
      if (!sold) continue
      const { purchaseId, mac } = sold as { purchaseId: string; mac: string }
      void fleet.query(id, { command: 'purchase.explain', purchaseId }).catch(() => {})
      // A pause is taken back at once: a customer who waits for ever buys nothing.
      void fleet
        .command(id, { command: 'session.pause', mac })
        .then(() => fleet.command(id, { command: 'session.resume', mac }))
        .catch(() => {})
    }
  }, 2000)
  return {
    async close() {
      clearInterval(timer)
      await fleet.close()
    },
  }
}

function schemaOf(topic: string): string {
  const channel = parseTopic(topic)?.channel ?? 'none'
  return channel === 'query' ? 'command' : channel
}

/** The events of a router as it said them, each once. */
function journalOf(id: string): Record<string, unknown>[] {
  const events = said.filter(({ name, value }) => name === `router/${id}/usage` && value.seq !== undefined)
  return [...new Map(events.map(({ value }) => [value.seq, value])).values()].sort(
    (a, b) => Number(a.seq) - Number(b.seq),
  )
}

const consumer = `
import { appendFileSync } from 'node:fs'
const { connectFleet, memoryStore } = await import(process.env.CLIENT)
const fleet = await connectFleet({ url: process.env.BROKER, store: memoryStore() })
const partition = { index: Number(process.env.INDEX), of: 2 }
for await (const { item, cursor } of fleet.events({ from: process.env.CURSOR || undefined, partition })) {
  appendFileSync(process.env.LOG, JSON.stringify({ item, cursor }) + '\\n')
}`

function aConsumer(index: number) {
  const log = join(folder, `consumer-${index}.jsonl`)
  writeFileSync(log, '')
  let child: ChildProcess
  const lines = () => {
    const text = readFileSync(log, 'utf8')
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
  }
  function start(): void {
    // A line that a kill cut off was not taken.
    truncateSync(
      log,
      Buffer.byteLength(
        lines()
          .map((line) => `${line}\n`)
          .join(''),
      ),
    )
    const last = lines().at(-1)
    const cursor = last === undefined ? '' : JSON.parse(last).cursor
    const env = { ...process.env, CLIENT: client, BROKER: broker.url, INDEX: String(index), LOG: log, CURSOR: cursor }
    child = spawn(process.execPath, ['--input-type=module', '-e', consumer], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  start()
  return {
    start,
    kill: () => ended(child, 'SIGKILL'),
    read: (): Item[] => lines().map((line) => JSON.parse(line).item),
  }
}

it('two consumers, each killed three times, have together what the routers said, once and in order', () => {
  expect(kills).toBe(6)
  const shares = logs.map((log) => new Set(log.map(({ routerId }) => routerId)))
  expect([...(shares[0] ?? [])].filter((id) => shares[1]?.has(id))).toEqual([])
  expect(logs.flat().filter(({ type }) => type === 'lost' || type === 'unrecognised')).toEqual([])
  for (const id of ids) {
    const journal = journalOf(id)
    expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index + 1))
    const merged = logs.flat().filter(({ routerId }) => routerId === id)
    expect(merged.map(comparable)).toEqual(journal.map(comparable))
  }
  const count = logs.flat().length
  const historical = logs.flat().filter((item) => 'historical' in item).length
  console.log(
    `consumers: ${count} events of ${ids.length} routers, ${historical} of them filled in after ${kills} kills`,
  )
  expect(historical).toBeGreaterThan(0)
})

// The prices are added to a refusal when it is published, and are not in the journal.
function comparable(item: object): object {
  const { historical: _, metric, stepSize, prices, ...rest } = item as Record<string, unknown>
  return rest.type === 'purchase.rejected' ? rest : { ...rest, metric, stepSize, prices }
}

it('every message is by the published schemas, for ajv', () => {
  const ajv = addFormats.default(new Ajv2020({ strict: true, allowUnionTypes: true }))
  const validators = new Map(
    ['purchase', 'usage', 'status', 'command', 'reply'].map((name) => [name, ajv.compile(schemaFile(name))]),
  )
  const wrong = said.filter(({ schema, value }) => !validators.get(schema)?.(value))
  const kinds = new Map<string, number>()
  for (const { schema, value } of said) {
    const kind = `${schema} ${value.type ?? value.command ?? value.state ?? ''}`
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  console.log(
    `traffic: ${said.length} messages of ${kinds.size} kinds in ${Math.round((seconds * speed) / 60)} simulated minutes of ${ids.length} routers`,
  )
  expect(wrong.slice(0, 3)).toEqual([])
  expect(kinds.size).toBeGreaterThan(18)
  expect(said.length).toBeGreaterThan(300)
})

test.skipIf(isMissing('jsonschema', 'python3-jsonschema'))('and for python3-jsonschema', () => {
  const script = resolve(import.meta.dirname, '../api/validate.py')
  const input = said.map((one) => `${JSON.stringify(one)}\n`).join('')
  const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8', maxBuffer: 2 ** 28 })
  expect([status, stdout.trim(), stderr]).toEqual([0, `${said.length} messages, 0 of them wrong`, ''])
})

function schemaFile(name: string): object {
  return JSON.parse(readFileSync(resolve(import.meta.dirname, `../../docs/api/schemas/${name}.json`), 'utf8'))
}

it('a journal that is begun anew is a lost item, and its events follow', async () => {
  const fleet = await connectFleet({ url: broker.url, store: memoryStore() })
  const cursors = new Map<string, string>()
  for await (const { item, cursor } of fleet.events({
    from: 'now',
    routers: ['r9'],
    onListening: () => void restart(1),
  })) {
    if (item.type === 'agent.stopped') {
      cursors.set('r9', cursor)
      break
    }
  }
  rmSync(join(folder, 'r9'), { recursive: true })
  const items: Item[] = []
  for await (const { item } of fleet.events({
    from: cursors.get('r9'),
    routers: ['r9'],
    onListening: () => void restart(2),
  })) {
    items.push(item)
    if (item.type === 'agent.stopped') break
  }
  await fleet.close()
  expect(items).toMatchObject([
    { type: 'lost', why: 'epoch', routerId: 'r9' },
    { type: 'agent.started', why: 'first-start', seq: 1 },
    { type: 'agent.stopped' },
  ])
})

async function restart(number: number): Promise<void> {
  const router = aRouter(RouterId.parse('r9'), 9, async () => ({ accepted: false }), join(folder, 'r9'))
  const before = said.length
  await router.open()
  await until(() =>
    said.slice(before).some(({ name, value }) => name === 'router/r9/status' && value.state === 'online'),
  )
  await router.stop(`stop ${number}`)
}
