// What the cases play on: a lab and a broker for a whole file, and for every case an agent of its own.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'
import { Session } from '../../protocol/index.ts'
import { openMosquitto, type TestBroker } from '../black-box/brokers.ts'
import { openWatchedAgent, type WatchedAgent } from '../black-box/watched-agent.ts'
import { type Device, type Lab, openLab, whyNoTests } from './lab.ts'

export type Transport = 'exec' | 'socket'

export interface Stage {
  readonly lab: Lab
  readonly linkMegabits: number
  /** An agent as it is shipped, but for what `env` says; it ends with the case. */
  startAgent(env?: Record<string, string>): Promise<WatchedAgent>
  /** A device that has met the portal page. */
  aDevice(): Promise<Device>
}

const missing = whyNoTests()
const linkMegabits = 50

export const megabytes = 1_000_000
/** Two readings a second, so that cases need not wait for one. */
export const oftenMeasured = { AGENT_USAGE_INTERVAL_MS: '500' }

/** Declares the cases over one transport; one line stands for them where the lab cannot be. */
export function onARealPortal(transport: Transport, declare: (stage: Stage) => void): void {
  if (missing) return void it.skip(`openNDS over ${transport}: ${missing}`)
  describe(`openNDS over ${transport}`, () => {
    let lab: Lab
    let broker: TestBroker
    let agent: WatchedAgent | undefined
    beforeAll(async () => {
      lab = await openLab()
      await lab.setLinkRate(linkMegabits)
      broker = await openMosquitto(lab.router)
    })
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') console.error(`${agent?.log() ?? ''}\n${lab.daemon.log().slice(-4000)}`)
      await agent?.close()
      agent = undefined
    })
    afterAll(async () => {
      await broker?.close()
      await lab?.close()
    })

    declare({
      linkMegabits,
      get lab() {
        return lab
      },
      async startAgent(env = {}) {
        const portal = { AGENT_PORTAL_TRANSPORT: transport, AGENT_NDS_SOCKET: lab.socket }
        agent = await openWatchedAgent({ broker, ...lab.router, env: { ...portal, ...env } })
        await agent.start()
        return agent
      },
      async aDevice() {
        const device = await lab.plugInDevice()
        await device.browse()
        return device
      },
    })
  })
}

let purchases = 0

/** Buys for a device, and waits until its gate is open. */
export async function open(agent: WatchedAgent, device: Device, bought: { bytes: number } | { milliseconds: number }) {
  await buy(agent, device, bought)
  const [started] = await agent.hears('session.started')
  return started
}

export async function buy(agent: WatchedAgent, { mac }: Device, bought: { bytes: number } | { milliseconds: number }) {
  const [metric, allotment] = Object.entries(bought)[0] ?? []
  const accepted = agent.ofType('purchase.accepted').length + 1
  await agent.publish({ purchaseId: `p${++purchases}`, mac, metric, allotment })
  await agent.hears('purchase.accepted', accepted)
}

/** A device's session as the agent has measured it after this call. */
export async function measured(agent: WatchedAgent, device: Device): Promise<Session> {
  // The first reading that comes may have begun before, the next one did not.
  await nextReading(agent, device)
  return nextReading(agent, device)
}

async function nextReading(agent: WatchedAgent, { mac }: Device): Promise<Session> {
  const asked = performance.now()
  for (;;) {
    // The answer's own way says nothing of the reading: it is at most as old as it was when the question was sent.
    const sent = performance.now()
    const reply = await agent.command({ command: 'session', mac })
    if (reply.status !== 'ok') throw new Error(`no session: ${JSON.stringify(reply)}`)
    const session = Session.parse(reply.data)
    if (sent - (session.ageMilliseconds ?? Number.POSITIVE_INFINITY) > asked) return session
    await sleepFor(50)
  }
}
