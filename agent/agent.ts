// THE FLOW. What happens on a router, from a purchase to a shut gate; the other files say how.
//   purchase   in turn: read, decide, put on disk; then acknowledge, and poke the look
//   look       ask the portal, charge what was used; act where gates and books differ; look again
//   announce   what is on disk and not acknowledged goes out in order, whenever there is a broker
import type { Event, Mac } from '../protocol/index.ts'
import { agentVersion } from './build.ts'
import { type Clock, nowOf } from './clock.ts'
import { createCommands } from './commands.ts'
import type { Config } from './config.ts'
import { createGates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Books } from './merchant/books.ts'
import type { DraftOf } from './merchant/draft.ts'
import { gatePlan, openAtOnce, type Step } from './merchant/gate-plan.ts'
import { askAgain, listDueIn, planLook } from './merchant/look-plan.ts'
import { lostSessions } from './merchant/lost.ts'
import { nextLookIn } from './merchant/next-look.ts'
import { withOffer } from './merchant/offer.ts'
import { createRefusalLimit } from './merchant/refusal-limit.ts'
import type { Now } from './moment.ts'
import { createOrders } from './orders.ts'
import { createOutbox } from './outbox.ts'
import { createPulse } from './pulse.ts'
import { createRecorder } from './recorder.ts'
import { createSales } from './sales.ts'
import { createStatusBoard } from './status-board.ts'
import type { Incoming, IncomingCommand, Receipt, Reply, Uplink } from './uplink/uplink.ts'
import type { PortalList } from './valve/portal-client.ts'
import type { Valve } from './valve/valve.ts'

export interface AgentParts {
  config: Config
  clock: Clock
  journal: Journal
  valve: Valve
  uplink: Uplink
  log: Log
  newId: () => string
}

export interface Agent {
  /**
   * Restores the books, tells of the start, and begins to look: also on a disk that refuses or cannot be read, which is
   * tried again. Throws when the state folder belongs to another process or to a newer version.
   */
  open(): Promise<void>
  /** Checkpoint, `agent.stopped`, status offline. Paid gates stay open: a stop of the agent is no stop of the service. */
  stop(why: string): Promise<void>
  /** A call to the disk is out: the process cannot exit before it comes back. */
  readonly waitsForDisk: boolean
}

// How long each step of a stop waits for portal or broker: all of it stays within five seconds.
const stopPatience = 1000
const diskTrialMilliseconds = 5000
// So many purchases stay at the broker while the disk refuses; further ones are answered and the backend sends them again.
const mostKept = 8

