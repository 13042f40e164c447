// Gates: a look at the portal becomes charges and events in the books; a plan becomes calls of the Valve.
import type { LiveStatus, Mac } from '../protocol/index.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { coalesce, type Drift, type Reports } from './lookout/drifts.ts'
import { isDue, isStrange, type Step, type UnpaidPolicy } from './lookout/gate-plan.ts'
import { drift, nothingWatched, settle, sharedAddress } from './lookout/settle.ts'
import { firstEndIn } from './lookout/when-to-look.ts'
import {
  absentMilliseconds,
  afterListFault,
  afterLook,
  afterNeighbours,
  everybody,
  nothingSeen,
  type Seen,
} from './lookout/whom-to-ask.ts'
import type { Metered, Metering } from './merchant/books.ts'
import {
  isSeenAgain,
  lacksBaseline,
  meterSession,
  opening,
  unanswered,
  unreadFor,
  unseen,
} from './merchant/metering.ts'
import { currentLot, type Session } from './merchant/session.ts'
import {
  type Asked,
  type PortalClient,
  type PortalList,
  type Question,
  updated,
  without,
} from './portal/portal-client.ts'
import { shutAlong } from './portal/prefix-defect.ts'
import { withHolders } from './portal/shared-address.ts'
import type { Recorder } from './recorder.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Now } from './time/moment.ts'
import type { Neighbours } from './valve/neighbours.ts'
import { PortalFault } from './valve/portal-fault.ts'
import type { Valve } from './valve/valve.ts'

export interface Gates {
  /** Begins a life of the agent: sessions in the books may have gates that the one before was opening. */
  begin(): void
  /** Asks the router's kernel who is on the LAN; the devices with a session that have come since it was last asked. */
  notice(): Promise<Mac[]>
  /** Asks the portal, charges what was used, tells what changed; `undefined` when the portal cannot be asked. */
  look(question: Question): Promise<PortalList | undefined>
  /**
   * Takes the steps that are still due, ends first, and stops opening when a session is about to end: the steps that it took.
   * Whether a gate moved only the next look tells.
   */
  apply(steps: readonly Step[], list: PortalList): Promise<Step[]>
  /** Tells the drifts that were counted for long enough. */
  tellCounted(): Promise<void>
  /** Whether the latest question was not answered. */
  readonly isUnanswered: boolean
  /** When the portal last answered anything, in milliseconds of this boot. */
  readonly answeredAt: number
  /** What the looks so far have shown of the portal itself. */
  readonly seen: Seen
  /** Tokens of open gates that let nothing through. */
  readonly blocked: ReadonlySet<string>
  /** Tokens of older entries that were cleared, or tried to be. */
  readonly cleared: ReadonlySet<string>
  /** Devices to ask about at the next look: their gates may have been shut along with another one. */
  readonly askAtOnce: readonly Mac[]
  /** The portal's list as the looks so far have shown it. */
  readonly remembered: PortalList | undefined
  /** The portal as the status shows it. */
  readonly portal: LiveStatus['portal']
}

interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  neighbours: Neighbours
  recorder: Recorder
  unpaid: UnpaidPolicy
  /** No answer to any question for longer than this is an unreachable portal, in milliseconds. */
  silentAfter: number
  log: Log
}

// A disk may refuse for long; what is told afterwards is bounded.
const mostUnstored = 100
const trustedInterval = 60_000
// Before a shut, a reading older than this is taken again, however slow the portal is.
const mostFreshMilliseconds = 20

