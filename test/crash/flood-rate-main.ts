// Shows what a flood of so many junk purchases a second costs: `flood:rate [--rate 10000] [--seconds 30]`: the agent's memory from
// second to second, and the longest that an honest customer waited for the gate. A broker that passes fewer on is said to.
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import mqtt from 'mqtt'
import { commandLine, wholeNumber } from '../../broker-dev/command-line.ts'
import { openMosquitto } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

interface Pouring {
  url: string
  id: string
  rate: number
  seconds: number
}
/** Messages in a second: handed to the broker and taken by it; answers of the agent that came back. */
interface Told {
  taken: number
  answered: number
}

const mostUnderWay = 4000
const beat = 10
const mostMemory = 1.6
const patience = 60_000

await (isMainThread ? direct() : pour(workerData))

/** In a thread of its own, so that it takes nothing from who watches the gates. */
async function pour({ url, id, rate, seconds }: Pouring): Promise<void> {
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 200 })
  const told: Told = { taken: 0, answered: 0 }
  const ear = await mqtt.connectAsync(url, { reconnectPeriod: 200 })
  ear.on('message', () => told.answered++)
  await ear.subscribeAsync(`router/${id}/usage`, { qos: 0 })
  const telling = setInterval(() => parentPort?.postMessage({ ...told }), 1000)
  const began = performance.now()
  let sent = 0
  for (let now = 0; now < seconds * 1000; now = performance.now() - began) {
    for (const due = (now / 1000) * rate; sent < due && sent - told.taken < mostUnderWay; sent++) {
      const junk = { purchaseId: `junk-${sent}`, mac: mac(9), amount: 1, unit: 'shells' }
      client.publish(`router/${id}/purchase`, JSON.stringify(junk), { qos: 1 }, () => told.taken++)
    }
    await sleepFor(beat)
  }
  parentPort?.postMessage({ ...told })
  clearInterval(telling)
  await client.endAsync(true)
  await ear.endAsync(true)
}

async function direct(): Promise<void> {
  const { rate, seconds, shipped } = commandLine(
    'npm run flood:rate --',
    'Floods one router with junk purchases, and shows what it costs.',
  )
    .option('--rate <count>', 'purchases a second', wholeNumber(1, 1e6), 10_000)
    .option('--seconds <count>', 'for so long', wholeNumber(1, 3600), 30)
    .option('--shipped', 'at a Mosquitto with the shipped settings, which saves with every change', false)
    .parse()
    .opts<{ rate: number; seconds: number; shipped: boolean }>()
  const settings = shipped ? readFileSync('deploy/mosquitto/mosquitto.conf', 'utf8').split('\n') : []
  const broker = await openMosquitto({ settings })
  const router = await openRouter({
    url: broker.url,
    env: { AGENT_USAGE_INTERVAL_MS: '10000', AGENT_LOG_LEVEL: 'warn' },
  })
  try {
    await router.start()
    await router.client.unsubscribeAsync(`router/${router.id}/usage`)
    const before = residentOf(router.pid())
    const told: Told[] = []
    const pouring: Pouring = { url: broker.url, id: router.id, rate, seconds }
    const worker = new Worker(new URL(import.meta.url), { workerData: pouring })
    worker.on('message', (one: Told) => told.push(one))
    const over = new Promise<void>((resolve, reject) => worker.once('exit', () => resolve()).once('error', reject))
    const [memory, delays] = await Promise.all([memoryUntil(over, router.pid()), honestUntil(over, router)])
    await sleepFor(15_000)
    report({ rate, seconds, before, memory, delays, told, after: residentOf(router.pid()) })
  } finally {
    await router.close()
    await broker.close()
  }
}

async function memoryUntil(over: Promise<void>, pid: number | undefined): Promise<number[]> {
  const readings: number[] = []
  const reading = setInterval(() => readings.push(residentOf(pid)), 1000)
  await over
  clearInterval(reading)
  return readings
}

interface Delays {
  /** From the first publish to the open gate, and from the last byte to the shut one. */
  opened: number[]
  shut: number[]
  unserved: number
}

/** One honest customer after the other; each publishes until the gate is open, since a full broker drops what is beyond its queue. */
async function honestUntil(over: Promise<void>, { browse, portal, publish }: Router): Promise<Delays> {
  let isOver = false
  void over.then(() => {
    isOver = true
  })
  const delays: Delays = { opened: [], shut: [], unserved: 0 }
  for (let device = 10; !isOver; device++) {
    browse(mac(device), ip(device))
    await sleepFor(500)
    const from = performance.now()
    const purchase = { purchaseId: `honest-${device}`, mac: mac(device), metric: 'bytes', allotment: 1_000_000 }
    while (!portal.gateOpen(mac(device)) && performance.now() - from < patience) {
      await publish(purchase)
      await until(() => portal.gateOpen(mac(device)), 500).catch(() => {})
    }
    if (!portal.gateOpen(mac(device))) {
      delays.unserved++
      continue
    }
    delays.opened.push(performance.now() - from)
    portal.transfer(mac(device), { downloaded: 1_000_000, uploaded: 0 })
    const spent = performance.now()
    await until(() => !portal.gateOpen(mac(device)), patience)
    delays.shut.push(performance.now() - spent)
  }
  return delays
}

function report(seen: {
  rate: number
  seconds: number
  before: number
  memory: number[]
  after: number
  delays: Delays
  told: Told[]
}): void {
  const { rate, seconds, before, memory, after, delays, told } = seen
  const { taken = 0, answered = 0 } = told.at(-1) ?? {}
  const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1)
  const most = Math.max(...memory)
  const inWords = (times: number[]) => {
    const middle = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
    return `${Math.round(middle)} ms at the median, ${Math.round(Math.max(0, ...times))} at worst`
  }
  const perSecond = (count: number) => Math.round(count / seconds)
  console.log(
    `${rate} a second asked for: the broker took ${perSecond(taken)}, the agent answered ${perSecond(answered)}`,
  )
  console.log(
    `memory before ${megabytes(before)} MB, at most ${megabytes(most)}, 15 s after ${megabytes(after)}; each second:`,
  )
  console.log(memory.map(megabytes).join(' '))
  const { opened, shut, unserved } = delays
  console.log(`${opened.length} honest gates opened after ${inWords(opened)}; ${unserved} not within a minute`)
  console.log(`${shut.length} spent gates shut after ${inWords(shut)}`)
  console.log(
    `load of this machine ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  )
  process.exitCode = most <= mostMemory * before && shut.length > 0 ? 0 : 1
}

function residentOf(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}
