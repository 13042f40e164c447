// The Valve acts: it looks at the portal, opens gates and shuts them. It decides nothing, and of the portal it remembers
// no more than which one it is.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import { type Asked, majorVersion, type PortalClient, type PortalList, type Question } from '../portal/portal-client.ts'
import { borrowedFrom, withCountersOfAddress } from '../portal/shared-address.ts'
import type { Clock } from '../time/clock.ts'
import type { EndFlows } from './conntrack.ts'
import type { DaemonAge } from './daemon-age.ts'
import { type PortalStatus, parseClient, parseList, parseStatus } from './dialect.ts'
import type { Ndsctl } from './ndsctl/exec.ts'
import { PortalFault } from './portal-fault.ts'

/** Every method may throw {@link PortalFault}. Whether a gate moved, only the next look tells: `ndsctl` may lie. */
export interface Valve {
  /** The whole list by one call, or a call for each name in the question. */
  look(question?: Question): Promise<PortalList>
  /** The portal's version, and the devices that its owner trusts. */
  status(): Promise<PortalStatus>
  /** A question that costs the portal next to nothing: resolves when it answers, with something that can be read. */
  ping(): Promise<void>
  /**
   * Opens the gate of one portal entry, or of a device that the portal has not seen (openNDS 10 only). False when the
   * portal says no, which may also mean that the gate is open already.
   */
  openGate(mac: Mac, client?: PortalClient): Promise<boolean>
  /** Like openGate for a time lot; the portal's own limit lies ten years beyond it (decision 0005). */
  openGateUntil(mac: Mac, milliseconds: number, client?: PortalClient): Promise<boolean>
  /** Shuts one entry's gate and ends its flows. False when the portal says no. */
  closeGate(client: PortalClient): Promise<boolean>
  /** One entry as the portal has it now; `undefined` when it has none. */
  getClientStats(client: PortalClient): Promise<PortalClient | undefined>
}

