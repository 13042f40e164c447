// The kernel as guard behind a real openNDS: what passes beyond a lot and beyond its time, with the agent alive and killed, what a
// customer who logs out again and again is charged, and what the guard costs in memory. Needs what `whyNoLab` says.
import { readFileSync } from 'node:fs'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { openMosquitto, type TestBroker } from '../test/support/brokers/brokers.ts'
import { type Device, type Lab, openLab } from '../test/support/lab/lab.ts'
import { whyNoLab } from '../test/support/lab/missing.ts'
import { gateway, run } from '../test/support/lab/namespaces.ts'
import { openTime } from '../test/support/lab/open-time.ts'
import { openWatchedAgent, type WatchedAgent } from '../test/support/processes/watched-agent.ts'
import { until } from '../test/support/until.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { residentBytes } from './resident.ts'
import { median } from './statistics.ts'

type Transport = 'exec' | 'socket'

export const realGuard: Figure = {
  name: 'real-guard',
  about: 'the kernel as guard behind a real openNDS: bytes, milliseconds, charges and memory',
  missing: whyNoLab,
  async measure(stage) {
    const lab = await openLab()
    stage.afterwards(lab.close)
    const broker = await openMosquitto(lab.router)
    stage.afterwards(broker.close)
    const rows: Row[] = []
    for (const transport of ['socket', 'exec'] as const) {
      const router: Router = { lab, broker, transport, say: stage.say }
      rows.push(...(await bytesBeyond(router)), ...(await timeBeyond(router)))
    }
    const router: Router = { lab, broker, transport: 'socket', say: stage.say }
    rows.push(await joinedOff(router), await burst(router))
    rows.push(...(await charged(router)), ...(await memoryOf(router)))
    return rows
  },
}

interface Router {
  lab: Lab
  broker: TestBroker
  transport: Transport
  say: Stage['say']
}

const allotment = 20_000_000
// The largest packet as the kernel sees it, with segments joined; and one of the link itself.
const joinedPacket = { name: 'a joined packet', value: 65_536 }
const twoPackets = { name: 'two packets', value: 3000 }
const unlimited = 10_000

/** An agent and a device that has met the portal page; both go when it is done. */
async function withAgent<T>(
  { lab, broker, transport }: Router,
  env: Record<string, string>,
  what: (agent: WatchedAgent, device: Device) => Promise<T>,
): Promise<T> {
  await lab.removeGuardTable()
  await lab.daemon.running()
  const portal = { AGENT_PORTAL_TRANSPORT: transport, AGENT_NDS_SOCKET: lab.socket }
  const agent = await openWatchedAgent({ broker, ...lab.router, env: { AGENT_GUARD: 'nftables', ...portal, ...env } })
  try {
    agent.launch()
    await until(() => isReachable(agent), 60_000)
    const device = await lab.plugInDevice()
    await device.browse()
    return await what(agent, device)
  } finally {
    await agent.close()
  }
}

async function buy(agent: WatchedAgent, { mac }: Device, metric: 'bytes' | 'milliseconds', much: number) {
  await agent.publish({ purchaseId: `${agent.id}-${mac}-${metric}`, mac, metric, allotment: much })
}

async function bytesBeyond(router: Router): Promise<Row[]> {
  const rows: Row[] = []
  for (const megabits of [50, 100, unlimited]) {
    for (const agentIs of ['alive', 'killed'] as const) {
      const rate = megabits === unlimited ? 'as fast as it goes' : `${megabits} Mbit/s`
      const what = `past a lot at ${rate}, agent ${agentIs}, ${router.transport}`
      router.say(what)
      rows.push({
        what,
        unit: 'bytes',
        ours: await beyond(router, megabits, agentIs),
        against: joinedPacket,
        ...atMost,
      })
    }
  }
  return rows
}

const atMost = { goal: { atMost: 1 } }

async function beyond(router: Router, megabits: number, agentIs: 'alive' | 'killed', idleFor = 0): Promise<number> {
  const { lab } = router
  await lab.setLinkRate(megabits)
  return withAgent(router, {}, async (agent, device) => {
    await buy(agent, device, 'bytes', allotment)
    await agent.hears('session.started')
    await sleepFor(idleFor)
    if (agentIs === 'killed') await agent.kill()
    const transfer = device.startDownload()
    if (agentIs === 'alive') await agent.hears('session.ended', 1, 60_000)
    const passed = await standingStill(lab, device)
    await transfer.end()
    return passed - allotment
  })
}

async function standingStill(lab: Lab, { address }: Device): Promise<number> {
  let before = -1
  let now = (await lab.passed(address)).total
  while (now !== before || now < allotment) {
    await sleepFor(300)
    before = now
    now = (await lab.passed(address)).total
  }
  return now
}

const timeBought = 5000

