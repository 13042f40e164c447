// A thousand agents at one broker, 50 sessions each: whether every usage report arrives in time, and what they take.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { mosquitto } from '../test/support/brokers/brokers.ts'
import { createLink } from '../test/support/brokers/link.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { programFile, temporaryFolder } from './places.ts'
import { percentile } from './statistics.ts'

export type ToFleet = 'what do you take?'
export type FromFleet = 'started' | { cpuMilliseconds: number; residentBytes: number; residentAtStart: number }

export const fleet: Figure = {
  name: 'fleet',
  about: 'a thousand agents in one process, 50 sessions each, usage every 10 s, for a minute',
  async measure(stage) {
    const onAedes = await rowsAt(stage, 'Aedes', await openAedesProcess(stage))
    if (mosquitto.missing) return onAedes
    const broker = await mosquitto.open()
    stage.afterwards(broker.close)
    return [...onAedes, ...(await rowsAt(stage, 'Mosquitto', broker.url))]
  },
}

const routers = 1000
const devices = 50
const usageInterval = 10_000
const minute = 60_000
const due = minute / usageInterval
// A report that comes later than this waited somewhere.
const inTime = 1000
// A router's sixth report may slip by this much: its loop waits 10 s after a report, not until the next tenth second.
const slip = 2000

async function rowsAt(stage: Stage, broker: string, url: string): Promise<Row[]> {
  const ear = await openEar(stage, url)
  const child = fork(programFile('bench-fleet'), [
    ...['--url', url, '--folder', temporaryFolder(stage)],
    ...['--routers', String(routers), '--devices', String(devices)],
  ])
  stage.afterwards(() => child.kill('SIGKILL'))
  const told = async (): Promise<FromFleet> => (await once(child, 'message'))[0]
  const taken = async () => {
    const answer = told()
    child.send('what do you take?' satisfies ToFleet)
    const message = await answer
    if (message === 'started') throw new Error('the fleet has started twice')
    return message
  }
  stage.say(`${broker}: ${routers} agents start`)
  await told()
  stage.say(`${broker}: all have started`)
  const before = await taken()
  await sleepFor(minute)
  const after = await taken()
  // A router that was not connected at once began its minute an interval later.
  await sleepFor(usageInterval + slip + inTime)
  const reports = [...ear.heard.values()]
  const delays = reports.flat().map(({ delay }) => delay)
  const acknowledged = [...ear.isAcknowledged.values()].filter(Boolean).length
  child.kill('SIGKILL')
  return [
    {
      what: `reports in time, ${broker}`,
      unit: 'reports',
      ours: reports.map(countInTime).reduce((sum, count) => sum + count, 0),
      against: { name: 'due', value: routers * due },
      goal: { atLeast: 1 },
      note: `from made to arrived ${percentile(delays, 0.5)} ms at p50, ${Math.round(percentile(delays, 0.99))} ms at p99`,
    },
    {
      what: `journals acknowledged to the end, ${broker}`,
      unit: 'routers',
      ours: acknowledged,
      against: { name: 'all', value: routers },
      goal: { atLeast: 1 },
    },
    {
      what: `CPU of all agents and mock portals, ${broker}`,
      unit: 'ms',
      ours: after.cpuMilliseconds - before.cpuMilliseconds,
      against: { name: 'one core for the minute', value: minute },
      note: `${((after.cpuMilliseconds - before.cpuMilliseconds) / routers).toFixed(1)} ms a router and minute`,
    },
    {
      what: `memory a router, mock portal included, ${broker}`,
      unit: 'bytes',
      ours: (after.residentBytes - after.residentAtStart) / routers,
      against: { name: 'a process of its own, just started', value: after.residentAtStart },
    },
  ]
}

interface Heard {
  /** When it was made, by the wall clock that all processes here share. */
  at: number
  delay: number
}

async function openEar(stage: Stage, url: string) {
  const heard = new Map<string, Heard[]>()
  const isAcknowledged = new Map<string, boolean>()
  const link = createLink({ url, topics: ['router/+/usage', 'router/+/status'], onMessage: hear })
  stage.afterwards(link.close)
  await link.open()

  function hear(topic: string, payload: Uint8Array): void {
    const [, routerId = '', channel] = topic.split('/')
    if (!routerId.startsWith('fleet-')) return
    const message = JSON.parse(new TextDecoder().decode(payload))
    if (channel === 'status') {
      if (message.journal) isAcknowledged.set(routerId, message.journal.acknowledgedSeq === message.journal.lastSeq)
    } else if (message.type === 'usage') {
      const at = Date.parse(message.at)
      heard.set(routerId, [...(heard.get(routerId) ?? []), { at, delay: Date.now() - at }])
    }
  }
  return { heard, isAcknowledged }
}

/** How many of its due reports of a minute a router has brought in time; its minute begins with its first. */
function countInTime([first, ...rest]: readonly Heard[]): number {
  const isOfMinute = ({ at }: Heard) => first !== undefined && at <= first.at + minute + slip
  return Math.min(due, rest.filter((report) => isOfMinute(report) && report.delay <= inTime).length)
}

/** The development broker in a process of its own. */
async function openAedesProcess(stage: Stage): Promise<string> {
  const env = { ...process.env, BROKER_PORT: '0', BROKER_WS_PORT: '0' }
  const child = spawn(process.execPath, [programFile('broker')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  stage.afterwards(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const url = /mqtt:\S+/.exec(String(line))?.[0]
  if (url === undefined) throw new Error(`the broker does not say where it listens: ${line}`)
  return url
}
