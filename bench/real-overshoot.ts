// How far past its allotment a device gets on a real openNDS: with our agent over both transports, and with a peer that
// keeps sessions as the Go module does. Needs what `whyNoLab` says, `npm run build`, and the project's folder around it.
import { execFile } from 'node:child_process'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { promisify } from 'node:util'
import { openMosquitto, type TestBroker } from '../test/support/brokers/brokers.ts'
import { type Device, type Lab, openLab, type Transfer } from '../test/support/lab/lab.ts'
import { whyNoLab } from '../test/support/lab/missing.ts'
import { openWatchedAgent } from '../test/support/processes/watched-agent.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { median } from './statistics.ts'

type Keeper = 'exec' | 'socket' | 'polling every 2 s'

export const realOvershoot: Figure = {
  name: 'real-overshoot',
  about:
    'bytes beyond the allotment through a real openNDS and a real firewall, while they flow as fast as the link lets them',
  missing: whyNoLab,
  async measure(stage) {
    const lab = await openLab()
    stage.afterwards(lab.close)
    const broker = await openMosquitto(lab.router)
    stage.afterwards(broker.close)
    const rows: Row[] = []
    for (const megabits of [10, 50, 100]) rows.push(...(await rowsAt({ lab, broker, megabits, say: stage.say })))
    return rows
  },
}

const secondsBought = 5
const pollMilliseconds = 2000
const rounds = 4

interface Setting {
  lab: Lab
  broker: TestBroker
  megabits: number
  say: Stage['say']
}

/** All keepers of sessions take turns, so that a busy machine disturbs each alike. */
async function rowsAt({ lab, broker, megabits, say }: Setting): Promise<Row[]> {
  const allotment = secondsBought * megabits * 125_000
  const beyond: Record<Keeper, number[]> = { 'polling every 2 s': [], exec: [], socket: [] }
  await lab.setLinkRate(megabits)
  for (let round = 0; round < rounds; round++) {
    // The peer's ticks are spread evenly over its interval: its mean depends on no luck.
    const firstTickIn = ((round + 0.5) / rounds) * pollMilliseconds
    beyond['polling every 2 s'].push(await soldByPeer(lab, allotment, firstTickIn))
    beyond.exec.push(await soldByAgent(lab, broker, allotment, 'exec'))
    beyond.socket.push(await soldByAgent(lab, broker, allotment, 'socket'))
    // A daemon that fell behind its queue stays so for ever: every round begins with one that did not.
    await lab.daemon.stop()
    await lab.daemon.start()
    say(`${megabits} Mbit/s: round ${round + 1} of ${rounds}`)
  }
  const inMilliseconds = (bytes: number) => Math.round(bytes / (megabits * 125))
  return (['exec', 'socket'] as const).map((transport) => ({
    what: `${megabits} Mbit/s, ${transport}`,
    unit: 'bytes',
    ours: median(beyond[transport]),
    against: { name: 'polling every 2 s', value: median(beyond['polling every 2 s']) },
    goal: { atMost: 1 / 10 },
    note:
      `ours is ${inMilliseconds(median(beyond[transport]))} ms of that rate, ` +
      `at most ${inMilliseconds(Math.max(...beyond[transport]))}`,
  }))
}

async function soldByAgent(lab: Lab, broker: TestBroker, allotment: number, transport: string): Promise<number> {
  const env = { AGENT_PORTAL_TRANSPORT: transport, AGENT_NDS_SOCKET: lab.socket }
  const agent = await openWatchedAgent({ broker, ...lab.router, env })
  try {
    await agent.start()
    const device = await lab.plugInDevice()
    await device.browse()
    await agent.publish({ purchaseId: `p${device.mac}`, mac: device.mac, metric: 'bytes', allotment })
    await agent.hears('session.started')
    const transfer = device.startDownload()
    await agent.hears('session.ended', 1, 60_000)
    return await beyondAllotment(lab, device, transfer, allotment)
  } finally {
    await agent.close()
  }
}

async function soldByPeer(lab: Lab, allotment: number, firstTickIn: number): Promise<number> {
  const device = await lab.plugInDevice()
  await device.browse()
  await ndsctl('auth', device.mac)
  const baseline = await usedBy(device)
  const transfer = device.startDownload()
  let tick = performance.now() + firstTickIn
  do {
    await sleepFor(tick - performance.now())
    tick += pollMilliseconds
  } while ((await usedBy(device)) - baseline < allotment)
  await ndsctl('deauth', device.mac)
  return beyondAllotment(lab, device, transfer, allotment)
}

// The portal's counters go with the entry when the gate shuts, and what passed since they were read with them. So the
// truth is the lab's own counter behind the gate, which stays: the gate is really shut when that stands still.
async function beyondAllotment(lab: Lab, device: Device, transfer: Transfer, allotment: number): Promise<number> {
  let before = -1
  let now = (await lab.passed(device.address)).total
  while (now !== before) {
    await sleepFor(300)
    before = now
    now = (await lab.passed(device.address)).total
  }
  await transfer.end()
  return now - allotment
}

async function usedBy({ mac }: Device): Promise<number> {
  const entry: unknown = JSON.parse(await ndsctl('json', mac))
  const { download_this_session: downloaded, upload_this_session: uploaded } = Object(entry)
  return (Number(downloaded) + Number(uploaded)) * 1024
}

const execFileToItsEnd = promisify(execFile)

async function ndsctl(command: string, mac: string): Promise<string> {
  const { stdout } = await execFileToItsEnd('ndsctl', [command, mac])
  return stdout
}
