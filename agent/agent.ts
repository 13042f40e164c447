// THE FLOW. The story of a router, from a purchase to a shut gate; the other files say how.
//   purchase   read; in turn: decide, put on disk; then acknowledge, and for a sale wake the loop
//   look       ask the portal, charge what was used; act where gates and books differ; look again
//   announce   what is on disk and not acknowledged goes out in order, whenever there is a broker
import type { Event, Mac } from '../protocol/index.ts'
import type { Config } from './config.ts'
import { createGates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import { withOffer } from './merchant/offer.ts'
import { createRefusalLimit } from './merchant/refusal-limit.ts'
import { createCommands } from './operator/commands.ts'
import { createSessionCommands } from './operator/session-commands.ts'
import { createOutbox } from './outbox.ts'
import { createRecorder } from './recorder.ts'
import { createRounds } from './rounds.ts'
import { createSales } from './sales.ts'
import { createStart } from './start.ts'
import { createStatusBoard, type LiveStatus, type StatusBoard } from './status-board.ts'
import { stopInOrder } from './stop.ts'
import type { Clock } from './time/clock.ts'
import { createSleeper } from './time/sleeper.ts'
import type { Trust } from './trust/trust.ts'
import type { Incoming, IncomingCommand, Receipt, Reply, Uplink } from './uplink/uplink.ts'
import type { Guard } from './valve/guard/guard.ts'
import type { Neighbours } from './valve/neighbours.ts'
import type { Valve } from './valve/valve.ts'
import { workLoop } from './work-loop.ts'

export interface AgentParts {
  config: Config
  clock: Clock
  journal: Journal
  valve: Valve
  /** The kernel's guard, where the machine has one. */
  guard?: Guard | undefined
  /** Which devices are on the LAN, where the machine can tell. */
  neighbours?: Neighbours
  uplink: Uplink
  /** Whose signatures are asked for; without it nothing need be signed. */
  trust?: Trust
  log: Log
  newId: () => string
  /** Told of every event once it is on disk. */
  sawEvent?: (event: Event) => void
}

export interface Agent {
  /**
   * Restores the books, tells of the start, and begins to look: also on a disk that refuses or cannot be read, which is
   * tried again. Throws when the state folder belongs to another process or to a newer version.
   */
  open(): Promise<void>
  /** Checkpoint, `agent.stopped`, status offline. Paid gates stay open: a stop of the agent is no stop of the service. */
  stop(why: string): Promise<void>
  /** The status as it is now. */
  status(): LiveStatus
  /** A call to the disk is out: the process cannot exit before it comes back. */
  readonly waitsForDisk: boolean
}

// Purchases that stay at the broker while the disk refuses; further ones are answered and the backend sends them again.
const mostKept = 8

export function createAgent(parts: AgentParts): Agent {
  const { config, clock, journal, valve, neighbours = async () => undefined, uplink, trust, log } = parts
  const [sleeper, announcer] = [createSleeper(clock), createSleeper(clock)]
  const recorder = createRecorder(config.routerId, clock, journal, log, happened, healed)
  const silentAfter = Math.max(config.lookIntervalMilliseconds, config.portal.timeoutMilliseconds)
  const kernel = { guard: parts.guard, wake: lookSoon }
  const gates = createGates({ clock, journal, valve, neighbours, recorder, config, silentAfter, log, ...kernel })
  const rounds = createRounds({ config, clock, journal, recorder, gates, log, wake: sleeper.wake })
  const outbox = createOutbox({ clock, journal, recorder, uplink, tariff: config.tariff })
  const board = createStatusBoard({ config, clock, journal, gates, recorder, uplink, trust })
  const orders = createSessionCommands({ clock, journal, recorder, look: (mac) => lookSoon([mac]) })
  const onCommand = createCommands({ config, clock, journal, recorder, orders, outbox, uplink, trust, log })
  const sell = createSales({
    ...{ clock, journal, recorder, gates, trust, tariff: config.tariff, newId: parts.newId, tell },
    refusals: createRefusalLimit(config.refusalsPerMinute),
  })
  const begin = createStart({ clock, journal, recorder, gates, log })
  const over = new AbortController()
  let loops: Promise<unknown> | undefined

  // Junk costs no look: a flood of it would keep the portal from its devices. A disk that refuses is tried again by the loop.
  function sold(message: Incoming): Promise<unknown> {
    return sell(message)
      .then((isSold) => isSold && sleeper.wake())
      .finally(() => recorder.diskFault && sleeper.wake())
  }

  function command(message: IncomingCommand, reply: Reply): void {
    onCommand(message, reply).catch((err) => log.warn({ err }, 'a reply was not sent'))
  }

  function connected(): void {
    board.publish('now')
    announcer.wake()
  }

  function lookSoon(macs: readonly Mac[]): void {
    for (const mac of macs) rounds.askAbout(mac)
    sleeper.wake()
  }

  function happened(event: Event): void {
    if (event.type === 'purchase.accepted') rounds.askAbout(event.mac)
    orders.sawEvent(event)
    parts.sawEvent?.(event)
    announcer.wake()
  }

  // Purchases that could not be stored wait at the broker, which sends them again on another connection only.
  function healed(): void {
    if (uplink.kept > 0) uplink.rejoin()
    sleeper.wake()
  }

  function tell(message: { type: string }): void {
    log.info(message, message.type)
    uplink
      .publish('usage', withOffer(message, config.tariff), { urgency: 'answer' })
      .catch((err) => log.warn({ err }, 'an answer was not sent'))
  }

  async function announceLoop(): Promise<void> {
    while (!over.signal.aborted) {
      await outbox.announce().catch((err) => log.debug({ err }, 'publishing goes on when there is a connection'))
      await announcer.sleep(config.usageIntervalMilliseconds)
    }
  }

  async function open(): Promise<void> {
    await begin()
    await trust?.open(over.signal)
    uplink.open({ purchase: (message) => receiptOf(sold(message), uplink, board), command, connected }, board.lastWill)
    const chapters = { config, clock, journal, recorder, gates, rounds, orders, outbox, board, sleeper, log }
    const work = workLoop(chapters, begin, () => over.signal.aborted)
    loops = Promise.all([work, announceLoop()]).catch((err) => log.error({ err }, 'a loop ended'))
  }

  async function stop(why: string): Promise<void> {
    over.abort()
    if (!loops) return
    sleeper.wake()
    announcer.wake()
    gates.guard.stop()
    await stopInOrder({ clock, journal, recorder, outbox, board, uplink, log }, loops, why)
  }

  return {
    get waitsForDisk() {
      return journal.isAsked
    },
    ...{ status: board.current, open, stop },
  }
}

/** Whether the broker may forget a purchase. The status tells of a disk that refuses one. */
async function receiptOf(sale: Promise<unknown>, uplink: Uplink, board: StatusBoard): Promise<Receipt> {
  try {
    await sale
    return 'acknowledge'
  } catch (err) {
    if (!(err instanceof StorageFailure)) throw err
    board.publish('changed visibly')
    return uplink.kept < mostKept ? 'keep' : 'acknowledge'
  }
}
