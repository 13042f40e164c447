// Gates: a look at the portal becomes charges and events in the books; a plan becomes calls of the Valve. All that is known
// of the portal besides the books is one Sight.
import type { Mac } from '../protocol/index.ts'
import { createAsking } from './asking.ts'
import type { Config } from './config.ts'
import { createGuarding, type Guarding } from './guarding.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { drift } from './lookout/drift-words.ts'
import type { Step } from './lookout/gate-plan.ts'
import { afterLook } from './lookout/seen.ts'
import { adopting, afterNotice, isShared, merged, nothingKnown, type Sight, withStrangers } from './lookout/sight.ts'
import { createMoving } from './moving.ts'
import type { PortalList, Question } from './portal/portal-client.ts'
import type { Recorder } from './recorder.ts'
import { createSettling } from './settling.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Guard } from './valve/guard/guard.ts'
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
  /** The kernel, which cuts by itself on the last byte. */
  readonly guard: Pick<Guarding, 'begin' | 'follow' | 'stop' | 'table' | 'status' | 'warning'>
  /** All that is known of the portal besides the books. */
  readonly sight: Sight
}

interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  neighbours: Neighbours
  recorder: Recorder
  config: Pick<Config, 'unpaid' | 'guard'>
  /** No answer to any question for longer than this is an unreachable portal, in milliseconds. */
  silentAfter: number
  guard: Guard | undefined
  log: Log
  /** Asks soon about devices that the kernel has cut. */
  wake: (macs: readonly Mac[]) => void
}

export function createGates(parts: Parts): Gates {
  const { clock, journal, valve, neighbours, recorder, config, silentAfter, log } = parts
  const at: { sight: Sight } = { sight: nothingKnown }
  const { ask, describe } = createAsking({ clock, journal, valve, at, log })
  const settling = createSettling({ journal, unpaid: config.unpaid, silentAfter, at })
  const guarding = createGuarding({
    ...{ clock, journal, guard: parts.guard, use: config.guard.use, at, log, wake: parts.wake },
    tellLost: () => recorder.inTurn((turn) => settling.tell(turn, [drift('guard-lost', lostGuard)], nowOf(clock))),
  })
  const apply = createMoving({ clock, journal, valve, recorder, settling, guarding, at, log })

  async function lookAt(asked: Question, began: number): Promise<PortalList> {
    const { list, question } = await ask(withStrangers(at.sight, asked))
    const isFirst = at.sight.watch.adopted.size > 0
    if (isFirst || isShared(at.sight, list)) await readNeighbours()
    const { told, whole } = merged(at.sight, list)
    const took = clock.monotonic() - began
    // After the portal, so that what the kernel had dropped by then is known.
    const kernel = await guarding.read(list)
    const now = nowOf(clock)
    at.sight = { ...at.sight, unansweredSince: undefined, answeredAt: now.at }
    await recorder.inTurn((turn) => settling.answered(turn, told, whole, now, kernel))
    const before = { ...at.sight.seen, shuts: at.sight.watch.shuts }
    const seen = afterLook(before, question, list, journal.books, now, took, whole)
    at.sight = { ...at.sight, seen }
    const portal = await describe(list)
    const version = portal.version === null ? {} : { version: portal.version }
    at.sight = { ...at.sight, portal, seen: { ...at.sight.seen, ...version }, remembered: { ...whole, ...version } }
    await guarding.follow()
    return { ...told, ...version }
  }

  // Of two devices at one IP the kernel knows best who has it now, and who has come there while no agent looked; as it was a look
  // ago is too old to be charged by.
  async function readNeighbours(): Promise<void> {
    const told = await neighbours().catch(() => undefined)
    if (told) at.sight = { ...at.sight, neighbours: told }
  }

  async function failed(fault: PortalFault, began: number): Promise<void> {
    if (at.sight.portal.state !== 'unreachable') log.warn({ err: fault }, 'the portal cannot be asked, trying again')
    at.sight = { ...at.sight, unansweredSince: at.sight.unansweredSince ?? began }
    const now = nowOf(clock)
    await recorder.inTurn((turn) => settling.failed(turn, fault, now))
  }

  return {
    begin() {
      at.sight = adopting(at.sight, journal.books)
    },
    async notice() {
      const told = await neighbours()
      const before = at.sight.seen.present
      at.sight = afterNotice(at.sight, told, journal.books, nowOf(clock))
      const { present } = at.sight.seen
      if (!present) return []
      return [...journal.books.sessions.keys()].filter((mac) => present.has(mac) && !before?.has(mac))
    },
    async look(question) {
      const began = clock.monotonic()
      try {
        return await lookAt(question, began)
      } catch (err) {
        if (!(err instanceof PortalFault)) throw err
        await failed(err, began)
        return undefined
      }
    },
    apply,
    guard: guarding,
    async tellCounted() {
      await recorder.inTurn((turn) => settling.tell(turn, [], nowOf(clock)))
    },
    get sight() {
      return at.sight
    },
  }
}

const lostGuard = "something has taken the kernel's table away: it is built again from the books"
