// The Valve acts: it looks at the portal, opens gates and shuts them. It decides nothing and keeps nothing.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import type { EndFlows } from './conntrack.ts'
import { parseClient, parseList, parseVersion } from './dialect.ts'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'
import type { PortalClient, PortalList } from './portal-client.ts'

/** Every method may throw {@link PortalFault}. Whether a gate moved, only the next look tells: `ndsctl` may lie. */
export interface Valve {
  /** One call of the portal for all devices. */
  look(): Promise<PortalList>
  /** The portal's version, where it tells one. */
  version(): Promise<string | undefined>
  /** Opens the gate of one portal entry, or of a device that the portal has not seen (openNDS 10 only). */
  openGate(mac: Mac, client?: PortalClient): Promise<void>
  /** The same for time that was bought: the portal shuts the gate by itself only long after it, if the agent is gone. */
  openGateUntil(mac: Mac, milliseconds: number, client?: PortalClient): Promise<void>
  /** Reads one entry's counters, then shuts its gate and ends its flows; resolves with that last reading. */
  closeGate(client: PortalClient): Promise<PortalClient | undefined>
  /** One entry as the portal has it now; `undefined` when it has none. */
  getClientStats(client: PortalClient): Promise<PortalClient | undefined>
}

/** `kind`: which portal must answer; `auto` takes the one that does. `sleep` waits between two tries at a busy portal. */
export function createValve(
  ndsctl: Ndsctl,
  kind: Exclude<PortalKind, 'unknown'> | 'auto',
  sleep: (milliseconds: number) => Promise<void>,
  endFlows: EndFlows = async () => {},
): Valve {
  let known: PortalKind = 'unknown'

  async function ask(...args: string[]): Promise<{ stdout: string; exitCode: number }> {
    for (const pause of [...busyPauses, undefined]) {
      const answer = await ndsctl(args)
      if (answer.exitCode === 3) throw new PortalFault('portal-down', 'the portal is not running')
      if (answer.exitCode !== 4) return answer
      if (pause === undefined) break
      await sleep(pause)
    }
    throw new PortalFault('portal-busy', `the portal was busy at ${busyPauses.length + 1} tries`)
  }

  async function askJson(...which: string[]): Promise<string> {
    const { stdout, exitCode } = await ask('json', ...which)
    if (exitCode !== 0) throw new PortalFault('ndsctl-failed', `ndsctl json ended with ${exitCode}`)
    return stdout
  }

  async function open(mac: Mac, client: PortalClient | undefined, minutes: number): Promise<void> {
    const net = known === 'opennds' ? [String(minutes)] : []
    await ask('auth', client ? nameOf(client) : mac, ...net)
  }

  async function getClientStats(client: PortalClient): Promise<PortalClient | undefined> {
    return parseClient(await askJson(nameOf(client)))
  }

  return {
    async look() {
      const list = parseList(await askJson())
      if (kind !== 'auto' && list.kind !== kind) {
        throw new PortalFault('portal-garbled', `AGENT_PORTAL says ${kind}, but ${list.kind} answers`)
      }
      known = list.kind
      return list
    },
    version: async () => parseVersion((await ask('status')).stdout),
    openGate: (mac, client) => open(mac, client, farMinutes),
    openGateUntil: (mac, milliseconds, client) =>
      open(mac, client, Math.min(farMinutes + Math.ceil(milliseconds / 60_000), farthestMinutes)),
    async closeGate(client) {
      const last = await getClientStats(client)
      const { exitCode } = await ask('deauth', nameOf(client))
      if (exitCode === 0) await endFlows(client.ip)
      return last
    },
    getClientStats,
  }
}

// Exit code 4: another ndsctl is being served.
const busyPauses = [50, 100, 200, 400, 800]

// openNDS would shut every gate after 24 h by itself, and its limit cannot be moved while a gate is open: so it lies
// ten years beyond what was paid, where no top-up gets to. The most it can reckon with is 2^31 seconds.
const farMinutes = 10 * 365 * 24 * 60
const farthestMinutes = 60 * 365 * 24 * 60

// By token: a MAC may have two entries, and an IP may have passed to another device since.
function nameOf(client: PortalClient): string {
  return client.token === '' || client.token === 'null' ? client.ip : client.token
}