export function createGates({ clock, journal, valve, neighbours, recorder, unpaid, silentAfter, log }: Parts): Gates {
  let watch = nothingWatched
  let seen = nothingSeen
  let remembered: PortalList | undefined
  let reports: Reports = new Map()
  let askAtOnce: readonly Mac[] = []
  let portal: LiveStatus['portal'] = { kind: 'unknown', version: null, state: 'unknown' }
  let lastNeighbours: Awaited<ReturnType<Neighbours>>
  // Since when no question was answered.
  let unansweredSince: number | undefined
  let answeredAt = Number.NEGATIVE_INFINITY
  let trustedAskedAt = Number.NEGATIVE_INFINITY
  // Drifts that the disk would not take: told as soon as it does.
  let unstored: Drift[] = []

  async function answered(list: PortalList, merged: PortalList, now: Now): Promise<void> {
    const before = remembered ? { before: remembered } : {}
    const settled = settle(journal.books, list, watch, unpaid, now, { ...before, after: merged })
    watch = settled.watch
    askAtOnce = settled.askAtOnce
    if (settled.shut.length > 0) journal.note({ type: 'shut', macs: settled.shut })
    const back = journal.books.portalUnreachable ? [drift('portal-back', 'every gate is compared with the books')] : []
    const drifts = [...back, ...settled.drifts]
    const counted = coalesce(reports, drifts, now)
    const told = [...unstored, ...counted.told]
    const events = [...told, ...settled.events]
    // Metering of sessions without an event is noted only: after a crash the portal's counters go on, and the next look finds it.
    // The point that a gate is measured from since it was seen open again is stored: the one before may lie before a silence.
    const isStored = (metering: Metering) => {
      const isTold = events.some((event) => 'mac' in event && event.mac === metering.mac)
      return isTold || isSeenAgain(journal.books.sessions.get(metering.mac), metering)
    }
    const metered: Metered = { type: 'metered', sessions: settled.metered.filter(isStored) }
    journal.note({
      type: 'metered',
      sessions: settled.metered.filter((metering) => !metered.sessions.includes(metering)),
    })
    reports = counted.reports
    if (back.length > 0) journal.note({ type: 'portal', unreachable: false })
    if (events.length === 0 && metered.sessions.length === 0) return
    unstored = []
    // If the disk refuses, gates still move. Metering goes on in memory; a start or end that was not stored is found again
    // by the next look.
    const goOn = () => {
      journal.note(metered)
      unstored = told.slice(-mostUnstored)
    }
    await recorder.appendOr(goOn, events, { records: [metered] })
  }

  // nodogsplash lists trusted devices only in `ndsctl status`: ask before calling an open gate unpaid. Without an answer
  // nobody is called unpaid, and metering goes on.
  async function withTrusted(list: PortalList): Promise<PortalList> {
    const { books } = journal
    const now = clock.monotonic()
    // A trusted device that has paid is not let in, nor listed: why it waits is asked now and then.
    const somebodyWaits = [...books.sessions.values()].some((session) => session.waitingFor !== undefined)
    const isUrgent = firstEndIn(books, nowOf(clock)) <= 2 * seen.latencyMilliseconds
    const isTime = somebodyWaits && !isUrgent && now - trustedAskedAt >= trustedInterval
    const isWanted = isTime || list.clients.some((client) => isStrange(books, client))
    if (list.trusted || list.kind !== 'nodogsplash' || !isWanted) return list
    trustedAskedAt = now
    const trusted = await valve.status().then(
      (status) => status.trusted,
      (err) => {
        if (!(err instanceof PortalFault)) throw err
        log.warn({ err }, 'the portal does not say which devices are trusted: nobody is shut as unpaid')
        return undefined
      },
    )
    return trusted ? { ...list, trusted } : list
  }

  /** Asks; where the whole list cannot be read the devices that matter are asked for one by one. */
  async function ask(question: Question): Promise<{ list: PortalList; question: Question }> {
    const isOneCall = seen.kind === 'nodogsplash' && seen.listFailures === 0
    if (question !== 'all' && !isOneCall) return askSome(question)
    try {
      return { list: await valve.look('all'), question: 'all' }
    } catch (err) {
      if (!isAboutTheList(err) || remembered === undefined) throw err
      log.warn({ err }, 'the list of the portal cannot be read: its devices are asked for one by one')
      seen = afterListFault(seen, nowOf(clock))
      // At openNDS each question takes its time: their turns come with the next looks, if the portal answers at all.
      const instead = remembered.kind === 'opennds' ? [] : everybody(journal.books, remembered)
      if (instead.length === 0) await valve.ping()
      return { list: await valve.look(instead), question: instead }
    }
  }

  async function askSome(question: readonly Asked[]): Promise<{ list: PortalList; question: Question }> {
    if (question.length === 0) await valve.ping()
    try {
      return { list: await valve.look(question), question }
    } catch (err) {
      // The list is printed in another way, and may be readable where single answers are not.
      const isUnreadable = err instanceof PortalFault && err.code === 'portal-garbled'
      if (!isUnreadable || seen.listFailures > 0) throw err
      return { list: await valve.look('all'), question: 'all' }
    }
  }

  async function failed({ code, message }: PortalFault, now: Now): Promise<void> {
    // A slow answer is no missing answer: other callers may keep the daemon busy for as long as its list takes.
    const isSilent = silences.has(code)
    if (isSilent && now.at - (unansweredSince ?? now.at) <= silentAfter) return
    portal = { ...portal, state: 'unreachable' }
    if (code === 'portal-down') await store(unseen(journal.books))
    else if (isSilent) await store(unanswered(journal.books))
    if (journal.books.portalUnreachable) return
    const event = drift('portal-unreachable', `${message} (${code}); asked until it answers`)
    journal.note({ type: 'portal', unreachable: true })
    await tell([event], now)
  }

  /** Metering that an agent which dies must not go back behind. */
  async function store(sessions: Metering[]): Promise<void> {
    if (sessions.length === 0) return
    const metered: Metered = { type: 'metered', sessions }
    await recorder.appendOr(() => journal.note(metered), [], { records: [metered] })
  }

  async function tell(drifts: readonly Drift[], now: Now): Promise<void> {
    const counted = coalesce(reports, drifts, now)
    reports = counted.reports
    if (counted.told.length === 0) return
    await recorder.appendOr(() => {
      unstored = [...unstored, ...counted.told].slice(-mostUnstored)
    }, counted.told)
  }

  async function describe(list: PortalList): Promise<void> {
    const isNew = portal.state !== 'reachable' || portal.kind !== list.kind
    const known = portal.kind === list.kind ? portal.version : null
    // openNDS tells its version with its clients, and 9.10 may end itself over its status: while it lists nobody it is asked
    // only when somebody waits, since 10 opens for a device that it has not seen.
    const isNeeded = list.kind === 'nodogsplash' ? isNew : known === null && journal.books.sessions.size > 0
    const asked = list.version === undefined && isNeeded ? await valve.status().catch(() => undefined) : undefined
    const version = list.version ?? asked?.version ?? known
    portal = { kind: list.kind, version, state: 'reachable' }
    if (version !== null) seen = { ...seen, version }
  }

  /** The points to measure from are on disk before a gate opens: an agent that dies in between goes on from them. */
  async function prepare(steps: readonly Step[], { clients }: PortalList): Promise<void> {
    const { sessions: all } = journal.books
    // A clearing opens a gate too; a session that is open elsewhere goes on from where it is.
    const isOpening = ({ act, mac }: Step) => act === 'open' || (act === 'clear' && all.get(mac)?.seenOpen === null)
    // A gate that is cleared opens when those in its way are shut.
    const shut = new Set(steps.flatMap((step) => (step.act === 'close' ? [step.client.token] : [])))
    const known = remembered?.clients.filter(({ token }) => !shut.has(token))
    const macs = new Set(steps.filter(isOpening).map(({ mac }) => mac))
    await recorder.inTurn(async () => {
      const sessions = [...macs].flatMap((mac) => journal.books.sessions.get(mac) ?? [])
      const unprepared = sessions.filter((session) => lacksBaseline(session, clients))
      await store(unprepared.map((session) => opening(session, clients, known)))
    })
  }

  async function take(step: Step): Promise<void> {
    if (step.act === 'clear') return clear(step)
    if (step.act !== 'open') return close(step)
    const { mac, milliseconds, client } = step
    const note = () => {
      watch = { ...watch, opening: new Set([...watch.opening, mac]) }
    }
    try {
      const isTaken =
        milliseconds === undefined
          ? await valve.openGate(mac, client)
          : await valve.openGateUntil(mac, milliseconds, client)
      // The portal said no: if the gate is open all the same, somebody else has opened it.
      if (isTaken) note()
    } catch (err) {
      // No answer says nothing: it may have been done.
      note()
      throw err
    }
  }

  async function close(step: Extract<Step, { act: 'close' | 'renew' }>): Promise<void> {
    const { client } = step
    const isEnough = isReadEnough(client)
    const last = isEnough ? undefined : await valve.getClientStats(client)
    if (last && remembered) noteReading(last, remembered)
    // Nothing else tells that an entry is gone which stood behind an older one at its IP, and kept a payer there waiting.
    if (!last && !isEnough) {
      if (remembered) remembered = without(remembered, client)
      return
    }
    // The reading takes its time: a top-up that came meanwhile keeps the gate.
    if (!isDue(journal.books, step)) return
    if (step.act === 'close' && step.isDisplaced) {
      const holder = client.heldBy?.mac ?? remembered?.clients.findLast(({ ip }) => ip === client.ip)?.mac
      await recorder.inTurn(() => tell([sharedAddress(journal.books, client, holder)], nowOf(clock)))
    }
    watch = { ...watch, shut: new Set([...watch.shut, client.mac]) }
    const readAt = last?.askedAt ?? client.askedAt ?? clock.monotonic()
    const isShut = await valve.closeGate(client)
    if (!isShut) return
    noteShut(client)
    noteMetering(client.mac, (session) => unreadFor(session, clock.monotonic() - readAt))
  }

  function noteShut(client: PortalClient): void {
    const along = remembered ? shutAlong(client, remembered).map(({ token }) => token) : []
    const shutIps = new Set([...watch.shutIps, client.ip])
    watch = { ...watch, shutAlong: new Set([...watch.shutAlong, ...along]), shutIps }
  }

  async function clear({ mac, client }: Extract<Step, { act: 'clear' }>): Promise<void> {
    const isOpened = await valve.openGate(mac, client).catch((err) => {
      if (!(err instanceof PortalFault)) throw err
      // No answer says nothing: it may have been done.
      return true
    })
    // It is tried again before the next opening: what is left there hides what passes here.
    if (!isOpened) return
    watch = { ...watch, opening: new Set([...watch.opening, mac]) }
    if (await valve.closeGate(client)) noteShut(client)
    watch = { ...watch, cleared: new Set([...watch.cleared, client.token]) }
  }

  // What passed between the look and the shutting is charged too: the portal forgets it.
  function noteReading(last: PortalClient, known: PortalList): void {
    const clients = known.clients.map((entry) => (entry.token === last.token ? withFlags(entry, last) : entry))
    remembered = { ...known, clients }
    const at = { bootId: clock.bootId, at: last.askedAt ?? clock.monotonic() }
    const { uptime } = journal.books
    // The other entries of the device are as old as the look that showed them.
    const asked = clients.map((entry) => (entry.mac === last.mac ? { ...entry, askedAt: at.at } : entry))
    noteMetering(last.mac, (session) => meterSession(session, { at, clients: asked, uptime }))
  }

  function noteMetering(mac: Mac, meteringOf: (session: Session) => Metering): void {
    const session = journal.books.sessions.get(mac)
    if (session) journal.note({ type: 'metered', sessions: [meteringOf(session)] })
  }

  // A reading that is younger than what another one takes is as good as another one. Of a session that is used up nothing more
  // is charged: while a slow portal tells how much has passed meanwhile, as much again passes.
  function isReadEnough({ mac, askedAt, borrowed }: PortalClient): boolean {
    const session = journal.books.sessions.get(mac)
    if (!session) return true
    const isUsedUp = currentLot(session.lots) === undefined
    // Behind an older entry each reading takes two questions, and one about a device that has left takes a second.
    const latency = borrowed ? Math.max(seen.latencyMilliseconds, absentMilliseconds) : seen.latencyMilliseconds
    const most = isUsedUp ? latency : Math.min(seen.latencyMilliseconds, mostFreshMilliseconds)
    return askedAt !== undefined && clock.monotonic() - askedAt <= most
  }

  return {
    begin() {
      watch = { ...watch, adopted: new Set([...journal.books.sessions.values()].map(({ sessionId }) => sessionId)) }
    },
    async notice() {
      lastNeighbours = await neighbours()
      const before = seen.present
      seen = afterNeighbours(seen, lastNeighbours, remembered, journal.books, nowOf(clock))
      if (remembered) {
        remembered = { ...remembered, clients: withHolders(remembered.clients, remembered.clients, lastNeighbours) }
      }
      const { present } = seen
      if (!present) return []
      return [...journal.books.sessions.keys()].filter((mac) => present.has(mac) && !before?.has(mac))
    },
    async look(asked) {
      const began = clock.monotonic()
      try {
        const { list: plain, question } = await ask(asked)
        const list = await withTrusted(plain)
        const union = updated(remembered, list)
        const merged = { ...union, clients: withHolders(union.clients, union.clients, lastNeighbours) }
        const told = { ...list, clients: withHolders(list.clients, merged.clients, lastNeighbours) }
        const now = nowOf(clock)
        unansweredSince = undefined
        answeredAt = now.at
        await recorder.inTurn(() => answered(told, merged, now))
        seen = afterLook({ ...seen, shuts: watch.shuts }, question, list, journal.books, now, now.at - began, merged)
        await describe(list)
        const version = portal.version === null ? {} : { version: portal.version }
        remembered = { ...merged, ...version }
        return { ...told, ...version }
      } catch (err) {
        if (!(err instanceof PortalFault)) throw err
        if (portal.state !== 'unreachable') log.warn({ err }, 'the portal cannot be asked, trying again')
        unansweredSince ??= began
        const now = nowOf(clock)
        await recorder.inTurn(() => failed(err, now))
        return undefined
      }
    },
    async apply(steps, list) {
      await prepare(steps, list)
      const taken: Step[] = []
      for (const step of steps) {
        if (step.act === 'open' && firstEndIn(journal.books, nowOf(clock)) <= seen.latencyMilliseconds) break
        taken.push(step)
        // A purchase may have come since the plan was made.
        if (!isDue(journal.books, step)) continue
        try {
          await take(step)
        } catch (err) {
          if (!(err instanceof PortalFault)) throw err
          log.warn({ err, act: step.act, mac: step.mac }, 'the portal did not take a step, trying again')
          if (err.code === 'portal-down') return taken
        }
      }
      return taken
    },
    async tellCounted() {
      await recorder.inTurn(() => tell([], nowOf(clock)))
    },
    get isUnanswered() {
      return unansweredSince !== undefined
    },
    get answeredAt() {
      return answeredAt
    },
    get seen() {
      return seen
    },
    get blocked() {
      return watch.blocked
    },
    get cleared() {
      return watch.cleared
    },
    get askAtOnce() {
      return askAtOnce
    },
    get remembered() {
      return remembered
    },
    get portal() {
      return portal
    },
  }
}

/** No answer, or none that can be read: it may be slow, or busy with somebody else. */
const silences: ReadonlySet<string> = new Set(['portal-silent', 'portal-busy', 'portal-garbled'])

// Only the whole list failed; a daemon that is not there, or a program that is missing, answers no other question either.
function isAboutTheList(err: unknown): err is PortalFault {
  return err instanceof PortalFault && (silences.has(err.code) || err.code === 'ndsctl-failed')
}

function withFlags({ heldBy }: PortalClient, last: PortalClient): PortalClient {
  return { ...last, ...(heldBy && { heldBy }) }
}
