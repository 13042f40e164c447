// The agent's share of a router's memory, idle and after a thousand purchases, against a Node that does nothing but wait.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { aedes, mosquitto } from '../test/support/brokers/brokers.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import { until } from '../test/support/until.ts'
import { type AgentKind, agentKinds, startBareNode } from './agent-kinds.ts'
import { type AgentUnderTest, startAgent } from './agent-under-test.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { events, writeFullJournal } from './full-journal.ts'
import { temporaryFolder } from './places.ts'
import { noLatencies, openPortal } from './portal-process.ts'
import { highestBytes, residentBytes } from './resident.ts'
import { median } from './statistics.ts'

const rounds = 2
const purchases = 1000
const devices = Array.from({ length: 100 }, (_, index) => index + 1)

export const memory: Figure = {
  name: 'memory',
  about: 'resident memory when idle and online, and after 1,000 purchases',
  async measure(stage) {
    const broker = await (mosquitto.missing ? aedes : mosquitto).open()
    stage.afterwards(broker.close)
    const kinds = agentKinds(stage).map((kind) => ({ ...kind, idle: [] as number[], busy: [] as number[] }))
    const floors: number[] = []
    for (let round = 0; round < rounds; round++) {
      stage.say(`round ${round + 1} of ${rounds}`)
      // The agents settle at the same time: one process does not change the memory of another.
      const floor = bareNode(stage)
      const all = await Promise.all(kinds.map((kind) => agent(stage, kind, broker.url)))
      floors.push(await floor)
      for (const [index, { idle, busy }] of kinds.entries()) {
        idle.push(all[index]?.idle ?? 0)
        busy.push(...(all[index]?.busy ?? []))
      }
    }
    const against = { name: 'bare Node', value: median(floors) }
    stage.say('a full journal')
    const started = await memoryWithFullJournal(stage, broker.url)
    const start: Row = {
      ...{ what: `highest at the start with ${events} events in the journal, dist/agent.js by socket`, unit: 'bytes' },
      ...{ ours: started.highest, against: { name: 'the same, idle', value: started.idle }, goal: { atMost: 1.3 } },
    }
    const rows = kinds.flatMap(({ name, hasGoal, idle, busy }) => {
      const row = (what: string, bytes: number[], atMost: number): Row => {
        return { what, unit: 'bytes', ours: median(bytes), against, ...(hasGoal && { goal: { atMost } }) }
      }
      const afterPurchases = busy.length > 0 ? [row(`after ${purchases} purchases, ${name}`, busy, 1.6)] : []
      return [row(`idle, ${name}`, idle, 1.35), ...afterPurchases]
    })
    return [...rows, start]
  },
}

/** The broker has none of the events: they are read and published too. */
async function memoryWithFullJournal(stage: Stage, url: string): Promise<{ highest: number; idle: number }> {
  const portal = await openPortal(stage, noLatencies)
  const folder = temporaryFolder(stage)
  await writeFullJournal(folder)
  const running = await startAgent(stage, { url, socket: portal.socket, env: { AGENT_STATE_DIR: folder } })
  await until(() => running.count('gate.drift') > 0.9 * events - 100, 120_000)
  const idle = await settledMemory(running.pid)
  const highest = highestBytes(running.pid)
  await running.stop()
  return { highest, idle }
}

async function agent(stage: Stage, { start, bySocket }: AgentKind, url: string) {
  // Each begins with every gate shut.
  const portal = await openPortal(stage, noLatencies)
  await portal.join(...devices.map((device) => ({ mac: aMac(device), ip: anIp(device), bytesPerSecond: 0 })))
  const running = await start(url, portal.socket)
  const idle = await settledMemory(running.pid)
  const busy = bySocket ? [await memoryAfterPurchases(running)] : []
  await running.stop()
  return { idle, busy }
}

async function memoryAfterPurchases(agent: AgentUnderTest): Promise<number> {
  for (let count = 0; count < purchases; count += devices.length) {
    await Promise.all(devices.map((device) => agent.buy({ mac: aMac(device), allotment: 1_000_000_000 })))
  }
  await until(() => agent.count('purchase.accepted') >= purchases, 60_000)
  return settledMemory(agent.pid)
}

async function bareNode(stage: Stage): Promise<number> {
  const bare = await startBareNode(stage)
  const bytes = await settledMemory(bare.pid)
  await bare.stop()
  return bytes
}

// An agent that has nothing to do looks every 10 s: only such a look collects what its start has left behind.
const twoLooks = 20

/** Resident memory in bytes, once it has stood still for two looks; after a minute as it is. */
export async function settledMemory(pid: number): Promise<number> {
  const readings = [residentBytes(pid)]
  while (readings.length < 3 * twoLooks) {
    await sleepFor(1000)
    readings.push(residentBytes(pid))
    const last = readings.slice(-twoLooks)
    if (last.length === twoLooks && Math.max(...last) / Math.min(...last) < 1.02) break
  }
  return readings.at(-1) ?? 0
}
