// THE FLOW. What happens on a router, from a purchase to a shut gate; the other files say how.
//   purchase   in turn: read, decide, put on disk; then acknowledge, and poke the look
//   look       ask the portal, charge what was used; act where gates and books differ; look again
//   announce   what is on disk and not acknowledged goes out in order, whenever there is a broker
import type { Event, Mac } from '../protocol/index.ts'
import type { Config } from './config.ts'
import { createGates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import { gatePlan, openAtOnce, type Step } from './lookout/gate-plan.ts'
import { openAgainIn } from './lookout/unordered-shuts.ts'
import { nextLookIn, noticeIn } from './lookout/when-to-look.ts'
import { askAgain, listDueIn, planLook } from './lookout/whom-to-ask.ts'
import { abandonedSessions } from './merchant/abandoned.ts'
import type { Books } from './merchant/books.ts'
import { endOf } from './merchant/ending.ts'
import type { DraftOf } from './merchant/event-draft.ts'
import { lostSessions } from './merchant/lost.ts'
import { withOffer } from './merchant/offer.ts'
import { createRefusalLimit } from './merchant/refusal-limit.ts'
import { createCommands } from './operator/commands.ts'
import { createSessionCommands } from './operator/session-commands.ts'
import { createOutbox } from './outbox.ts'
import type { PortalList } from './portal/portal-client.ts'
import { createRecorder } from './recorder.ts'
import { createSales } from './sales.ts'
import { createStatusBoard } from './status-board.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Now } from './time/moment.ts'
import { createPulse } from './time/sleeper.ts'
import type { Incoming, IncomingCommand, Receipt, Reply, Uplink } from './uplink/uplink.ts'
import type { Neighbours } from './valve/neighbours.ts'
import type { Valve } from './valve/valve.ts'
import { agentVersion } from './version.ts'

export interface AgentParts {
  config: Config
  clock: Clock
  journal: Journal
  valve: Valve
  /** Which devices are on the LAN, where the machine can tell. */
  neighbours?: Neighbours
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

const day = 86_400_000

// How long each step of a stop waits for portal or broker: all of it stays within five seconds.
const stopPatience = 1000
const diskTrialMilliseconds = 5000
// So many purchases stay at the broker while the disk refuses; further ones are answered and the backend sends them again.
const mostKept = 8
const shortestPause = 10
// So often a plan that was interrupted is made anew at once; then the next look goes on.
const mostTurns = 4

export function createAgent(parts: AgentParts): Agent {
  const { config, clock, journal, valve, neighbours = async () => undefined, uplink, log, newId } = parts
  const looks = createPulse(clock)
  const announcements = createPulse(clock)
  const recorder = createRecorder(config.routerId, clock, journal, log, happened, healed)
  const abandonedAfter = config.abandonedDays === 0 ? Number.POSITIVE_INFINITY : config.abandonedDays * day
  const silentAfter = Math.max(config.lookIntervalMilliseconds, config.portal.timeoutMilliseconds)
  const gates = createGates({ clock, journal, valve, neighbours, recorder, unpaid: config.unpaid, silentAfter, log })
  const outbox = createOutbox({ clock, journal, recorder, uplink, tariff: config.tariff })
  const board = createStatusBoard({ config, clock, journal, gates, recorder, uplink })
  const entriesOf = (mac: Mac) => gates.remembered?.clients.filter((client) => client.mac === mac) ?? []
  const refusals = createRefusalLimit(config.refusalsPerMinute)
  const sell = createSales({ clock, journal, recorder, tariff: config.tariff, refusals, newId, entriesOf, tell })
  const orders = createSessionCommands({ clock, journal, recorder, look: lookAt })
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
      // Wake the loop even if storing failed: it also publishes the status, which reports the disk.
      looks.poke()
    }
  }

  function lookAt(mac: Mac): void {
    wanted.add(mac)
    looks.poke()
  }

  async function enforce(): Promise<void> {
    journal.live(nowOf(clock))
    await notice()
    const opened = await openWhoHasJustPaid()
    // Opening ends with a look; where it told of all devices, another one would tell the same.
    const list = opened && !opened.only ? opened : await look()
    for (const mac of gates.askAtOnce) lookAt(mac)
    if (list) await follow(list)
    await gates.tellCounted()
    await endAbandoned()
  }

  /** Whether somebody has come to the LAN whom a session waits for. */
  async function notice(): Promise<boolean> {
    const come = await gates.notice().catch((err) => {
      log.warn({ err }, 'who is on the LAN cannot be read')
      return []
    })
    for (const mac of come) wanted.add(mac)
    return come.length > 0
  }

  async function follow(first: PortalList): Promise<void> {
    let list = first
    for (let turn = 0; turn < mostTurns; turn++) {
      const steps = planFor(list)
      if (steps.length === 0) return
      const { taken, after } = await take(steps, list)
      if (!after) return
      if (taken === steps.length) return openAfterShuts(steps, after)
      // A session was about to end: what the look shows of it comes first.
      list = after
    }
  }

  function planFor(list: PortalList): Step[] {
    const { blocked, cleared, remembered, seen } = gates
    const now = clock.monotonic()
    return gatePlan(journal.books, list, config.unpaid, {
      blocked,
      cleared,
      known: remembered?.clients ?? list.clients,
      trusted: remembered?.trusted,
      mayOpen: (mac) => openAgainIn(seen.shuts.get(mac), now) === 0,
      isOnLan: (mac) => seen.present?.has(mac) ?? true,
    })
  }

  // A gate just shut may be paid: it was shut to be renewed, or for another device at its IP, or its customer bought
  // meanwhile. It does not wait for the next look, and neither does the device that it made room for.
  async function openAfterShuts(taken: readonly Step[], list: PortalList): Promise<void> {
    const shut = taken.flatMap((step) => (step.act === 'open' ? [] : [step]))
    const isAbout = (step: Step) => shut.some(({ mac, client }) => mac === step.mac || client.ip === step.client?.ip)
    const steps = shut.length === 0 ? [] : planFor(list).filter((step) => step.act === 'open' && isAbout(step))
    if (steps.length > 0) await take(steps, list)
  }

  async function endAbandoned(): Promise<void> {
    if (abandonedSessions(journal.books, abandonedAfter).length === 0) return
    await recorder.inTurn(async () => {
      const sessions = abandonedSessions(journal.books, abandonedAfter)
      const ends = sessions.flatMap((session) => endOf(session, 'abandoned'))
      if (ends.length > 0) await recorder.appendOr(() => {}, ends)
    })
  }

  async function look(): Promise<PortalList | undefined> {
    // At the start and after an outage ask for the whole list: any gate may have changed.
    const isKnown = gates.portal.state === 'reachable'
    const { seen, remembered } = gates
    const question = isKnown ? planLook(journal.books, nowOf(clock), config, seen, wanted, remembered) : 'all'
    wanted.clear()
    // Without a question, ask whether the portal is still there.
    const isTime = clock.monotonic() - gates.answeredAt >= config.lookIntervalMilliseconds
    return question.length === 0 && !isTime ? undefined : gates.look(question)
  }

  async function openWhoHasJustPaid(): Promise<PortalList | undefined> {
    const { remembered, portal } = gates
    if (!remembered || portal.state !== 'reachable') return undefined
    const steps = openAtOnce(journal.books, remembered)
    return steps.length === 0 ? undefined : (await take(steps, remembered)).after
  }

  /** `taken`: how many of the steps; `after`: what the portal shows then. */
  async function take(
    steps: readonly Step[],
    list: PortalList,
  ): Promise<{ taken: number; after: PortalList | undefined }> {
    const taken = (await gates.apply(steps, list)).length
    if (taken < steps.length) {
      // A session is about to end: that comes first, and the steps that are left come again.
      for (const step of steps) lookAt(step.mac)
      return { taken, after: await look() }
    }
    // Believe what the portal shows, not the command.
    return { taken, after: await gates.look(askAgain(journal.books, steps, gates.remembered)) }
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
        journal.live(nowOf(clock))
        gates.begin()
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
    let nextNotice = nextLook
    let nextReport = nextLook
    let nextCheckpoint = nextLook + config.checkpointIntervalMilliseconds
    let isPoked = true
    while (!stopping) {
      if (!isStartTold) await begin()
      // A look that is due soon comes before a report, which then tells of it.
      const soon = clock.monotonic() >= nextReport ? config.usageIntervalMilliseconds / 2 : 0
      const isDue = isPoked || clock.monotonic() + soon >= nextLook
      if (isDue || (clock.monotonic() >= nextNotice && (await notice()))) {
        // Without the books nobody knows whose gate is whose: they stay as they are.
        if (journal.isRead) await enforce().catch((err) => log.error({ err }, 'a look failed'))
        orders.sawLook()
        const now = nowOf(clock)
        // Whatever the reason why nothing was asked, the same reason a moment later is soon enough.
        nextLook = now.at + Math.max(nextLookOf(now), gates.answeredAt === now.at ? 0 : shortestPause)
      }
      const now = nowOf(clock)
      nextNotice = now.at + noticeIn(journal.books, config, gates.seen)
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
      isPoked = await looks.wait(Math.min(nextLook, nextNotice, nextReport, nextCheckpoint) - clock.monotonic())
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
    if (portal.state !== 'reachable' || gates.isUnanswered) return config.nearIntervalMilliseconds
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
    orders.sawEvent(event)
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
