// The Valve acts: it looks at the portal, opens gates and shuts them. It decides nothing, and of the portal it remembers
// no more than which one it is.
import type { Mac, PortalKind } from '../../protocol/index.ts'
import { majorVersion, type PortalClient, type PortalList, type Question } from '../portal/portal-client.ts'
import { borrowedFrom, withCountersOfAddress } from '../portal/shared-address.ts'
import type { Clock } from '../time/clock.ts'
import { createAnswers } from './answers.ts'
import type { EndFlows } from './conntrack.ts'
import type { DaemonAge } from './daemon-age.ts'
import { type PortalStatus, parseList, parseStatus } from './dialect.ts'
import type { Ndsctl } from './ndsctl/exec.ts'
import { PortalFault } from './portal-fault.ts'
import { createSingleEntries } from './single-entries.ts'

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
  const { ask, askText } = createAnswers(ndsctl, clock)
  const entries = createSingleEntries({ ask, askText }, clock)
  let known: Pick<PortalList, 'kind' | 'version'> | undefined
  // How many entries the portal's list had: its whole answer may take that much longer.
  let listed = 0
  // How often running its `status` could not be read.
  let unreadable = 0

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
  // `status` tells the same at once; where that cannot be read again and again, `json` is better than nothing. In its first
  // seconds 9.10 was seen to end itself over a `status`, and lists next to nobody.
  async function wholeList(): Promise<PortalList> {
    if (known?.kind === 'nodogsplash' || (daemonAge && (await isYoung(daemonAge, known)))) return jsonList()
    const told = await statusUnlessUnreadable()
    if (told?.kind === 'opennds') return told.list
    const list = await jsonList()
    const { trusted, version } = told ?? {}
    return { ...list, ...(trusted && { trusted }), ...(version !== undefined && { version }) }
  }

  /** `undefined` where it could not be read, the first time or time after time. */
  async function statusUnlessUnreadable(): Promise<PortalStatus | undefined> {
    try {
      const told = await status()
      unreadable = 0
      return told
    } catch (err) {
      unreadable++
      if (!isUnreadable(err) || (known && unreadable < patience)) throw err
      return undefined
    }
  }

  async function jsonList(): Promise<PortalList> {
    const extra = known?.kind === 'nodogsplash' ? 0 : (known ? listed : listedAtMost) * absentMilliseconds
    const list = parseList(await askText(['json'], extra))
    expectKind(list.kind)
    return list
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
      return { ...(await entries.some(question, known)), askedAt }
    },
    status,
    async ping() {
      await entries.one(nobody)
    },
    openGate: (mac, client) => open(mac, client, farMinutes),
    openGateUntil: (mac, milliseconds, client) =>
      open(mac, client, Math.min(farMinutes + Math.ceil(milliseconds / 60_000), farthestMinutes)),
    async closeGate(client) {
      try {
        const { exitCode } = await ask(['deauth', nameOf(client)])
        return exitCode === 0
      } finally {
        // The portal may have shut the gate without answering, so its flows are ended in any case.
        await endFlows(client.ip)
      }
    },
    async getClientStats(client) {
      const own = await entries.one(nameOf(client))
      if (!own || !client.borrowed) return own
      const oldest = await entries.one(client.ip)
      return oldest && oldest.token !== own.token ? borrowedFrom(oldest, own) : own
    },
  }
}

// A portal that is not there, busy or silent answers the other question no better.
function isUnreadable(err: unknown): boolean {
  return err instanceof PortalFault && (err.code === 'portal-garbled' || err.code === 'ndsctl-failed')
}

// While `json` waits for devices that have left, the daemon answers nobody: a paid device would wait for as long.
const patience = 3

async function isYoung(age: DaemonAge, known: Pick<PortalList, 'version'> = {}): Promise<boolean> {
  if (majorVersion(known) >= 10) return false
  return ((await age()) ?? Number.POSITIVE_INFINITY) < youngMilliseconds
}

function stamped(list: PortalList, askedAt: number): PortalList {
  return { ...list, askedAt, clients: list.clients.map((client) => ({ ...client, askedAt })) }
}

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
