// One simulated router: a mock portal, the real agent that drives it, and the customers.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../agent/time/clock.ts'
import type { Link } from '../broker/link.ts'
import { type Crowd, type CrowdOptions, createCrowd } from '../customers/crowd.ts'
import { servePortal } from '../portal/socket.ts'
import { createPortal, type Flavour, type MockPortal } from '../portal/world.ts'
import { mulberry32 } from '../random.ts'
import { createAgentInProcess } from './agent-in-process.ts'
import { type AgentProcess, createAgentProcess } from './agent-process.ts'
import { clockOf, type MachineState, soundMachine } from './machine.ts'
import type { RunningAgent } from './running-agent.ts'

export interface RouterOptions {
  routerId: string
  /** Its number in the fleet, from 1: what tells its devices from those of others. */
  number: number
  flavour: Flavour
  devices: number
  seed: number
  clock: Clock
  buy: CrowdOptions['buy']
  /** The agent's own settings, `AGENT_*`. */
  env: Record<string, string>
  /** The agent in a process of its own, by these programs, with the portal's socket in that folder. */
  external?: { agent: string; ndsctl: string; machine?: string; socketDir: string }
  /** Its way to the broker, where that can be cut. */
  link?: Link
  logFile?: string
  /** The portal is as slow as a real one, and its accept queue falls behind. */
  realistic?: boolean
}

export interface Router {
  open(): Promise<void>
  openCustomers(): void
  stopBuying(): Promise<void>
  stopCustomers(): Promise<void>
  stop(why: string): Promise<void>
  /** Rejects when the agent ends by itself. */
  readonly lost: Promise<never>
  readonly portal: MockPortal
  readonly crowd: Pick<Crowd, 'inRange' | 'unplug' | 'plugIn' | 'borrowAddress'>
  /** The agent's process is gone from one moment to the next; and it is started again. */
  killAgent(): Promise<void>
  startAgent(): Promise<void>
  readonly machine: Readonly<MachineState>
  setMachine(changed: Partial<MachineState>): void
}

export function createRouter(options: RouterOptions): Router {
  const { routerId, number, flavour, devices, external, link } = options
  const machine = { ...soundMachine }
  const clock = clockOf(machine, options.clock)
  const random = mulberry32(options.seed * 1000 + number)
  // OpenWrt's own setting for nodogsplash; its default of 20 is less than a busy café.
  const sleep = (milliseconds: number) => clock.sleep(milliseconds)
  const portal = createPortal({ flavour, now: clock.wall, random, maxClients: 250, sleep })
  if (options.realistic) Object.assign(portal.faults, { realistic: true, wedges: true })
  const crowd = createCrowd({ portal, router: number, devices, clock, random, buy: options.buy })
  const socket = external && join(external.socketDir, `${routerId}.sock`)
  let agentProcess: AgentProcess | undefined
  const agent = createAgent()
  let served: { close(): Promise<void> } | undefined

  function createAgent(): RunningAgent {
    const { logFile } = options
    if (external && socket !== undefined) {
      // A mock portal has no rules in this machine's kernel, and nobody's own firewall is touched.
      const guard = { AGENT_GUARD: 'off' }
      const mock = { AGENT_NDSCTL: external.ndsctl, MOCK_NDSCTL_SOCKET: socket, MOCK_NDSCTL_FLAVOUR: flavour, ...guard }
      const env = { ...options.env, ...mock, AGENT_ROUTER_ID: routerId }
      const file = { ...(logFile !== undefined && { logFile }) }
      agentProcess = createAgentProcess({ program: external.agent, machine: external.machine, env, ...file })
      return agentProcess
    }
    if (logFile === undefined) throw new Error('an agent in this process needs a file for its log')
    const env = { ...options.env, AGENT_ROUTER_ID: routerId }
    return createAgentInProcess({ env, portal, clock, machine, logFile })
  }

  async function open(): Promise<void> {
    if (external && socket !== undefined) {
      mkdirSync(external.socketDir, { recursive: true })
      served = await servePortal(portal, socket)
    }
    await agent.open()
  }

  async function stop(why: string): Promise<void> {
    await crowd.close()
    await agent.stop(why)
    await served?.close()
  }

  async function killAgent(): Promise<void> {
    const killed = agent.kill()
    // The kernel shuts the connections of a process that is gone.
    link?.cut()
    await killed
  }

  function setMachine(changed: Partial<MachineState>): void {
    Object.assign(machine, changed)
    agentProcess?.putInto({ ...machine })
  }

  return {
    open,
    openCustomers: crowd.open,
    stopBuying: crowd.stopBuying,
    stopCustomers: crowd.close,
    stop,
    lost: agent.lost,
    ...{ portal, crowd, killAgent, startAgent: agent.open, machine, setMachine },
  }
}
