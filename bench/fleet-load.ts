// A thousand routers' connections at a NATS cluster and at a Mosquitto beside it: how long until all are on line, at first and after
// their broker has died, whether their reports come in time, and what the broker takes. FLEET_LOAD_ROUTERS makes it another number.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { mosquitto } from '../test/support/brokers/brokers.ts'
import { createLink } from '../test/support/brokers/link.ts'
import { natsMissing, openNats } from '../test/support/brokers/nats.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { programFile } from './places.ts'
import { percentile } from './statistics.ts'

export type ToLoad = 'connect' | 'report' | 'how far?'
/** `taken`: reports that the broker has acknowledged, `bytes` of JSON. */
export interface FromLoad {
  online: number
  taken: number
  bytes: number
  cpuMilliseconds: number
}

const routers = Number(process.env.FLEET_LOAD_ROUTERS ?? 1000)
const usageInterval = 10_000
const minute = 60_000
const inTime = 1000
const patience = 300_000

/** A broker of one or several processes. */
interface Broker {
  name: string
  urls: readonly string[]
  /** For who hears the reports: what no death of the first node takes away. */
  earUrl: string
  pids(): number[]
  /** Power cuts: of one node where there are several, and of all, with a start right after. */
  killOne?(): Promise<void>
  startOne?(): Promise<void>
  killAll(): Promise<void>
}

export const fleetLoad: Figure = {
  name: 'fleet-load',
  about: `${routers} routers' connections at a cluster of three NATS nodes, and at a Mosquitto`,
  missing: () => natsMissing ?? mosquitto.missing,
  async measure(stage) {
    const onNats = await rowsAt(stage, await openCluster(stage))
    const onMosquitto = await rowsAt(stage, await openMosquitto(stage))
    return onNats.map(({ what, value, unit, note }): Row => {
      // A Mosquitto has one node only: its death is that of all.
      const beside = onMosquitto.find((row) => row.what === what) ?? onMosquitto.at(-1)
      const notes = [note && `NATS: ${note}`, beside?.note && `Mosquitto: ${beside.note}`].filter(Boolean)
      const against = { name: 'Mosquitto', value: beside?.value ?? 0 }
      return { what, unit, ours: value, against, ...(notes.length > 0 && { note: notes.join('; ') }) }
    })
  },
}

async function openCluster(stage: Stage): Promise<Broker> {
  const cluster = await openNats()
  stage.afterwards(cluster.close)
  const nodes = [0, 1, 2]
  return {
    ...{ name: 'NATS', urls: cluster.urls, earUrl: cluster.urls[2] ?? '' },
    pids: () => nodes.map(cluster.pidOf),
    killOne: () => cluster.kill(0),
    async startOne() {
      cluster.start(0)
      await cluster.ready()
    },
    async killAll() {
      await Promise.all(nodes.map(cluster.kill))
      for (const node of nodes) cluster.start(node)
    },
  }
}

async function openMosquitto(stage: Stage): Promise<Broker> {
  const broker = await mosquitto.open()
  stage.afterwards(broker.close)
  return {
    ...{ name: 'Mosquitto', urls: [broker.url], earUrl: broker.url },
    pids: () => [broker.pid()],
    async killAll() {
      await broker.kill()
      await broker.start()
    },
  }
}

interface Measured {
  what: string
  value: number
  unit: Row['unit']
  note?: string
}

async function rowsAt(stage: Stage, broker: Broker): Promise<Measured[]> {
  // Before the routers come: a cluster that is busy with them refuses new subscriptions.
  const ear = await openEar(stage, broker.earUrl)
  const load = startLoad(stage, broker)
  const say = (text: string) => stage.say(`${broker.name}: ${text}`)
  const rows: Measured[] = []
  const first = await load.untilOnline('connect')
  say(`on line after ${Math.round(first.value)} ms ${first.note ?? ''}`)
  rows.push({ what: 'until all are on line, at first', unit: 'ms', ...first })
  rows.push(...(await aMinute(broker, load, ear)))
  if (broker.killOne && broker.startOne) {
    const from = performance.now()
    await broker.killOne()
    const lost = routers - (await load.ask('how far?')).online
    const again = await load.untilOnline('how far?', from)
    const note = [`${lost} were off line at once`, again.note].filter(Boolean).join(', ')
    say(`on line again after ${Math.round(again.value)} ms; ${note}`)
    rows.push({ what: 'again, after the death of one node', unit: 'ms', value: again.value, note })
    await broker.startOne()
  }
  const from = performance.now()
  await broker.killAll()
  const all = await load.untilOnline('how far?', from)
  say(`on line again after ${Math.round(all.value)} ms ${all.note ?? ''}`)
  rows.push({ what: 'again, after all was killed and started', unit: 'ms', ...all })
  load.end()
  return rows
}

