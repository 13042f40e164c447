// One simulated router: a mock portal, the real agent that drives it, and the customers.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../agent/time/clock.ts'
import { type CrowdOptions, createCrowd } from '../customers/crowd.ts'
import { servePortal } from '../portal/socket.ts'
import { createPortal, type Flavour } from '../portal/world.ts'
import { mulberry32 } from '../random.ts'
import { createAgentInProcess } from './agent-in-process.ts'
import { createAgentProcess, type RunningAgent } from './agent-process.ts'

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
  external?: { agent: string; ndsctl: string; socketDir: string }
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
}

export function createRouter(options: RouterOptions): Router {
  const { routerId, number, flavour, devices, clock, external } = options
  const random = mulberry32(options.seed * 1000 + number)
  // OpenWrt's own setting for nodogsplash; its default of 20 is less than a busy café.
  const sleep = (milliseconds: number) => clock.sleep(milliseconds)
  const portal = createPortal({ flavour, now: clock.wall, random, maxClients: 250, sleep })
  if (options.realistic) Object.assign(portal.faults, { realistic: true, wedges: true })
  const crowd = createCrowd({ portal, router: number, devices, clock, random, buy: options.buy })
  const socket = external && join(external.socketDir, `${routerId}.sock`)
  const agent = createAgent()
  let served: { close(): Promise<void> } | undefined

  function createAgent(): RunningAgent {
    const { logFile } = options
    if (external && socket !== undefined) {
      // A mock portal has no rules in this machine's kernel, and nobody's own firewall is touched.
      const guard = { AGENT_GUARD: 'off' }
      const mock = { AGENT_NDSCTL: external.ndsctl, MOCK_NDSCTL_SOCKET: socket, MOCK_NDSCTL_FLAVOUR: flavour, ...guard }
      const env = { ...options.env, ...mock, AGENT_ROUTER_ID: routerId }
      return createAgentProcess({ program: external.agent, env, ...(logFile !== undefined && { logFile }) })
    }
    if (logFile === undefined) throw new Error('an agent in this process needs a file for its log')
    return createAgentInProcess({ env: { ...options.env, AGENT_ROUTER_ID: routerId }, portal, clock, logFile })
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

  return {
    open,
    openCustomers: crowd.open,
    stopBuying: crowd.stopBuying,
    stopCustomers: crowd.close,
    stop,
    lost: agent.lost,
  }
}
