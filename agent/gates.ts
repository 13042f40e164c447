// Gates: a look at the portal becomes charges and events in the books; a plan becomes calls of the Valve.
import type { LiveStatus, Mac } from '../protocol/index.ts'
import { type Clock, nowOf } from './clock.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Metered, Metering } from './merchant/books.ts'
import type { Draft } from './merchant/draft.ts'
import { isDue, isUnpaid, type Step, type UnpaidPolicy } from './merchant/gate-plan.ts'
import { afterLook, nothingSeen, type Seen } from './merchant/look-plan.ts'
import { lacksBaseline, meterSession, opening, slippedBy, unopened, unseen } from './merchant/metering.ts'
import type { Session } from './merchant/session.ts'
import { drift, nothingWatched, settle } from './merchant/settle.ts'
import type { Now } from './moment.ts'
import type { Recorder } from './recorder.ts'
import { PortalFault } from './valve/fault.ts'
import { type PortalClient, type PortalList, type Question, updated } from './valve/portal-client.ts'
import { shutAlong } from './valve/prefix-defect.ts'
import type { Valve } from './valve/valve.ts'

export interface Gates {
  /** Asks the portal, charges what was used, tells what changed; `undefined` when the portal cannot be asked. */
  look(question: Question): Promise<PortalList | undefined>
  /** Takes the steps that are still due. Whether a gate moved only the next look tells. */
  apply(steps: readonly Step[], list: PortalList): Promise<void>
  /** What the looks so far have shown of the portal itself. */
  readonly seen: Seen
  /** Tokens of open gates that let nothing through. */
  readonly blocked: ReadonlySet<string>
  /** The portal's list as the looks so far have shown it. */
  readonly remembered: PortalList | undefined
  /** The portal as the status shows it. */
  readonly portal: LiveStatus['portal']
}

interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  recorder: Recorder
  unpaid: UnpaidPolicy
  log: Log
}

// A disk may refuse for long; what is told afterwards is bounded.
const mostUntold = 100
// However slow the portal was at the look: this much may pass between a reading and the shut that follows from it.
const mostFreshMilliseconds = 20

