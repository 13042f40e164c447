// The Valve acts: it looks at the portal, opens gates and shuts them. It decides nothing, and of the portal it remembers
// no more than which one it is.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import type { EndFlows } from './conntrack.ts'
import { type PortalStatus, parseClient, parseList, parseStatus } from './dialect.ts'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'
import type { Asked, PortalClient, PortalList, Question } from './portal-client.ts'

/** Every method may throw {@link PortalFault}. Whether a gate moved, only the next look tells: `ndsctl` may lie. */
export interface Valve {
  /** One call for all devices; or, at openNDS, a call for each name in the question. nodogsplash always tells all. */
  look(question?: Question): Promise<PortalList>
  /** The portal's version, and the trusted devices where its list does not tell them. */
  status(): Promise<PortalStatus>
  /**
   * Opens the gate of one portal entry, or of a device that the portal has not seen (openNDS 10 only). False when the
   * portal says no, which may also mean that the gate is open already.
   */
  openGate(mac: Mac, client?: PortalClient): Promise<boolean>
  /** The same for time that was bought: the portal shuts the gate by itself only long after it, if the agent is gone. */
  openGateUntil(mac: Mac, milliseconds: number, client?: PortalClient): Promise<boolean>
  /** Shuts one entry's gate and ends its flows. False when the portal says no. */
  closeGate(client: PortalClient): Promise<boolean>
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
  let known: Pick<PortalList, 'kind' | 'version'> | undefined

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

  async function lookAtAll(): Promise<PortalList> {
    const list = parseList(await askJson())
    if (kind !== 'auto' && list.kind !== kind) {
      throw new PortalFault('portal-garbled', `AGENT_PORTAL says ${kind}, but ${list.kind} answers`)
    }
    known = list
    return list
  }

  async function lookAtSome(
    asked: readonly Asked[],
    { kind, version }: NonNullable<typeof known>,
  ): Promise<PortalList> {
    const clients: PortalClient[] = []
    for (const { mac, names } of asked) {
      const entries = new Map<string, PortalClient>()
      // A device whose entries are gone may be back under another name.
      for (const name of [...new Set([...names, mac])]) {
        if (name === mac && entries.size > 0) break
        const client = parseClient(await askJson(name))
        // An IP may have passed to another device.
        if (client?.mac === mac) entries.set(client.token, client)
      }
      clients.push(...entries.values())
    }
    const only = new Set(asked.map(({ mac }) => mac))
    return { kind, ...(version !== undefined && { version }), clients, trusted: [], only }
  }

  async function open(mac: Mac, client: PortalClient | undefined, minutes: number): Promise<boolean> {
    const net = known?.kind === 'opennds' ? [String(minutes)] : []
    const { exitCode } = await ask('auth', client ? nameOf(client) : mac, ...net)
    return exitCode === 0
  }

  return {
    look(question = 'all') {
      if (question === 'all' || known?.kind !== 'opennds') return lookAtAll()
      return lookAtSome(question, known)
    },
    status: async () => parseStatus((await ask('status')).stdout),
    openGate: (mac, client) => open(mac, client, farMinutes),
    openGateUntil: (mac, milliseconds, client) =>
      open(mac, client, Math.min(farMinutes + Math.ceil(milliseconds / 60_000), farthestMinutes)),
    async closeGate(client) {
      const { exitCode } = await ask('deauth', nameOf(client))
      if (exitCode === 0) await endFlows(client.ip)
      return exitCode === 0
    },
    getClientStats: async (client) => parseClient(await askJson(nameOf(client))),
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
