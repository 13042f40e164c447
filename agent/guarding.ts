// Guarding: keeps the kernel's table as the books want it, and reads it for the looks. Without it everything goes on.
import type { LiveStatus, Mac } from '../protocol/index.ts'
import { createGuardCalls, type GuardCalls, type GuardUse } from './guard-calls.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { type GuardPlan, guardChanges, guardPlan } from './lookout/guard-plan.ts'
import type { Sight } from './lookout/sight.ts'
import {
  changedTable,
  emptyTable,
  type GuardChange,
  type GuardTable,
  perhapsChanged,
  uncounted,
} from './portal/guard-table.ts'
import type { Neighbour } from './portal/neighbour.ts'
import type { PortalList } from './portal/portal-client.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Guard } from './valve/guard/guard.ts'

export interface Guarding {
  /** Finds out whether the kernel can do it, and takes over what an earlier life of the agent has left there. */
  begin(): Promise<void>
  /** The kernel's table for that answer of the portal, which came before it. */
  read(list: PortalList): Promise<GuardReading>
  /** Brings the kernel's table to what the books want; `opening`: where gates are about to be opened. */
  follow(opening?: readonly Neighbour[]): Promise<void>
  stop(): void
  /** The table as it is as far as anybody knows, where the kernel guards. */
  readonly table: GuardTable | undefined
  /** The last table that was read: while the kernel cannot be asked it goes on counting and cutting. */
  readonly lastTable: GuardTable | undefined
  readonly status: LiveStatus['guard']
  /** A sentence for a person, where something is wrong with it. */
  readonly warning: string | undefined
}

/** `guard`: as it was read now; `knownGuard`: as it was last known. Neither where no kernel keeps anything. */
export interface GuardReading {
  guard?: GuardTable
  knownGuard?: GuardTable
}

export interface GuardingParts {
  clock: Clock
  journal: Journal
  /** Absent where there is none. */
  guard: Guard | undefined
  /** `off`: the table is taken away. */
  use: GuardUse
  at: { sight: Sight }
  log: Log
  /** Asks soon about devices that the kernel has cut. */
  wake: (macs: readonly Mac[]) => void
  /** The table was lost, and is built again. */
  tellLost: () => Promise<void>
}

/** The kernel's table as far as it is known. */
interface Known {
  table: GuardTable
  /** Nothing has happened since that may have changed it behind the agent's back. */
  isSure: boolean
  isThere: boolean
  wasRead: boolean
  /** Sessions for which nothing was counted any more when it was last read. */
  uncounted: ReadonlySet<string>
  plan: Pick<GuardPlan, 'guarded' | 'unguarded'>
}

// A guard that failed is tried again after this.
const again = 60_000

export function createGuarding(parts: GuardingParts): Guarding {
  const { clock, journal, guard, use, at, log } = parts
  const known: Known = { ...nothingKnown }
  const calls = createGuardCalls(clock, use, log, () => {
    known.isSure = false
    // Devices that nothing guards are looked at as before.
    keep(nobody)
  })
  const isOn = () => guard && use !== 'off' && (calls.state === 'active' || calls.state === 'lost')
  let triedAt = Number.NEGATIVE_INFINITY
  let unwatch = () => {}

  const keep = (plan: Known['plan']) => keepPlan(known, at, plan)

  async function open(of: Guard): Promise<void> {
    triedAt = clock.monotonic()
    // The watch begins even when the wait for the table has given up: the table may be there a moment later.
    const begin = () => {
      unwatch()
      unwatch = watchKernel(of, known, parts)
    }
    await calls.make(() => of.open().then(begin))
    if (isOn()) await readTable(of)
  }

  async function readTable(of: Guard): Promise<GuardTable | undefined> {
    const read = await calls.make(async () => ({ table: await of.read() }))
    if (!read) return undefined
    const table = read.table ?? emptyTable
    Object.assign(known, {
      table,
      isSure: true,
      isThere: read.table !== undefined,
      wasRead: true,
      uncounted: uncounted(table),
    })
    if (!known.isThere && journal.books.guardedSince === clock.bootId && calls.state !== 'lost') {
      calls.state = 'lost'
      await parts.tellLost()
    }
    return known.table
  }

  async function write(of: Guard, opening: readonly Neighbour[]): Promise<void> {
    const { table } = known
    const now = nowOf(clock)
    const { remembered, neighbours } = at.sight
    const context = { now, table, known: remembered?.clients ?? [], trusted: remembered?.trusted, neighbours, opening }
    const plan = guardPlan(journal.books, context)
    const changes = guardChanges(table, plan.wanted, now.at, known.uncounted)
    if (changes.length > 0) {
      const isDone = await calls.make(() => of.change(changes, !known.isThere).then(() => true))
      if (!isDone) {
        known.table = perhapsChanged(table, changes)
        return
      }
      changed(changes)
    }
    keep(plan)
  }

  function changed(changes: readonly GuardChange[]): void {
    Object.assign(known, { table: changedTable(known.table, changes), isThere: true })
    if (calls.state === 'lost') calls.state = 'active'
    noteTable(journal, clock.bootId)
  }

  return {
    async begin() {
      if (use === 'off') await takeAway(guard, journal, calls)
      else if (guard) await open(guard)
    },
    read: (list) => readingFor(list, known, guard && isOn() ? () => readTable(guard) : undefined),
    async follow(opening = []) {
      if (!guard || use === 'off') return
      if (!isOn() && clock.monotonic() - triedAt >= again) await open(guard)
      // An agent that has just been started does not know yet whose address is whose.
      if (!isOn() || !at.sight.remembered || (!known.isSure && !(await readTable(guard)))) return
      await write(guard, opening)
      // The kernel said no: what is there is read again, and changed once more.
      if (!known.isSure && calls.failures === 1 && (await readTable(guard))) await write(guard, opening)
    },
    stop: () => unwatch(),
    get table() {
      return isOn() ? known.table : undefined
    },
    get lastTable() {
      return guard && use !== 'off' && known.wasRead ? known.table : undefined
    },
    get status() {
      return statusOf(guard && use !== 'off' ? 'nftables' : 'none', calls.state, known.plan)
    },
    get warning() {
      return calls.warning
    },
  }
}

