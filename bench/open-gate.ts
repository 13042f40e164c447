// From the PUBLISH of a purchase to the open gate, against the least that can be: one round trip at the broker, one `auth`.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { mosquitto } from '../test/support/brokers/brokers.ts'
import { createLink } from '../test/support/brokers/link.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import { startAgent } from './agent-under-test.ts'
import { ask } from './ask.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { monotonic } from './monotonic.ts'
import { temporaryFolder } from './places.ts'
import { type Latencies, noLatencies, openPortal, realLatencies } from './portal-process.ts'
import { median, percentile } from './statistics.ts'

export const openGate: Figure = {
  name: 'open-gate',
  about: 'from the PUBLISH of a purchase to the open gate',
  missing: () => mosquitto.missing,
  async measure(stage) {
    // How long a gate takes to shut is not measured here, only waited for.
    const asReal = await rowsWith(stage, { ...realLatencies, deauth: 0 }, 'portal as slow as nodogsplash')
    const asFast = await rowsWith(stage, noLatencies, 'portal without latency')
    return [...asReal, ...asFast]
  },
}

const rounds = 150
const phone = aMac(1)
const allotment = 500_000_000

async function rowsWith(stage: Stage, latencies: Latencies, what: string): Promise<Row[]> {
  const broker = await mosquitto.open()
  stage.afterwards(broker.close)
  const ours = await agentAt(stage, broker.url, latencies)
  const floor = await floorAt(stage, broker.url, latencies)
  const disk = await diskAt(stage)
  const [oursMilliseconds, floorMilliseconds, diskMilliseconds]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < rounds; round++) {
    oursMilliseconds.push(await ours())
    floorMilliseconds.push(await floor())
    diskMilliseconds.push(await disk())
    if (round % 50 === 0) stage.say(`${what}: round ${round} of ${rounds}`)
  }
  const rowAt = (share: number): Row => ({
    what: `p${share * 100}, ${what}`,
    unit: 'ms',
    ours: percentile(oursMilliseconds, share),
    against: { name: 'one round trip and one auth', value: percentile(floorMilliseconds, share) },
  })
  const note = `putting 600 bytes on this disk takes ${median(diskMilliseconds).toFixed(2)} ms, which the floor does not do`
  return [{ ...rowAt(0.5), goal: { atMost: 1.3 }, note }, rowAt(0.99)]
}

/** The time of one synced write on this machine: no gate opens before its purchase is on disk. */
async function diskAt(stage: Stage): Promise<() => Promise<number>> {
  const file = await open(join(temporaryFolder(stage), 'journal'), 'a')
  stage.afterwards(() => file.close())
  return async () => {
    const from = monotonic()
    await file.appendFile(Buffer.alloc(600))
    await file.datasync()
    return monotonic() - from
  }
}

async function agentAt(stage: Stage, url: string, latencies: Latencies): Promise<() => Promise<number>> {
  const portal = await openPortal(stage, latencies)
  await portal.join({ mac: phone, ip: anIp(1), bytesPerSecond: 0 })
  const agent = await startAgent(stage, { url, socket: portal.socket })
  return async () => {
    const opened = portal.moves(phone, 'open')
    const started = agent.says('session.started')
    const from = monotonic()
    await agent.buy({ mac: phone, allotment })
    const { at } = await opened
    await started
    const ended = agent.says('session.ended')
    await agent.command({ command: 'session.end', mac: phone })
    await ended
    await sleepFor(10 + Math.random() * 30)
    return at - from
  }
}

async function floorAt(stage: Stage, url: string, latencies: Latencies): Promise<() => Promise<number>> {
  const portal = await openPortal(stage, latencies)
  await portal.join({ mac: phone, ip: anIp(1), bytesPerSecond: 0 })
  const topic = `bench-${process.pid}`
  let arrived = () => {}
  const link = createLink({ url, topics: [topic], onMessage: () => arrived() })
  stage.afterwards(link.close)
  await link.open()
  return async () => {
    const opened = portal.moves(phone, 'open')
    const delivered = new Promise<void>((resolve) => {
      arrived = resolve
    })
    const from = monotonic()
    void link.publish(topic, { purchaseId: 'p1', mac: phone, metric: 'bytes', allotment })
    await delivered
    await ask(portal.socket, `auth ${phone}`)
    const { at } = await opened
    await ask(portal.socket, `deauth ${phone}`)
    return at - from
  }
}
