// The exporter of a fleet of a thousand routers with fifty sessions each: the time of a scrape, against a server that sends the same
// text, and its memory, against a Node that does nothing but wait.
import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { RouterId, topicOf } from '../protocol/index.ts'
import { aedes, mosquitto } from '../test/support/brokers/brokers.ts'
import { aMac } from '../test/support/builders.ts'
import { ended } from '../test/support/ended.ts'
import { aSession, status, usage } from '../test/support/messages.ts'
import { startBareNode } from './agent-kinds.ts'
import type { Figure, Stage } from './figure.ts'
import { monotonic } from './monotonic.ts'
import { programFile } from './places.ts'
import { residentBytes } from './resident.ts'
import { median } from './statistics.ts'

const routers = 1000
const sessionsEach = 50
const reportInterval = 10_000
const scrapes = 20

export const exporter: Figure = {
  name: 'exporter',
  about: `scrapes of a fleet of ${routers} routers that report every ${reportInterval / 1000} s`,
  async measure(stage) {
    const broker = await (mosquitto.missing ? aedes : mosquitto).open()
    stage.afterwards(broker.close)
    const speaker = await connectAsync(broker.url)
    stage.afterwards(() => speaker.endAsync(true))
    const { pid, metrics } = await startExporter(stage, broker.url)
    for (let report = 1; report <= 3; report++) {
      stage.say(`report ${report} of 3`)
      await everybodyReports(speaker)
      await (await fetch(metrics)).text()
    }
    // As under a Prometheus that asks every 10 s; the scrapes below follow each other as fast as nobody's do.
    const resident = residentBytes(pid)
    const times: number[] = []
    let text = ''
    for (let scrape = 0; scrape < scrapes; scrape++) {
      const from = monotonic()
      text = await (await fetch(metrics)).text()
      times.push(monotonic() - from)
      await sleepFor(200)
    }
    const heard = text.split('\n').filter((line) => /^tollgate_router_state\{.*state="online"\} 1$/.test(line)).length
    if (heard < routers) throw new Error(`the exporter knows of ${heard} routers that are on line, not of ${routers}`)
    const bare = await startBareNode(stage)
    const memory = { ours: resident, against: { name: 'bare Node', value: residentBytes(bare.pid) } }
    await bare.stop()
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length
    return [
      {
        ...{ what: 'a scrape', unit: 'ms' as const, ours: median(times) },
        against: { name: 'the same text from memory', value: await sendingTakes(stage, text) },
        note: `${samples} samples, ${(text.length / 1e6).toFixed(1)} MB; ${Math.round(Math.max(...times))} ms at worst`,
      },
      { what: 'resident', unit: 'bytes' as const, ...memory, goal: { atMost: 2.7 } },
    ]
  },
}

async function startExporter(stage: Stage, url: string): Promise<{ pid: number; metrics: string }> {
  const args = [programFile('tollgate-fleet'), '--url', url, 'exporter', '--listen', '127.0.0.1:0']
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.afterwards(() => ended(child, 'SIGKILL'))
  const metrics = await new Promise<string>((found, lost) => {
    let said = ''
    child.stdout?.on('data', (more) => {
      said += more
      const [, address] = /metrics at (http:\S+)\s/.exec(said) ?? []
      if (address) found(address)
    })
    child.once('exit', (code) => lost(new Error(`the exporter ended with ${code}: ${said}`)))
  })
  return { pid: child.pid ?? 0, metrics }
}

/** One round of reports, each at its own moment of the interval. */
async function everybodyReports(speaker: MqttClient): Promise<void> {
  const until = monotonic() + reportInterval
  const pause = reportInterval / routers
  for (let number = 1; number <= routers; number++) {
    const routerId = RouterId.parse(`r${number}`)
    const sessions = Array.from({ length: sessionsEach }, (_, index) => aSession({ mac: aMac(index + 1) }))
    const [report, state] = [
      // No event happens, or the exporter would ask routers that are not there for it.
      { ...usage(1, sessions), routerId },
      { ...status(1), routerId },
    ]
    speaker.publish(topicOf(routerId, 'usage'), JSON.stringify(report), { qos: 0 })
    speaker.publish(topicOf(routerId, 'status'), JSON.stringify(state), { qos: 1, retain: true })
    const early = until - reportInterval + number * pause - monotonic()
    if (early > 5) await sleepFor(early)
  }
}

async function sendingTakes(stage: Stage, text: string): Promise<number> {
  const server = createServer((_request, response) => response.end(text)).listen(0, '127.0.0.1')
  stage.afterwards(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const times: number[] = []
  for (let scrape = 0; scrape < scrapes; scrape++) {
    const from = monotonic()
    await (await fetch(`http://127.0.0.1:${port}/`)).text()
    times.push(monotonic() - from)
  }
  return median(times)
}