function startLoad(stage: Stage, { urls, name }: Broker) {
  const child = fork(programFile('bench-fleet-load'), ['--urls', urls.join(','), '--routers', String(routers)])
  stage.afterwards(() => child.kill('SIGKILL'))
  async function ask(question: ToLoad): Promise<FromLoad> {
    const answer = once(child, 'message')
    child.send(question)
    return (await answer)[0]
  }
  return {
    ask,
    /** From `from` until every router's subscriptions are granted and the broker has its status. */
    async untilOnline(begin: ToLoad, from = performance.now()): Promise<{ value: number; note?: string }> {
      let last = await ask(begin)
      for (let told = from; last.online < routers; last = await ask('how far?')) {
        const now = performance.now()
        if (now - from > patience) return { value: patience, note: `given up: ${last.online} on line` }
        if (now - told > 10_000) {
          stage.say(`${name}: ${last.online} on line`)
          told = now
        }
        await sleepFor(50)
      }
      return { value: performance.now() - from }
    },
    end: () => void child.kill('SIGKILL'),
  }
}

/** A minute of reports, once all of them come. */
async function aMinute(broker: Broker, load: ReturnType<typeof startLoad>, ear: Ear): Promise<Measured[]> {
  const idle = residentBytes(broker)
  await load.ask('report')
  await sleepFor(2 * usageInterval)
  const [before, cpuBefore] = [await load.ask('how far?'), cpuMilliseconds(broker)]
  ear.begin()
  await sleepFor(minute)
  const delays = ear.end()
  const [after, cpu] = [await load.ask('how far?'), cpuMilliseconds(broker) - cpuBefore]
  const due = routers * (minute / usageInterval)
  const reports = after.taken - before.taken
  const bytes = (after.bytes - before.bytes) / Math.max(1, reports)
  const p = (share: number) => (delays.length > 0 ? Math.round(percentile(delays, share)) : Number.NaN)
  const rate = `${(reports / 60).toFixed(0)} messages of ${Math.round(bytes)} bytes a second`
  return [
    {
      ...{ what: `reports in time in a minute, of ${due}`, unit: 'reports' },
      value: Math.min(due, delays.filter((delay) => delay <= inTime).length),
      note: `${rate}, from made to heard ${p(0.5)} ms at p50, ${p(0.99)} at p99`,
    },
    { what: 'memory of a node, idle', value: idle, unit: 'bytes' },
    { what: 'memory of a node, after that minute', value: residentBytes(broker), unit: 'bytes' },
    {
      ...{ what: 'CPU of the broker, a router and minute', value: cpu / routers, unit: 'ms' },
      note: `${broker.pids().length} processes; the connections' own ${((after.cpuMilliseconds - before.cpuMilliseconds) / routers).toFixed(1)} ms`,
    },
  ]
}

type Ear = Awaited<ReturnType<typeof openEar>>

async function openEar(stage: Stage, url: string) {
  let delays: number[] = []
  const link = createLink({
    ...{ url, topics: ['router/+/usage'] },
    onMessage(_topic, payload) {
      const { at } = JSON.parse(new TextDecoder().decode(payload))
      // By the wall clock that all processes here share.
      delays.push(Date.now() - Date.parse(at))
    },
  })
  stage.afterwards(link.close)
  await link.open()
  return {
    begin() {
      delays = []
    },
    end: () => delays,
  }
}

/** Of the largest of its processes. */
function residentBytes(broker: Broker): number {
  const of = (pid: number) =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  return Math.max(...broker.pids().map(of))
}

const ticksASecond = 100

/** User and system time of all its processes. */
function cpuMilliseconds(broker: Broker): number {
  const of = (pid: number) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksASecond
  }
  return broker.pids().reduce((sum, pid) => sum + of(pid), 0)
}
