// Rounds: look at the portal, plan where gates and books differ, move the gates, and look again.
import type { Mac } from '../protocol/index.ts'
import type { Config } from './config.ts'
import type { Gates } from './gates.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { askAgain } from './lookout/asked.ts'
import { gatePlan, openAtOnce, type Step } from './lookout/gate-plan.ts'
import { listDueIn } from './lookout/list-due.ts'
import { type Sight, unclearable } from './lookout/sight.ts'
import { openAgainIn } from './lookout/unordered-shuts.ts'
import { nextLookIn } from './lookout/when-to-look.ts'
import { planLook } from './lookout/whom-to-ask.ts'
import { abandonedSessions } from './merchant/abandoned.ts'
import { endOf } from './merchant/ending.ts'
import type { PortalList } from './portal/portal-client.ts'
import type { Recorder } from './recorder.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Now } from './time/moment.ts'

export interface Rounds {
  /** The next look is also for that device. */
  askAbout(mac: Mac): void
  /** Whether a device that a session waits for has come to the LAN. */
  notice(): Promise<boolean>
  run(): Promise<void>
  /** Milliseconds until the next round. */
  dueIn(now: Now): number
}

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  recorder: Recorder
  gates: Gates
  log: Log
  /** Begins the next round as soon as this one is over. */
  wake: () => void
}

const day = 86_400_000
const shortestPause = 10
// An interrupted plan is made anew at once this often; then the next round goes on.
const mostTurns = 4

export function createRounds({ config, clock, journal, recorder, gates, log, wake }: Parts): Rounds {
  const askNext = new Set<Mac>()

  async function run(): Promise<void> {
    journal.live(nowOf(clock))
    await notice()
    // A purchase since the last look raises what the kernel lets through.
    await gates.guard.follow()
    const opened = await openNewlyPaid()
    // Opening ends with a look; if that was about all devices, another look would show the same.
    const list = opened && !opened.only ? opened : await look()
    askSoon(gates.sight.askAtOnce)
    if (list) await follow(list)
    await gates.tellCounted()
    await endAbandoned(journal, recorder, config.abandonedDays)
  }

  function askSoon(macs: readonly Mac[]): void {
    for (const mac of macs) askNext.add(mac)
    if (macs.length > 0) wake()
  }

  async function notice(): Promise<boolean> {
    const come = await gates.notice().catch((err) => {
      log.warn({ err }, 'who is on the LAN cannot be read')
      return []
    })
    for (const mac of come) askNext.add(mac)
    return come.length > 0
  }

  async function follow(first: PortalList): Promise<void> {
    let list = first
    for (let turn = 0; turn < mostTurns; turn++) {
      const steps = plan(list)
      if (steps.length === 0) return
      const { taken, after } = await moveGates(steps, list)
      if (!after) return
      if (taken === steps.length) return openAfterShuts(steps, after)
      // A session was about to end: plan anew from the look that shows it.
      list = after
    }
  }

  const plan = (list: PortalList) => planFor(list, gates.sight, journal, config, clock.monotonic())

  // A gate just shut may be paid: it was shut to be renewed, or for another device at its IP, or its customer bought
  // meanwhile. It does not wait for the next look, and neither does the device that it made room for.
  async function openAfterShuts(taken: readonly Step[], list: PortalList): Promise<void> {
    const shut = taken.flatMap((step) => (step.act === 'open' ? [] : [step]))
    const isAbout = (step: Step) => shut.some(({ mac, client }) => mac === step.mac || client.ip === step.client?.ip)
    const steps = shut.length === 0 ? [] : plan(list).filter((step) => step.act === 'open' && isAbout(step))
    if (steps.length > 0) await moveGates(steps, list)
  }

  async function look(): Promise<PortalList | undefined> {
    // At the start and after an outage ask for the whole list: any gate may have changed.
    const { portal, seen, remembered, answeredAt } = gates.sight
    const isKnown = portal.state === 'reachable'
    const question = isKnown ? planLook(journal.books, nowOf(clock), config, seen, askNext, remembered) : 'all'
    askNext.clear()
    // Without a question, ask whether the portal is still there.
    const isTime = clock.monotonic() - answeredAt >= config.lookIntervalMilliseconds
    return question.length === 0 && !isTime ? undefined : gates.look(question)
  }

  async function openNewlyPaid(): Promise<PortalList | undefined> {
    const { remembered, portal } = gates.sight
    if (!remembered || portal.state !== 'reachable') return undefined
    const steps = openAtOnce(journal.books, remembered)
    return steps.length === 0 ? undefined : (await moveGates(steps, remembered)).after
  }

  /** `taken`: how many of the steps; `after`: the portal's list after them. */
  async function moveGates(steps: readonly Step[], list: PortalList) {
    const taken = (await gates.apply(steps, list)).length
    // Believe what the portal shows, not the command.
    if (taken === steps.length)
      return { taken, after: await gates.look(askAgain(journal.books, steps, gates.sight.remembered)) }
    // A session is about to end: look at it first, and the other steps come again.
    askSoon(steps.map(({ mac }) => mac))
    return { taken, after: await look() }
  }

  return { askAbout: (mac) => askNext.add(mac), notice, run, dueIn: (now) => dueIn(gates.sight, journal, config, now) }
}

function planFor(list: PortalList, sight: Sight, { books }: Journal, { unpaid }: Config, now: number): Step[] {
  const { watch, remembered, seen } = sight
  const { blocked, cleared } = watch
  return gatePlan(books, list, unpaid, {
    blocked,
    cleared,
    unclearable: unclearable(sight),
    known: remembered?.clients ?? list.clients,
    trusted: remembered?.trusted,
    mayOpen: (mac) => openAgainIn(seen.shuts.get(mac), now) === 0,
    isOnLan: (mac) => seen.present?.has(mac) ?? true,
  })
}

function dueIn({ seen, portal, unansweredSince, answeredAt }: Sight, { books }: Journal, config: Config, now: Now) {
  // If nothing was asked this time, the same reason a moment later is soon enough.
  const least = answeredAt === now.at ? 0 : shortestPause
  if (portal.state !== 'reachable' || unansweredSince !== undefined)
    return Math.max(config.nearIntervalMilliseconds, least)
  return Math.max(Math.min(nextLookIn(books, now, config, seen), listDueIn(books, now, config, seen)), least)
}

async function endAbandoned(journal: Journal, recorder: Recorder, days: number): Promise<void> {
  const after = days === 0 ? Number.POSITIVE_INFINITY : days * day
  if (abandonedSessions(journal.books, after).length === 0) return
  await recorder.inTurn(async (turn) => {
    const ends = abandonedSessions(journal.books, after).flatMap((session) => endOf(session, 'abandoned'))
    if (ends.length > 0) await turn.appendOr(() => {}, ends)
  })
}
