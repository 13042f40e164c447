// A router seen from outside: the agent as a process, a portal with devices, and somebody who listens at the broker. The
// agent asks the portal over its socket, or by the mock `ndsctl` executable: a process for every call.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import { createPortal, type Flavour } from '../../../broker-dev/portal/world.ts'
import { openWatchedAgent, type WatchedAgentOptions } from './watched-agent.ts'

const ndsctl = resolve('dist/ndsctl.js')

export interface RouterOptions extends Pick<WatchedAgentOptions, 'within' | 'command'> {
  url: string
  flavour?: Flavour
  transport?: 'exec' | 'socket'
  env?: Record<string, string>
}

export type Router = Awaited<ReturnType<typeof openRouter>>

export async function openRouter(options: RouterOptions) {
  const { url, flavour = 'nodogsplash', transport = 'socket', env = {}, ...place } = options
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-portal-'))
  const calls: string[] = []
  const portal = createPortal({ flavour, now: Date.now, random: Math.random })
  const serve = (line: string) => {
    if (line !== '') calls.push(line)
    return portal.serve(line)
  }
  const served = await servePortal(Object.create(portal, { serve: { value: serve } }), join(folder, 'ndsctl.sock'))
  const agent = await openWatchedAgent({
    ...place,
    broker: { url, watchUrl: url },
    env: {
      AGENT_PORTAL_TRANSPORT: transport,
      // Over the socket it needs no ndsctl.
      AGENT_NDSCTL: transport === 'exec' ? ndsctl : '/nowhere',
      AGENT_LOOK_INTERVAL_MS: '400',
      AGENT_NEAR_INTERVAL_MS: '150',
      AGENT_USAGE_INTERVAL_MS: '300',
      AGENT_CHECKPOINT_INTERVAL_MS: '400',
      AGENT_NDS_SOCKET: join(folder, 'ndsctl.sock'),
      MOCK_NDSCTL_SOCKET: join(folder, 'ndsctl.sock'),
      MOCK_NDSCTL_FLAVOUR: flavour,
      ...env,
    },
  })

  return {
    ...agent,
    portal,
    /** The requests to the portal so far, by whichever transport. */
    calls: calls as readonly string[],
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
