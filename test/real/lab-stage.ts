// The stage of the cases: a lab and a broker for a whole file, and for every case an agent of its own.
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, describe, it } from 'vitest'
import type { Session } from '../../protocol/index.ts'
import { openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { type Device, type Lab, openLab, whyNoTests } from '../support/lab/lab.ts'
import { openWatchedAgent, type WatchedAgent } from '../support/processes/watched-agent.ts'
import { until } from '../support/until.ts'

export type Transport = 'exec' | 'socket'

export interface Stage {
  readonly transport: Transport
  readonly lab: Lab
  readonly linkMegabits: number
  /** An agent as it is shipped, but for what `env` says; it ends with the case. `under`: the words in front of its command. */
  startAgent(env?: Record<string, string>, under?: readonly string[]): Promise<WatchedAgent>
  /** A device that has met the portal page. */
  aDevice(): Promise<Device>
  /**
   * Seconds by which a gate may be late: those, or as many calls of openNDS's own `ndsctl` where it is run and takes longer. It
   * runs a dozen other programs, which is a matter of 0.1 s on an idle machine, and of seconds on a busy one.
   */
  allowed(seconds: number, calls?: number): Promise<number>
}

const missing = whyNoTests()
const linkMegabits = 50

export const megabytes = 1_000_000
/** A reading told every half second, so that cases need not wait for one. */
export const oftenMeasured = {
  AGENT_USAGE_INTERVAL_MS: '500',
  AGENT_LOOK_INTERVAL_MS: '500',
  AGENT_NEAR_INTERVAL_MS: '500',
}

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
      if (task.result?.state === 'fail') console.error(`${agent?.log() ?? ''}\n${lab.daemon.log().slice(-2000)}`)
      await agent?.close()
      agent = undefined
    })
    afterAll(async () => {
      await broker?.close()
      await lab?.close()
    })

    declare({
      transport,
      linkMegabits,
      get lab() {
        return lab
      },
      async startAgent(env = {}, under = []) {
        await lab.daemon.running()
        await lab.removeGuardTable()
        const portal = { AGENT_LOG_LEVEL: 'debug', AGENT_PORTAL_TRANSPORT: transport, AGENT_NDS_SOCKET: lab.socket }
        const { folder, within } = lab.router
        agent = await openWatchedAgent({ broker, folder, within: [...within, ...under], env: { ...portal, ...env } })
        await agent.start()
        // openNDS 9.10 may end itself over the agent's first question while it is starting; it is started again.
        const { statuses } = agent
        await until(() => {
          const status = statuses.at(-1)
          return status?.state === 'online' && status.portal.state === 'reachable'
        }, 30_000)
        await lab.daemon.running()
        return agent
      },
      async allowed(seconds, calls = 4) {
        return transport === 'socket' ? seconds : Math.max(seconds, calls * (await secondsOfNdsctl()))
      },
      async aDevice() {
        const device = await lab.plugInDevice()
        await device.browse()
        return device
      },
    })
  })
}

async function secondsOfNdsctl(): Promise<number> {
  const began = performance.now()
  await execa('ndsctl', ['json', 'ffffffff'], { reject: false })
  return (performance.now() - began) / 1000
}

type Bought = { bytes: number } | { milliseconds: number }
let purchases = 0

/** Buys for a device, and waits until its gate is open. */
export async function open(agent: WatchedAgent, device: Device, bought: Bought) {
  await buy(agent, device, bought)
  const [started] = await agent.hears('session.started')
  return started
}

export async function buy(agent: WatchedAgent, { mac }: Device, bought: Bought): Promise<void> {
  const [metric, allotment] = Object.entries(bought)[0] ?? []
  const accepted = agent.ofType('purchase.accepted').length + 1
  await agent.publish({ purchaseId: `p${++purchases}`, mac, metric, allotment })
  await agent.hears('purchase.accepted', accepted)
}

/** A device's session as the agent has measured it after this call; it must be told to report often. */
export async function measured(agent: WatchedAgent, device: Device): Promise<Session> {
  return (await reading(agent, device)).session
}

/** The same with the moment at which it was measured. */
export async function reading(agent: WatchedAgent, device: Device): Promise<{ readAt: number; session: Session }> {
  // The first reading that comes may have begun before, the next one did not.
  const first = await readingAfter(Date.now(), agent, device)
  return readingAfter(first.readAt, agent, device)
}

// Two reports of one reading may differ by as much about when it was.
const roundingMilliseconds = 10

async function readingAfter(moment: number, agent: WatchedAgent, { mac }: Device) {
  const latest = () => agent.ofType('usage').at(-1)
  const session = () => latest()?.sessions.find((candidate) => candidate.mac === mac)
  const readAt = () => Date.parse(latest()?.at ?? '') - (session()?.ageMilliseconds ?? Number.POSITIVE_INFINITY)
  await until(() => readAt() > moment + roundingMilliseconds, 20_000)
  const reading = session()
  if (!reading) throw new Error(`no session of ${mac} is reported`)
  return { readAt: readAt(), session: reading }
}