/** `kind`: which portal must answer; `auto` takes the one that does. */
export function createValve(
  ndsctl: Ndsctl,
  kind: Exclude<PortalKind, 'unknown'> | 'auto',
  clock: Pick<Clock, 'monotonic' | 'sleep'>,
  endFlows: EndFlows = async () => {},
  daemonAge?: DaemonAge,
): Valve {
  let known: Pick<PortalList, 'kind' | 'version'> | undefined
  // How many entries the portal's list had: its whole answer may take that much longer.
  let listed = 0

  async function ask(args: readonly string[], extraMilliseconds = 0): Promise<{ stdout: string; exitCode: number }> {
    for (const pause of [...busyPauses, undefined]) {
      const answer = await ndsctl(args, extraMilliseconds)
      if (answer.exitCode === 3) throw new PortalFault('portal-down', 'the portal is not running')
      if (answer.exitCode !== 4) return answer
      if (pause === undefined) break
      await clock.sleep(pause)
    }
    throw new PortalFault('portal-busy', `the portal was busy at ${busyPauses.length + 1} tries`)
  }

  async function askText(args: readonly string[], extraMilliseconds?: number): Promise<string> {
    const { stdout, exitCode } = await ask(args, extraMilliseconds)
    if (exitCode !== 0) throw new PortalFault('ndsctl-failed', `ndsctl ${args.join(' ')} ended with ${exitCode}`)
    return stdout
  }

  async function status(): Promise<PortalStatus> {
    const told = parseStatus(await askText(['status'], listed * statusMilliseconds))
    expectKind(told.kind)
    return told
  }

  function expectKind(answers: PortalList['kind']): void {
    if (kind === 'auto' || answers === kind) return
    throw new PortalFault('portal-garbled', `AGENT_PORTAL says ${kind}, but ${answers} answers`)
  }

  async function lookAtAll(): Promise<PortalList> {
    const askedAt = clock.monotonic()
    const list = await wholeList()
    listed = list.clients.length
    known = { kind: list.kind, ...(list.version !== undefined && { version: list.version }) }
    return stamped({ ...list, clients: withCountersOfAddress(list.clients) }, askedAt)
  }

  // nodogsplash tells all by `json` in milliseconds. openNDS's `json` takes a second for each device that has left, and its
  // `status` tells the same at once; where that cannot be read, `json` is better than nothing. In its first seconds 9.10 was
  // seen to end itself over a `status`, and lists next to nobody.
  async function wholeList(): Promise<PortalList> {
    if (known?.kind === 'nodogsplash' || (daemonAge && (await isYoung(daemonAge)))) return jsonList()
    const told = await unlessUnreadable(status())
    if (told?.kind === 'opennds') return told.list
    const list = await jsonList()
    const { trusted, version } = told ?? {}
    return { ...list, ...(trusted && { trusted }), ...(version !== undefined && { version }) }
  }

  async function isYoung(age: DaemonAge): Promise<boolean> {
    if (majorVersion(known ?? {}) >= 10) return false
    return ((await age()) ?? Number.POSITIVE_INFINITY) < youngMilliseconds
  }

  async function jsonList(): Promise<PortalList> {
    const extra = known?.kind === 'nodogsplash' ? 0 : (known ? listed : listedAtMost) * absentMilliseconds
    const list = parseList(await askText(['json'], extra))
    expectKind(list.kind)
    return list
  }

  async function lookAtSome(
    asked: readonly Asked[],
    { kind, version }: NonNullable<typeof known>,
  ): Promise<PortalList> {
    const clients: PortalClient[] = []
    const named = new Map<Mac, ReadonlySet<string>>()
    let unread: PortalFault | undefined
    for (const about of asked) {
      try {
        const told = await entriesOf(about)
        clients.push(...told.entries)
        named.set(about.mac, told.names)
      } catch (err) {
        // An answer that cannot be read costs the device it is about, and nobody else.
        if (!(err instanceof PortalFault) || err.code !== 'portal-garbled') throw err
        unread = err
      }
    }
    if (unread && named.size === 0) throw unread
    return { kind, ...(version !== undefined && { version }), clients, only: new Set(named.keys()), named }
  }

  async function entriesOf({
    mac,
    names,
    shared = [],
  }: Asked): Promise<{ entries: PortalClient[]; names: Set<string> }> {
    const entries = new Map<string, PortalClient>()
    const told = new Set<string>()
    // The oldest entries at IPs, of other devices.
    const elders = new Map<string, PortalClient>()
    // A device whose entries are gone may be back under another name.
    for (const name of [...new Set([...names, mac])]) {
      if (name === mac && entries.size > 0) break
      const client = await askClient(name)
      if (client?.mac === mac) entries.set(client.token, client)
      // An IP may have passed to another device, or have an older entry of another one.
      else if (client?.ip === name) elders.set(name, client)
      if (!client || (client.mac === mac && name !== mac)) told.add(name)
    }
    const isShared = ({ ip }: PortalClient) => shared === 'every' || shared.includes(ip) || elders.has(ip)
    for (const entry of [...entries.values()].filter(isShared)) {
      const oldest = elders.get(entry.ip) ?? (await askClient(entry.ip))
      if (oldest && oldest.token !== entry.token) {
        entries.set(entry.token, { ...borrowedFrom(oldest, entry), askedAt: oldest.askedAt ?? clock.monotonic() })
      }
    }
    return { entries: [...entries.values()], names: told }
  }

  async function askClient(name: string): Promise<PortalClient | undefined> {
    const askedAt = clock.monotonic()
    const client = parseClient(await askText(['json', name]))
    return client && { ...client, askedAt }
  }

  async function open(mac: Mac, client: PortalClient | undefined, minutes: number): Promise<boolean> {
    const net = known?.kind === 'opennds' ? [String(minutes)] : []
    const { exitCode } = await ask(['auth', client ? nameOf(client) : mac, ...net])
    return exitCode === 0
  }

  return {
    async look(question = 'all') {
      if (question === 'all' || !known) return lookAtAll()
      const askedAt = clock.monotonic()
      return { ...(await lookAtSome(question, known)), askedAt }
    },
    status,
    async ping() {
      await askClient(nobody)
    },
    openGate: (mac, client) => open(mac, client, farMinutes),
    openGateUntil: (mac, milliseconds, client) =>
      open(mac, client, Math.min(farMinutes + Math.ceil(milliseconds / 60_000), farthestMinutes)),
    async closeGate(client) {
      try {
        const { exitCode } = await ask(['deauth', nameOf(client)])
        return exitCode === 0
      } finally {
        // Also where no answer came: the portal may have done it.
        await endFlows(client.ip)
      }
    },
    async getClientStats(client) {
      const own = await askClient(nameOf(client))
      if (!own || !client.borrowed) return own
      const oldest = await askClient(client.ip)
      return oldest && oldest.token !== own.token ? borrowedFrom(oldest, own) : own
    },
  }
}

// A portal that is not there, busy or silent answers the other question no better.
async function unlessUnreadable<T>(answer: Promise<T>): Promise<T | undefined> {
  return answer.catch((err) => {
    if (err instanceof PortalFault && (err.code === 'portal-garbled' || err.code === 'ndsctl-failed')) return undefined
    throw err
  })
}

function stamped(list: PortalList, askedAt: number): PortalList {
  return { ...list, askedAt, clients: list.clients.map((client) => ({ ...client, askedAt })) }
}

// Exit code 4: another ndsctl is being served.
const busyPauses = [50, 100, 200, 400, 800]

// All its customers are still to come then, so nobody in its list has left.
const youngMilliseconds = 20_000

// Time that an entry may add to a whole answer: openNDS's `json` waits a second for each device that has left.
const absentMilliseconds = 1100
const statusMilliseconds = 50
// Before the first answer: as many may stand in the list of a portal that has run for a minute.
const listedAtMost = 20

// A token that no portal gives: eight digits are looked up without searching the list.
const nobody = 'ffffffff'

// openNDS would shut every gate after 24 h by itself, and its limit cannot be moved while a gate is open: so it lies
// ten years beyond what was paid, where no top-up gets to. The most it can reckon with is 2^31 seconds.
const farMinutes = 10 * 365 * 24 * 60
const farthestMinutes = 60 * 365 * 24 * 60

// By token: a MAC may have two entries, and an IP may have passed to another device since.
function nameOf(client: PortalClient): string {
  return client.token === '' || client.token === 'null' ? client.ip : client.token
}