export function createGates({ clock, journal, valve, recorder, unpaid, log }: Parts): Gates {
  let watch = nothingWatched
  let seen = nothingSeen
  let remembered: PortalList | undefined
  let lookedAt: number | undefined
  let portal: LiveStatus['portal'] = { kind: 'unknown', version: null, state: 'unknown' }
  // Drifts that the disk would not take: told as soon as it does.
  let untold: Draft[] = []

  async function answered(list: PortalList, now: Now): Promise<void> {
    const settled = settle(journal.books, list, watch, unpaid, now)
    watch = settled.watch
    if (settled.shut.length > 0) journal.note({ type: 'shut', macs: settled.shut })
    const back = journal.books.portalUnreachable ? [drift('portal-back', 'every gate is compared with the books')] : []
    const events = [...untold, ...back, ...settled.events]
    const metered: Metered = { type: 'metered', sessions: settled.metered }
    if (events.length === 0) return journal.note(metered)
    untold = []
    // A disk that refuses holds no gate up: metering goes on in memory; starts and ends show again at the next look.
    const goOn = () => {
      journal.note(metered)
      journal.note({ type: 'portal', unreachable: false })
      untold = events.filter((event) => event.type === 'gate.drift').slice(-mostUntold)
    }
    await recorder.appendOr(goOn, events, { records: [metered] })
  }

  // "Trusted" stands in nodogsplash's status only: it is asked before a gate that nobody paid for is taken for one.
  async function withTrusted(list: PortalList): Promise<PortalList> {
    const isStrange = list.clients.some((client) => isUnpaid(journal.books, list, client))
    if (list.kind !== 'nodogsplash' || !isStrange) return list
    return { ...list, trusted: (await valve.status()).trusted }
  }

  async function failed({ code, message }: PortalFault): Promise<void> {
    portal = { ...portal, state: 'unreachable' }
    if (code === 'portal-down') journal.note({ type: 'metered', sessions: unseen(journal.books) })
    if (journal.books.portalUnreachable) return
    const event = drift('portal-unreachable', `${message} (${code}); asked until it answers`)
    const goOn = () => {
      journal.note({ type: 'portal', unreachable: true })
      untold = [...untold, event].slice(-mostUntold)
    }
    await recorder.appendOr(goOn, [event])
  }

  async function describe(list: PortalList): Promise<void> {
    const isNew = portal.state !== 'reachable' || portal.kind !== list.kind
    const asked = isNew ? await valve.status().catch(() => undefined) : portal
    const version = list.version ?? asked?.version
    portal = { kind: list.kind, version: version ?? null, state: 'reachable' }
  }

  /** The points to measure from are on disk before a gate opens: an agent that dies in between goes on from them. */
  async function prepare(steps: readonly Step[], { clients }: PortalList): Promise<void> {
    const macs = new Set(steps.flatMap((step) => (step.act === 'open' ? [step.mac] : [])))
    await recorder.inTurn(async () => {
      const sessions = [...macs].flatMap((mac) => journal.books.sessions.get(mac) ?? [])
      const unprepared = sessions.filter((session) => lacksBaseline(session, clients))
      if (unprepared.length === 0) return
      const metered: Metered = { type: 'metered', sessions: unprepared.map((session) => opening(session, clients)) }
      await recorder.appendOr(() => journal.note(metered), [], { records: [metered] })
    })
  }

  async function take(step: Step): Promise<void> {
    if (step.act !== 'open') return close(step.client)
    const { mac, milliseconds, client } = step
    const isTaken =
      milliseconds === undefined
        ? await valve.openGate(mac, client)
        : await valve.openGateUntil(mac, milliseconds, client)
    // Whoever has opened it, it was not this agent: what passed before the next look is not the customer's.
    if (!isTaken) noteOf(mac, unopened)
  }

  async function close(client: PortalClient): Promise<void> {
    watch = { ...watch, shut: new Set([...watch.shut, client.mac]) }
    const last = isFresh() ? undefined : await valve.getClientStats(client)
    const readAt = last ? clock.monotonic() : (lookedAt ?? clock.monotonic())
    const isShut = await valve.closeGate(client)
    const along = remembered ? shutAlong(client, remembered).map(({ token }) => token) : []
    watch = { ...watch, shutAlong: new Set([...watch.shutAlong, ...along]) }
    if (last && remembered) {
      // What passed between the look and the shutting is charged too: the portal forgets it.
      const clients = remembered.clients.map((entry) => (entry.token === last.token ? last : entry))
      remembered = { ...remembered, clients }
      noteOf(client.mac, (session) => meterSession(session, { at: nowOf(clock), clients }))
    }
    if (isShut) noteOf(client.mac, (session) => slippedBy(session, clock.monotonic() - readAt))
  }

  function noteOf(mac: Mac, meteringOf: (session: Session) => Metering): void {
    const session = journal.books.sessions.get(mac)
    if (session) journal.note({ type: 'metered', sessions: [meteringOf(session)] })
  }

  // A reading that is younger than what another one takes is as good as another one.
  function isFresh(): boolean {
    const most = Math.min(seen.latencyMilliseconds, mostFreshMilliseconds)
    return lookedAt !== undefined && clock.monotonic() - lookedAt <= most
  }

  return {
    async look(question) {
      const began = clock.monotonic()
      try {
        const list = await withTrusted(await valve.look(question))
        const now = nowOf(clock)
        lookedAt = now.at
        await recorder.inTurn(() => answered(list, now))
        seen = afterLook(seen, question, list, journal.books, now, now.at - began)
        await describe(list)
        const told = { ...list, ...(portal.version !== null && { version: portal.version }) }
        remembered = updated(remembered, told)
        return told
      } catch (err) {
        if (!(err instanceof PortalFault)) throw err
        if (portal.state !== 'unreachable') log.warn({ err }, 'the portal cannot be asked, trying again')
        await recorder.inTurn(() => failed(err))
        return undefined
      }
    },
    async apply(steps, list) {
      await prepare(steps, list)
      for (const step of steps) {
        // A purchase may have come since the plan was made.
        if (!isDue(journal.books, step)) continue
        try {
          await take(step)
        } catch (err) {
          if (!(err instanceof PortalFault)) throw err
          log.warn({ err, act: step.act, mac: step.mac }, 'the portal did not take a step, trying again')
          if (err.code === 'portal-down') return
        }
      }
    },
    get seen() {
      return seen
    },
    get blocked() {
      return watch.blocked
    },
    get remembered() {
      return remembered
    },
    get portal() {
      return portal
    },
  }
}
