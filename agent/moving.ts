// Moving: takes the steps of a plan that are still due, and keeps what the books need of a gate that is opened or shut.

import type { Mac } from '../protocol/index.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { isDue, type Step } from './lookout/gate-plan.ts'
import { sharedAddress } from './lookout/settle.ts'
import {
  afterClearing,
  afterLoss,
  afterOpening,
  afterReading,
  afterRefusedClearing,
  afterShut,
  beforeShut,
  goingAlong,
  goneAlong,
  isFresh,
  perhapsAlong,
  type Sight,
} from './lookout/sight.ts'
import { firstEndIn } from './lookout/when-to-look.ts'
import type { Metering } from './merchant/journal-record.ts'
import { lacksBaseline, meterSession, opening, unreadFor } from './merchant/metering.ts'
import type { Session } from './merchant/session.ts'
import type { PortalClient, PortalList } from './portal/portal-client.ts'
import type { Recorder } from './recorder.ts'
import { type Settling, storeMetering, storeShutAlong } from './settling.ts'
import { type Clock, nowOf } from './time/clock.ts'
import { PortalFault } from './valve/portal-fault.ts'
import type { Valve } from './valve/valve.ts'

interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  recorder: Recorder
  settling: Settling
  at: { sight: Sight }
  log: Log
}

/**
 * Takes the steps that are still due, ends first, and stops opening when a session is about to end: the steps that it took.
 * Whether a gate moved only the next look tells.
 */
export function createMoving(parts: Parts): (steps: readonly Step[], list: PortalList) => Promise<Step[]> {
  const { clock, journal, valve, at, log } = parts

  async function moveGate(step: Step): Promise<void> {
    if (step.act === 'clear') return clear(step)
    return step.act === 'open' ? open(step) : close(step)
  }

  async function open({ mac, milliseconds, client }: Extract<Step, { act: 'open' }>): Promise<void> {
    const opened = () => {
      at.sight = afterOpening(at.sight, mac)
    }
    try {
      const isTaken =
        milliseconds === undefined
          ? await valve.openGate(mac, client)
          : await valve.openGateUntil(mac, milliseconds, client)
      // The portal said no: if the gate is open all the same, somebody else has opened it.
      if (isTaken) opened()
    } catch (err) {
      // No answer says nothing: it may have been done.
      opened()
      throw err
    }
  }

  async function close(step: Extract<Step, { act: 'close' | 'renew' }>): Promise<void> {
    const { client } = step
    await keepAlong(client, parts)
    const isEnough = isFresh(at.sight, journal.books, client, clock.monotonic())
    const last = isEnough ? undefined : await valve.getClientStats(client)
    if (last) noteReading(last)
    if (!last && !isEnough) {
      at.sight = afterLoss(at.sight, client)
      return
    }
    // The reading takes its time: a top-up that came meanwhile keeps the gate.
    if (!isDue(journal.books, step)) return
    if (step.act === 'close' && step.isDisplaced) await tellOfHolder(client, parts)
    at.sight = beforeShut(at.sight, client.mac)
    const readAt = last?.askedAt ?? client.askedAt ?? clock.monotonic()
    if (!(await valve.closeGate(client))) return
    at.sight = afterShut(at.sight, client)
    noteMetering(journal, client.mac, (session) => unreadFor(session, clock.monotonic() - readAt))
  }

  async function clear({ mac, client }: Extract<Step, { act: 'clear' }>): Promise<void> {
    const isOpened = await valve.openGate(mac, client).catch((err) => {
      if (!(err instanceof PortalFault)) throw err
      // No answer says nothing: it may have been done.
      return true
    })
    if (!isOpened) {
      at.sight = afterRefusedClearing(at.sight, client)
      return
    }
    at.sight = afterOpening(at.sight, mac)
    await keepAlong(client, parts)
    if (await valve.closeGate(client)) at.sight = afterShut(at.sight, client)
    at.sight = afterClearing(at.sight, client)
  }

  // Bytes that passed between the look and the shut are charged too: the portal forgets them.
  function noteReading(last: PortalClient): void {
    if (!at.sight.remembered) return
    at.sight = afterReading(at.sight, last)
    const moment = { bootId: clock.bootId, at: last.askedAt ?? clock.monotonic() }
    // The other entries of the device are as old as the look that showed them.
    const clients = at.sight.remembered?.clients.map((entry) =>
      entry.mac === last.mac ? { ...entry, askedAt: moment.at } : entry,
    )
    const look = { at: moment, clients: clients ?? [], uptime: journal.books.uptime }
    noteMetering(journal, last.mac, (session) => meterSession(session, look))
  }

  return async (steps, list) => {
    await prepare(steps, list, parts)
    const taken: Step[] = []
    for (const step of steps) {
      const isEnding = firstEndIn(journal.books, nowOf(clock)) <= at.sight.seen.latencyMilliseconds
      if (step.act === 'open' && isEnding) break
      taken.push(step)
      // A purchase may have come since the plan was made.
      if (!isDue(journal.books, step)) continue
      try {
        await moveGate(step)
      } catch (err) {
        if (!(err instanceof PortalFault)) throw err
        log.warn({ err, act: step.act, mac: step.mac }, 'the portal did not take a step, trying again')
        if (err.code === 'portal-down') return taken
      }
    }
    return taken
  }
}

/** The points to measure from are on disk before a gate opens: an agent that dies in between goes on from them. */
async function prepare(
  steps: readonly Step[],
  { clients }: PortalList,
  { journal, recorder, at }: Parts,
): Promise<void> {
  const { sessions: all } = journal.books
  // A clearing opens a gate too; a session that is open elsewhere goes on from where it is.
  const isOpening = ({ act, mac }: Step) => act === 'open' || (act === 'clear' && all.get(mac)?.meter.seenOpen === null)
  // A gate that is cleared opens when those in its way are shut.
  const shut = new Set(steps.flatMap((step) => (step.act === 'close' ? [step.client.token] : [])))
  const known = at.sight.remembered?.clients.filter(({ token }) => !shut.has(token))
  const macs = new Set(steps.filter(isOpening).map(({ mac }) => mac))
  await recorder.inTurn(async (turn) => {
    const sessions = [...macs].flatMap((mac) => journal.books.sessions.get(mac) ?? [])
    const unprepared = sessions.filter((session) => lacksBaseline(session, clients))
    const opened = unprepared.map((session) => opening(session, clients, known))
    await storeMetering(journal, turn, opened)
  })
}

// The gates that go with this one are on disk before it is shut: an agent that dies in between would charge time for them.
async function keepAlong(client: PortalClient, { at, journal, recorder }: Parts): Promise<void> {
  const along = goingAlong(at.sight, journal.books, client)
  if (along.length === 0) return
  at.sight = perhapsAlong(at.sight, along)
  await recorder.inTurn((turn) => storeShutAlong(journal, turn, goneAlong(at.sight, journal.books)))
}

async function tellOfHolder(client: PortalClient, { at, journal, clock, recorder, settling }: Parts): Promise<void> {
  const holder = client.heldBy?.mac ?? at.sight.remembered?.clients.findLast(({ ip }) => ip === client.ip)?.mac
  await recorder.inTurn((turn) => settling.tell(turn, [sharedAddress(journal.books, client, holder)], nowOf(clock)))
}

function noteMetering(journal: Journal, mac: Mac, meteringOf: (session: Session) => Metering): void {
  const session = journal.books.sessions.get(mac)
  if (session) journal.note({ type: 'metered', sessions: [meteringOf(session)] })
}
