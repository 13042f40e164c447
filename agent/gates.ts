// Gates: a look at the portal becomes charges and events in the books; a plan becomes calls of the Valve. All that is known
// of the portal besides the books is one Sight.
import type { Mac } from '../protocol/index.ts'
import { createAsking } from './asking.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Step, UnpaidPolicy } from './lookout/gate-plan.ts'
import { adopting, afterNotice, isShared, merged, nothingKnown, type Sight, withStrangers } from './lookout/sight.ts'
import { afterLook } from './lookout/whom-to-ask.ts'
import { createMoving } from './moving.ts'
import type { PortalList, Question } from './portal/portal-client.ts'
import type { Recorder } from './recorder.ts'
import { createSettling } from './settling.ts'
import { type Clock, nowOf } from './time/clock.ts'
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
  /** All that is known of the portal besides the books. */
  readonly sight: Sight
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

export function createGates({ clock, journal, valve, neighbours, recorder, unpaid, silentAfter, log }: Parts): Gates {
  const at: { sight: Sight } = { sight: nothingKnown }
  const { ask, describe } = createAsking({ clock, journal, valve, at, log })
  const settling = createSettling({ journal, unpaid, silentAfter, at })
  const apply = createMoving({ clock, journal, valve, recorder, settling, at, log })

  async function lookAt(asked: Question, began: number): Promise<PortalList> {
    const { list, question } = await ask(withStrangers(at.sight, asked))
    if (isShared(at.sight, list)) await readNeighbours()
    const { told, whole } = merged(at.sight, list)
    const now = nowOf(clock)
    at.sight = { ...at.sight, unansweredSince: undefined, answeredAt: now.at }
    await recorder.inTurn((turn) => settling.answered(turn, told, whole, now))
    const before = { ...at.sight.seen, shuts: at.sight.watch.shuts }
    const seen = afterLook(before, question, list, journal.books, now, now.at - began, whole)
    at.sight = { ...at.sight, seen }
    const portal = await describe(list)
    const version = portal.version === null ? {} : { version: portal.version }
    at.sight = { ...at.sight, portal, seen: { ...at.sight.seen, ...version }, remembered: { ...whole, ...version } }
    return { ...told, ...version }
  }

  // Of two devices at one IP the kernel knows best who has it now; as it was a look ago is too old to be charged by.
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
    async tellCounted() {
      await recorder.inTurn((turn) => settling.tell(turn, [], nowOf(clock)))
    },
    get sight() {
      return at.sight
    },
  }
}