export function createAgent({ config, clock, journal, valve, uplink, log, newId }: AgentParts): Agent {
  const looks = createPulse(clock)
  const announcements = createPulse(clock)
  const recorder = createRecorder(config.routerId, clock, journal, log, happened, healed)
  const gates = createGates({ clock, journal, valve, recorder, unpaid: config.unpaid, log })
  const outbox = createOutbox({ clock, journal, recorder, uplink, tariff: config.tariff })
  const board = createStatusBoard({ config, clock, journal, gates, recorder, uplink })
  const entriesOf = (mac: Mac) => gates.remembered?.clients.filter((client) => client.mac === mac) ?? []
  const refusals = createRefusalLimit(config.refusalsPerMinute)
  const sell = createSales({ clock, journal, recorder, tariff: config.tariff, refusals, newId, entriesOf, tell })
  const orders = createOrders({ clock, journal, recorder, look: lookAt })
  const onCommand = createCommands({ config, clock, journal, recorder, orders, outbox, uplink, log })
  // Whom the next look is for.
  const wanted = new Set<Mac>()
  let isOpen = false
  let isStartTold = false
  let stopping = false
  let loops: Promise<unknown> = Promise.resolve()

  async function onPurchase(message: Incoming): Promise<Receipt> {
    try {
      await sell(message)
      return 'acknowledge'
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      return uplink.kept < mostKept ? 'keep' : 'acknowledge'
    } finally {
      // Also when it could not be stored: the status must say so.
      looks.poke()
    }
  }

  function lookAt(mac: Mac): void {
    wanted.add(mac)
    looks.poke()
  }

  async function enforce(): Promise<void> {
    const opened = await openWhoHasJustPaid()
    const list = opened && !opened.only ? opened : await look()
    if (!list) return
    const steps = gatePlan(journal.books, list, config.unpaid, gates.blocked)
    if (steps.length === 0) return
    const after = await take(steps, list)
    if (after) await openAgain(steps, after)
  }

  // A paid gate that was shut to be renewed, or while its customer bought again, does not wait for the next look.
  async function openAgain(taken: readonly Step[], list: PortalList): Promise<void> {
    const shut = new Set(taken.flatMap((step) => (step.act === 'open' ? [] : [step.mac])))
    const steps = gatePlan(journal.books, list, config.unpaid).filter(
      (step) => step.act === 'open' && shut.has(step.mac),
    )
    if (steps.length > 0) await take(steps, list)
  }

  async function look(): Promise<PortalList | undefined> {
    // A portal that is back is asked for everything.
    const isKnown = gates.portal.state === 'reachable'
    const question = isKnown ? planLook(journal.books, nowOf(clock), config, gates.seen, wanted) : 'all'
    wanted.clear()
    return question.length === 0 ? undefined : gates.look(question)
  }

  async function openWhoHasJustPaid(): Promise<PortalList | undefined> {
    const { remembered, portal } = gates
    if (!remembered || portal.state !== 'reachable') return undefined
    const steps = openAtOnce(journal.books, remembered)
    return steps.length === 0 ? undefined : take(steps, remembered)
  }

  async function take(steps: readonly Step[], list: PortalList): Promise<PortalList | undefined> {
    await gates.apply(steps, list)
    // Believe what the portal shows, not the command.
    return gates.look(askAgain(journal.books, steps))
  }

  function command(message: IncomingCommand, reply: Reply): void {
    onCommand(message, reply).catch((err) => log.warn({ err }, 'a reply was not sent'))
  }

  /** Reads the books and tells of the start; a disk that allows neither is tried again. */
  async function begin(): Promise<void> {
    const { bootId } = clock
    try {
      if (!journal.isRead) {
        await journal.open()
        for (const warning of journal.warnings) log.error({ warning }, 'something is wrong with the state folder')
      }
      const started = { type: 'agent.started', agentVersion, bootId, why: whyStarted(journal.books, bootId) } as const
      await recorder.inTurn(() => recorder.append([started, ...lostSessions(journal.books)]))
      isStartTold = true
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      recorder.diskAnswered(err)
    }
  }

  async function lookLoop(): Promise<void> {
    let nextLook = clock.monotonic()
    let nextReport = nextLook
    let nextCheckpoint = nextLook + config.checkpointIntervalMilliseconds
    let isPoked = true
    while (!stopping) {
      if (!isStartTold) await begin()
      // A look that is due soon comes before a report, which then tells of it.
      const soon = clock.monotonic() >= nextReport ? config.usageIntervalMilliseconds / 2 : 0
      if (isPoked || clock.monotonic() + soon >= nextLook) {
        // Without the books nobody knows whose gate is whose: they stay as they are.
        if (journal.isRead) await enforce().catch((err) => log.error({ err }, 'a look failed'))
        orders.happened()
        nextLook = clock.monotonic() + nextLookOf(nowOf(clock))
      }
      const now = nowOf(clock)
      if (now.at >= nextReport) {
        nextReport = now.at + config.usageIntervalMilliseconds
        if (journal.isRead) {
          outbox.reportUsage(now)?.catch((err) => log.debug({ err }, 'a usage report was not sent'))
        }
        board.publish('changed')
      }
      if (now.at >= nextCheckpoint) {
        await checkpoint(now)
        nextCheckpoint = now.at + nextCheckpointIn()
      }
      board.publish('changed visibly')
      if (recorder.diskFault !== undefined) nextCheckpoint = Math.min(nextCheckpoint, now.at + nextCheckpointIn())
      isPoked = await looks.wait(Math.min(nextLook, nextReport, nextCheckpoint) - clock.monotonic())
    }
  }

  // A disk that refuses is tried again and again: what waits for it is a customer.
  function nextCheckpointIn(): number {
    const { checkpointIntervalMilliseconds } = config
    return recorder.diskFault === undefined
      ? checkpointIntervalMilliseconds
      : Math.min(diskTrialMilliseconds, checkpointIntervalMilliseconds)
  }

  function nextLookOf(now: Now): number {
    const { seen, portal } = gates
    if (portal.state !== 'reachable') return config.nearIntervalMilliseconds
    return Math.min(nextLookIn(journal.books, now, config, seen), listDueIn(journal.books, now, config, seen))
  }

  async function announceLoop(): Promise<void> {
    while (!stopping) {
      await outbox.announce().catch((err) => log.debug({ err }, 'publishing goes on when there is a connection'))
      await announcements.wait(config.usageIntervalMilliseconds)
    }
  }

  async function checkpoint(now: Now): Promise<void> {
    try {
      await journal.checkpoint(now)
      recorder.diskAnswered()
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      recorder.diskAnswered(err)
    }
  }

  function happened(event: Event): void {
    if (event.type === 'purchase.accepted') wanted.add(event.mac)
    orders.happened(event)
    announcements.poke()
  }

  // Purchases that could not be stored wait at the broker, which sends them again on another connection only.
  function healed(): void {
    if (uplink.kept > 0) uplink.rejoin()
    looks.poke()
  }

  function tell(message: { type: string }): void {
    log.info(message, message.type)
    uplink
      .publish('usage', withOffer(message, config.tariff), { urgency: 'answer' })
      .catch((err) => log.warn({ err }, 'an answer was not sent'))
  }

  function connected(): void {
    board.publish('now')
    announcements.poke()
  }

  return {
    get waitsForDisk() {
      return journal.isAsked
    },
    async open() {
      await begin()
      uplink.open({ purchase: onPurchase, command, connected }, board.lastWill)
      isOpen = true
      loops = Promise.all([lookLoop(), announceLoop()]).catch((err) => log.error({ err }, 'a loop ended'))
    },
    async stop(why) {
      stopping = true
      if (!isOpen) return
      looks.poke()
      announcements.poke()
      // A portal that hangs is not waited for: what it would still say is settled at the next start.
      await within(stopPatience, loops)
      await recorder.finish({ type: 'agent.stopped', agentVersion, bootId: clock.bootId, why })
      await within(stopPatience, outbox.announce())
      await checkpoint(nowOf(clock))
      await within(stopPatience, board.publishOffline())
      await within(stopPatience, uplink.close())
      await journal.close()
    },
  }

  async function within(milliseconds: number, work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const settled = work.catch((err) => log.debug({ err }, 'not sent before the stop')).finally(() => done.abort())
    await Promise.race([settled, clock.sleep(milliseconds, done.signal)])
  }
}

function whyStarted({ lastAgent }: Books, bootId: string): DraftOf<'agent.started'>['why'] {
  if (!lastAgent) return 'first-start'
  if (lastAgent.stopped) return 'after-stop'
  return lastAgent.bootId === bootId ? 'after-crash' : 'after-reboot'
}
