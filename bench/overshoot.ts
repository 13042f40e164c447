// The bytes that pass beyond the allotment while bytes flow at a steady rate, against a peer that polls every two seconds.
import { mosquitto } from '../test/support/brokers/brokers.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import { startAgent } from './agent-under-test.ts'
import { ask } from './ask.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { keepByPolling, pollMilliseconds } from './polling-peer.ts'
import { openPortal, type PortalProcess, realLatencies } from './portal-process.ts'
import { median } from './statistics.ts'

export const overshoot: Figure = {
  name: 'overshoot',
  about: 'bytes beyond the allotment, at a steady rate through a portal as slow as nodogsplash',
  missing: () => mosquitto.missing,
  async measure(stage) {
    const broker = await mosquitto.open()
    stage.afterwards(broker.close)
    // The agents sleep nearly all the time, so all rates run at once.
    return Promise.all([10, 50, 100].map((megabits) => rowAt(stage, broker.url, megabits)))
  },
}

const rounds = 8
const phone = aMac(1)

async function rowAt(stage: Stage, url: string, megabits: number): Promise<Row> {
  const bytesPerSecond = megabits * 125_000
  const device = { mac: phone, ip: anIp(1), bytesPerSecond }
  const [portal, peersPortal] = [await openPortal(stage, realLatencies), await openPortal(stage, realLatencies)]
  await portal.join(device)
  await peersPortal.join(device)
  const agent = await startAgent(stage, { url, socket: portal.socket })
  const [ours, peers]: [number[], number[]] = [[], []]

  async function byAgent(allotment: number): Promise<void> {
    const ended = agent.says('session.ended')
    const shut = portal.moves(phone, 'shut')
    await agent.buy({ mac: phone, allotment })
    ours.push((await shut).passed - allotment)
    await ended
  }

  for (let round = 0; round < rounds; round++) {
    const seconds = secondsOf(round)
    const allotment = Math.round(seconds * bytesPerSecond)
    const [, beyond] = await Promise.all([
      byAgent(allotment),
      byPeer(peersPortal, allotment, firstTick(round, seconds)),
    ])
    peers.push(beyond)
    stage.say(`${megabits} Mbit/s: round ${round + 1} of ${rounds}`)
  }
  const inMilliseconds = (bytes: number) => Math.round((bytes / bytesPerSecond) * 1000)
  return {
    what: `${megabits} Mbit/s`,
    unit: 'bytes',
    ours: median(ours),
    against: { name: 'polling every 2 s', value: median(peers) },
    goal: { atMost: 1 / 10 },
    note: `ours is ${inMilliseconds(median(ours))} ms of that rate, at most ${inMilliseconds(Math.max(...ours))}`,
  }
}

async function byPeer(portal: PortalProcess, allotment: number, firstTickIn: number): Promise<number> {
  const shut = portal.moves(phone, 'shut')
  await keepByPolling((command) => ask(portal.socket, command), { mac: phone, allotment, firstTickIn })
  return (await shut).passed - allotment
}

// Allotments of 3 to 5 s: their ends fall everywhere between the looks of an agent that does not foresee them.
const secondsOf = (round: number): number => 3 + ((round * 2 * 0.618) % 2)

// The peer's tick after the end comes evenly anywhere within its 2 s.
function firstTick(round: number, endsAfterSeconds: number): number {
  const afterEnd = ((round + 0.5) / rounds) * pollMilliseconds
  return (endsAfterSeconds * 1000 + afterEnd) % pollMilliseconds
}
