// A router seen from outside: the agent as a process, the mock `ndsctl` executable, a portal with devices, and somebody
// who listens at the broker.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import { createPortal, type Flavour } from '../../../broker-dev/portal/world.ts'
import { openWatchedAgent } from './watched-agent.ts'

const ndsctl = resolve('dist/ndsctl.js')

export interface RouterOptions {
  url: string
  flavour?: Flavour
  maxClients?: number
  env?: Record<string, string>
}

export type Router = Awaited<ReturnType<typeof openRouter>>

export async function openRouter({ url, flavour = 'nodogsplash', maxClients, env = {} }: RouterOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-portal-'))
  const calls = join(folder, 'calls.txt')
  const portal = createPortal({ flavour, now: Date.now, random: Math.random, ...(maxClients && { maxClients }) })
  const served = await servePortal(portal, join(folder, 'ndsctl.sock'))
  const agent = await openWatchedAgent({
    broker: { url, watchUrl: url },
    env: {
      AGENT_NDSCTL: ndsctl,
      AGENT_LOOK_INTERVAL_MS: '400',
      AGENT_NEAR_INTERVAL_MS: '150',
      AGENT_USAGE_INTERVAL_MS: '300',
      AGENT_CHECKPOINT_INTERVAL_MS: '400',
      AGENT_NDS_SOCKET: join(folder, 'ndsctl.sock'),
      MOCK_NDSCTL_SOCKET: join(folder, 'ndsctl.sock'),
      MOCK_NDSCTL_FLAVOUR: flavour,
      MOCK_NDSCTL_LOG: calls,
      ...env,
    },
  })

  return {
    ...agent,
    portal,
    /** The calls of ndsctl so far, one line each. */
    calls: (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').filter(Boolean) : []),
    /** A device on the LAN that has met the portal page. */
    browse(mac: string, ip: string) {
      portal.arrive(mac, ip)
      portal.browse(mac)
    },
    async close() {
      await agent.close()
      await served.close()
      // An ndsctl that outlives its killed agent may still write its line.
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export const mac = (number: number): string => `02:66:ca:fe:${hex(number >> 8)}:${hex(number & 255)}`
export const ip = (number: number): string => `192.168.${66 + (number >> 8)}.${number & 255}`
const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
