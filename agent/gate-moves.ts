// Gate moves: one step of a plan is taken, and what the books need of a gate that is opened or shut is kept.
import type { Mac } from '../protocol/index.ts'
import type { Guarding } from './guarding.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { sharedAddress } from './lookout/drift-words.ts'
import { isDue, type Step } from './lookout/gate-plan.ts'
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
import type { Metering } from './merchant/journal-record.ts'
import { meterSession, shutByPortal } from './merchant/metering.ts'
import type { Session } from './merchant/session.ts'
import type { PortalClient } from './portal/portal-client.ts'
import type { Recorder } from './recorder.ts'
import { type Settling, storeShutAlong } from './settling.ts'
import { type Clock, nowOf } from './time/clock.ts'
import { PortalFault } from './valve/portal-fault.ts'
import type { Valve } from './valve/valve.ts'

export interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  recorder: Recorder
  settling: Settling
  guarding: Pick<Guarding, 'follow' | 'table' | 'lastTable'>
  at: { sight: Sight }
  log: Log
}

/** Takes one step. False where the portal refused to shut a gate; whether a gate moved only the next look tells. */
export function createGateMoves(parts: Parts): (step: Step) => Promise<boolean> {
  const { clock, journal, valve, at } = parts

  async function moveGate(step: Step): Promise<boolean> {
    if (step.act === 'open') await open(step)
    if (step.act === 'clear') await clear(step)
    return step.act === 'open' || step.act === 'clear' || close(step)
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

  async function close(step: Extract<Step, { act: 'close' | 'renew' }>): Promise<boolean> {
    const { client } = step
    await keepAlong(client, parts)
    const isEnough = isFresh(at.sight, journal.books, client, clock.monotonic())
    const last = isEnough ? undefined : await valve.getClientStats(client)
    if (last) noteReading(last)
    if (!last && !isEnough) {
      at.sight = afterLoss(at.sight, client)
      return true
    }
    // The reading takes its time: a top-up that came meanwhile keeps the gate.
    if (!isDue(journal.books, step)) return true
    if (step.act === 'close' && step.isDisplaced) await tellOfHolder(client, parts)
    at.sight = beforeShut(at.sight, client.mac)
    const readAt = last?.askedAt ?? client.askedAt ?? clock.monotonic()
    if (!(await valve.closeGate(client))) return false
    at.sight = afterShut(at.sight, client)
    noteMetering(journal, client.mac, (session) => shutByPortal(session, clock.monotonic() - readAt))
    return true
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
    const { lastTable } = parts.guarding
    const look = {
      at: moment,
      clients: clients ?? [],
      uptime: journal.books.uptime,
      ...(lastTable && { knownGuard: lastTable }),
    }
    noteMetering(journal, last.mac, (session) => meterSession(session, look))
  }

  return moveGate
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
