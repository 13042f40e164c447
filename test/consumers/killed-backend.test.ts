// Proves that a backend that is killed between handing over and outcome, at a broker that forgets, sells each purchase once.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRouter } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { connectFleet, type Item, memoryStore } from '../../client/index.ts'
import { RouterId } from '../../protocol/index.ts'
import { mosquitto } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { ended } from '../support/ended.ts'
import { until } from '../support/until.ts'

const backendProgram = resolve(import.meta.dirname, '../../dist/backend.js')
const perRound = 20
const rounds = 3

test.skipIf(mosquitto.missing)(
  'a killed backend and a killed broker: one outcome each, none granted twice',
  async ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-killed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const broker = await forgetfulMosquitto(folder)
    onTestFinished(broker.kill)
    const keys: string[] = []
    for (let round = 0; round < rounds; round++) {
      // The router is away: what is handed over now has no outcome before the kill.
      const backend = await aBackend(folder, broker.url)
      for (let number = 0; number < perRound; number++) {
        const key = `order-${round}-${number}`
        keys.push(key)
        void buy(backend.url, key).catch(() => {})
      }
      await until(() => outboxOf(folder).length >= keys.length)
      if (round === 1) await broker.restart()
      if (round === 2) {
        // This time in the midst of the answers.
        const router = await aRouter(folder, broker.url)
        await sleepFor(150)
        await backend.kill()
        await router.stop('the power goes')
        continue
      }
      await backend.kill()
    }
    const router = await aRouter(folder, broker.url)
    const backend = await aBackend(folder, broker.url)
    // The callers come again for half of them; the others are asked about only.
    for (const key of keys.filter((_, index) => index % 2 === 0)) void buy(backend.url, key).catch(() => {})
    await until(
      async () =>
        (await Promise.all(keys.map((key) => outcomeOf(backend.url, key)))).every((one) => one === 'accepted'),
      60_000,
    )
    const events = await eventsOf(broker.url)
    const sold = events.flatMap((item) => (item.type === 'purchase.accepted' ? item.purchaseId : []))
    expect(sold.sort()).toEqual([...keys].sort())
    const fleet = await connectFleet({ url: broker.url, store: memoryStore() })
    const [view] = await fleet.routers()
    expect(view?.status?.conservation?.bytes).toMatchObject({ sold: keys.length * 22_020_096, difference: 0 })
    await fleet.close()
    await backend.kill()
    await router.stop('over')
  },
)

async function forgetfulMosquitto(folder: string) {
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(
    file,
    `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\nuser root\n`,
  )
  const url = `mqtt://127.0.0.1:${port}`
  let process: ChildProcess
  async function start(): Promise<void> {
    process = spawn('mosquitto', ['-c', file], { stdio: 'ignore' })
    await until(() =>
      connectFleet({ url, store: memoryStore(), within: 500 }).then(
        (fleet) => fleet.close().then(() => true),
        () => false,
      ),
    )
  }
  await start()
  return {
    url,
    kill: async () => void (await ended(process, 'SIGKILL')),
    async restart() {
      await ended(process, 'SIGKILL')
      await start()
    },
  }
}

async function aBackend(folder: string, mqtt: string): Promise<{ url: string; kill(): Promise<void> }> {
  const env = { ...process.env, BACKEND_PORT: '0', BACKEND_MQTT_URL: mqtt, BACKEND_FOLDER: join(folder, 'backend') }
  const child = spawn(process.execPath, [backendProgram], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((found) => {
    child.stdout.on('data', (text) => {
      const [address] = /http:\S+(?=\/buy)/.exec(String(text)) ?? []
      if (address) found(address)
    })
  })
  return { url, kill: async () => void (await ended(child, 'SIGKILL')) }
}

async function aRouter(folder: string, url: string) {
  const stateDir = join(folder, 'r1')
  mkdirSync(stateDir, { recursive: true })
  const router = createRouter({
    ...{
      routerId: RouterId.parse('r1'),
      number: 1,
      flavour: 'nodogsplash',
      devices: 0,
      seed: 1,
      clock: scaledClock(1),
    },
    buy: async () => ({ accepted: false }),
    env: { AGENT_MQTT_URL: url, AGENT_STATE_DIR: stateDir, AGENT_USAGE_INTERVAL_MS: '1000' },
    logFile: join(folder, 'r1.log'),
  })
  await router.open()
  return router
}

function buy(backend: string, key: string): Promise<Response> {
  // Each for a device of its own that never comes: all of them wait, and nothing is used.
  const [, round, number] = key.split('-').map(Number)
  const mac = `02:00:00:00:0${round}:${String(number).padStart(2, '0')}`
  const body = JSON.stringify({ router: 'r1', mac, amount: 1, unit: 'sat' })
  return fetch(`${backend}/buy`, { method: 'POST', headers: { 'idempotency-key': key }, body })
}

async function outcomeOf(backend: string, key: string): Promise<string> {
  const answer = (await (await fetch(`${backend}/orders/${key}`)).json()) as { outcome: string }
  return answer.outcome
}

function outboxOf(folder: string): string[] {
  try {
    const lines = readFileSync(join(folder, 'backend/outbox.jsonl'), 'utf8').split('\n')
    return [...new Set(lines.flatMap((line) => /"purchaseId":"(order-[^"]+)"/.exec(line)?.[1] ?? []))]
  } catch {
    return []
  }
}

async function eventsOf(url: string): Promise<Item[]> {
  const fleet = await connectFleet({ url, store: memoryStore() })
  const last = (await fleet.routers())[0]?.status?.journal?.lastSeq ?? 0
  const events: Item[] = []
  for await (const { item } of fleet.events()) {
    events.push(item)
    if ('seq' in item && (item.seq ?? 0) >= last) break
  }
  await fleet.close()
  return events
}