function keepPlan(known: Known, at: { sight: Sight }, plan: Known['plan']): void {
  known.plan = plan
  at.sight = { ...at.sight, seen: { ...at.sight.seen, guarded: plan.guarded } }
}

// A kernel that cannot be asked any more goes on cutting, and one that has lost its table had cut before.
async function readingFor(
  list: PortalList,
  known: Known,
  readTable: (() => Promise<GuardTable | undefined>) | undefined,
): Promise<GuardReading> {
  const before = known.table
  if (!readTable) return known.wasRead ? { knownGuard: before } : {}
  const isAbout = known.plan === nobody || [...known.plan.guarded].some((mac) => list.only?.has(mac) ?? true)
  const isEmpty = before.quotas.size + before.until.size === 0
  if (known.isSure && (isEmpty || !isAbout)) return isAbout ? { guard: before } : { knownGuard: before }
  const table = await readTable()
  return table && known.isThere ? { guard: table } : { knownGuard: before }
}

const nobody: Known['plan'] = { guarded: new Set(), unguarded: new Map() }
const nothingKnown: Known = {
  ...{ table: emptyTable, isSure: false, isThere: false, wasRead: false },
  ...{ uncounted: new Set(), plan: nobody },
}

function watchKernel(guard: Guard, known: Known, { journal, wake }: GuardingParts): () => void {
  return guard.watch({
    cut(ips) {
      // The counts that are known are older than this: by them it would look like a mistake.
      known.isSure = false
      const ids = new Set(ips.map((ip) => known.table.byIp.get(ip)))
      wake([...journal.books.sessions.values()].flatMap(({ mac, sessionId }) => (ids.has(sessionId) ? [mac] : [])))
    },
    damaged() {
      known.isSure = false
      wake([])
    },
  })
}

function noteTable(journal: Journal, bootId: string): void {
  if (journal.books.guardedSince !== bootId) journal.note({ type: 'guard', bootId })
}

async function takeAway(guard: Guard | undefined, journal: Journal, calls: GuardCalls): Promise<void> {
  if (!guard || journal.books.guardedSince === undefined) return
  const isGone = await calls.make(() => guard.remove().then(() => true))
  calls.state = 'off'
  if (isGone) journal.note({ type: 'guard' })
}

function statusOf(
  kind: LiveStatus['guard']['kind'],
  state: LiveStatus['guard']['state'],
  { guarded, unguarded: why }: Known['plan'],
): LiveStatus['guard'] {
  const unguarded = { bothMetrics: 0, noAddress: 0 }
  for (const reason of why.values()) unguarded[reason === 'both-metrics' ? 'bothMetrics' : 'noAddress']++
  return { kind, state, devices: guarded.size, unguarded }
}