async function timeBeyond(router: Router): Promise<Row[]> {
  const rows: Row[] = []
  for (const agentIs of ['alive', 'killed'] as const) {
    const what = `past ${timeBought / 1000} s, agent ${agentIs}, ${router.transport}`
    router.say(what)
    const { first, startedAt, last } = await withAgent(router, {}, async (agent, device) => {
      const sending = device.startSending()
      const { ended } = await openTime(2000)
      await buy(agent, device, 'milliseconds', timeBought)
      const [started] = await agent.hears('session.started')
      if (agentIs === 'killed') await agent.kill()
      const span = await ended
      await sending.end()
      return { ...span, startedAt: Date.parse(started?.session.startedAt ?? '') }
    })
    const ours = Math.max(0, Math.round(last - startedAt - timeBought))
    const note = `it had begun ${Math.round(startedAt - first)} ms after the first packet had passed`
    rows.push({ what, unit: 'ms', ours, against: { name: 'a tenth of a second', value: 100 }, ...atMost, note })
  }
  return rows
}

async function joinedOff(router: Router): Promise<Row> {
  const what = 'past a lot at 100 Mbit/s, segments not joined'
  router.say(what)
  await router.lab.setJoining(false)
  const ours = await beyond(router, 100, 'alive')
  await router.lab.setJoining(true)
  return { what, unit: 'bytes', ours, against: twoPackets, ...atMost }
}

const idleMilliseconds = 30_000

async function burst(router: Router): Promise<Row> {
  const what = `past a lot as fast as it goes, after ${idleMilliseconds / 1000} s of nothing`
  router.say(what)
  const ours = await beyond(router, unlimited, 'alive', idleMilliseconds)
  return { what, unit: 'bytes', ours, against: joinedPacket, ...atMost }
}

const logOuts = 10

async function charged(router: Router): Promise<Row[]> {
  const { lab, say } = router
  await lab.setLinkRate(50)
  const share = async (what: string, use: (device: Device) => Promise<void>): Promise<Row[]> => {
    say(what)
    const bytes = await withAgent(router, {}, async (agent, device) => {
      await buy(agent, device, 'bytes', 2_000_000_000)
      await agent.hears('session.started')
      await use(device)
      await agent.command({ command: 'session.end', mac: device.mac })
      const [ended] = await agent.hears('session.ended')
      return { ours: ended?.used?.bytes ?? 0, passed: (await lab.passed(device.address)).total }
    })
    const against = { name: 'passed', value: bytes.passed }
    const row = { what, unit: 'bytes' as const, ours: bytes.ours, against }
    return [
      { ...row, goal: { atLeast: 0.99 } },
      { ...row, goal: { atMost: 1.001 } },
    ]
  }
  const loggingOut = async (device: Device) => {
    for (let round = 0; round < logOuts; round++) {
      await device.downloadFor(2)
      await device.logOut()
      await device.browse()
      await until(() => device.isOnline(), 60_000)
    }
  }
  return [
    ...(await share('charged, logs out every 2 s', loggingOut)),
    ...(await share('charged, an honest download', (device) => device.download(50_000_000))),
  ]
}

const twoLooks = 25_000
const foreignRules = 500
const memoryRounds = 3

async function memoryOf(router: Router): Promise<Row[]> {
  router.say('memory')
  await loadForeignRules()
  const settled = (guard: string) =>
    withAgent(router, { AGENT_GUARD: guard }, async (agent, device) => {
      await buy(agent, device, 'bytes', allotment)
      await agent.hears('session.started')
      await sleepFor(twoLooks)
      const pid = agent.pid() ?? 0
      return { agent: residentBytes(pid), monitor: monitorOf(pid) }
    })
  const readings: Record<'off' | 'nftables', { agent: number; monitor: number }[]> = { off: [], nftables: [] }
  // In turns: a life that found a gate to shut is larger by the program that ends its flows.
  for (let round = 0; round < memoryRounds; round++) {
    for (const guard of ['off', 'nftables'] as const) readings[guard].push(await settled(guard))
  }
  const of = (guard: 'off' | 'nftables') => median(readings[guard].map(({ agent }) => agent))
  const more = Math.max(0, of('nftables') - of('off'))
  const mebibytes = (value: number) => ({ name: `${value} MB`, value: value * 1_000_000 })
  return [
    { what: 'memory of the agent, more than without', unit: 'bytes', ours: more, against: mebibytes(2), ...atMost },
    {
      what: `memory of nft monitor beside ${foreignRules} other rules`,
      ...{
        unit: 'bytes',
        ours: median(readings.nftables.map(({ monitor }) => monitor)),
        against: mebibytes(8),
        ...atMost,
      },
    },
  ]
}

async function loadForeignRules(): Promise<void> {
  const rules = Array.from({ length: foreignRules }, (_, index) => `ip daddr 10.1.${index >> 8}.${index & 255} accept`)
  await run(gateway, ['nft', '-f', '-'], `table inet others {\n chain forward {\n ${rules.join('\n ')}\n }\n}`)
}

/** Of the one child that goes on. */
function monitorOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return Math.max(0, ...children.map((child) => residentBytes(Number(child))))
}

function isReachable({ statuses }: WatchedAgent): boolean {
  const last = statuses.at(-1)
  return last?.state === 'online' && last.portal.state === 'reachable'
}
