// The books of every router, drawn up from its events alone and compared with what its status says.
import type { Event, EventOf, LiveStatus, Metric, RouterId, Status, UsageMessage } from '../../protocol/index.ts'
import { emptyFleet, type RouterView, seeUsage } from './fleet-view.ts'

export interface RouterAudit {
  routerId: RouterId
  started: number
  ended: number
  /** Milliseconds from each purchase to its open gate. */
  openedAfter: readonly number[]
  books: Record<Metric, { sold: number; used: number; remaining: number; unused: number; difference: number }>
  /** Everything that is wrong; empty when all adds up. */
  problems: string[]
}

export interface Audit {
  seeUsage(message: UsageMessage): void
  seeStatus(status: Status): void
  /** Whether every event that the router has spoken of is here. */
  isComplete(routerId: RouterId): boolean
  report(): RouterAudit[]
}

type Sums = Record<Metric, number>

interface Ledger {
  epoch: string
  firstSeq: number
  lastSeq: number
  started: number
  ended: number
  openedAfter: number[]
  sold: Sums
  /** Sold before the first event that was seen. */
  carried: Sums
  /** Of ended sessions. */
  used: Sums
  unused: Sums
  /** Of sessions not ended yet. */
  soldTo: Map<string, Sums>
  /** The amounts sold and left unused up to each `seq` that changed it. */
  history: { seq: number; sold: Sums; unused: Sums }[]
  firstStatus?: LiveStatus
  lastStatus?: LiveStatus
  problems: string[]
}

export function createAudit(): Audit {
  const ledgers = new Map<RouterId, Ledger>()
  let fleet = emptyFleet

  function ledgerOf({ routerId, epoch }: { routerId: RouterId; epoch: string }): Ledger {
    const known = ledgers.get(routerId)
    if (known?.epoch === epoch) return known
    const opened = openLedger(epoch)
    if (known) opened.problems.push(`the journal ${known.epoch} was followed by another one, ${epoch}`)
    ledgers.set(routerId, opened)
    return opened
  }

  function take(message: UsageMessage): void {
    const ledger = ledgerOf(message)
    fleet = seeUsage(fleet, message)
    if (message.type !== 'usage' && message.seq !== undefined) enter(ledger, message, message.seq)
  }

  function takeStatus(status: Status): void {
    // Of a router whose disk cannot be read nothing is known.
    if (status.epoch === undefined || !status.journal || !status.conservation || status.state === 'offline') return
    const ledger = ledgerOf(status)
    ledger.firstStatus ??= status
    ledger.lastStatus = status
  }

  function isComplete(routerId: RouterId): boolean {
    const ledger = ledgers.get(routerId)
    return ledger !== undefined && ledger.lastSeq >= spokenOf(ledger, fleet.routers.get(routerId))
  }

  function report(): RouterAudit[] {
    const inOrder = [...ledgers].sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true }))
    return inOrder.map(([routerId, ledger]) => close(routerId, ledger, fleet.routers.get(routerId)))
  }

  return { seeUsage: take, seeStatus: takeStatus, isComplete, report }
}

function openLedger(epoch: string): Ledger {
  const sums = { sold: zero(), carried: zero(), used: zero(), unused: zero() }
  return {
    epoch,
    firstSeq: 0,
    lastSeq: 0,
    started: 0,
    ended: 0,
    openedAfter: [],
    ...sums,
    soldTo: new Map(),
    history: [],
    problems: [],
  }
}

function enter(ledger: Ledger, event: Event, seq: number): void {
  // Published at least once: what came before is no news.
  if (seq <= ledger.lastSeq) return
  if (ledger.firstSeq === 0) ledger.firstSeq = seq
  else if (seq > ledger.lastSeq + 1) ledger.problems.push(`seq gap: ${seq} came after ${ledger.lastSeq}`)
  ledger.lastSeq = seq
  if (event.type === 'purchase.accepted') sell(ledger, event)
  if (event.type === 'session.started') {
    ledger.started++
    ledger.openedAfter.push(event.openedAfterMilliseconds)
  }
  if (event.type === 'session.ended') settle(ledger, event)
  if (event.type === 'purchase.accepted' || event.type === 'session.ended') {
    ledger.history.push({ seq, sold: { ...ledger.sold }, unused: { ...ledger.unused } })
  }
}

function sell(ledger: Ledger, { sessionId, metric, allotment }: EventOf<'purchase.accepted'>): void {
  ledger.sold[metric] += allotment
  const soldTo = ledger.soldTo.get(sessionId) ?? zero()
  ledger.soldTo.set(sessionId, { ...soldTo, [metric]: soldTo[metric] + allotment })
}

function settle(ledger: Ledger, event: EventOf<'session.ended'>): void {
  ledger.ended++
  const allotment = zero()
  for (const purchase of event.purchases) {
    allotment[purchase.metric] += purchase.allotment
    ledger.used[purchase.metric] += purchase.used
    ledger.unused[purchase.metric] += purchase.unused
  }
  compareWithSales(ledger, event.sessionId, allotment)
  ledger.soldTo.delete(event.sessionId)
}

// With the first event seen, every sale was; otherwise the rest was sold before.
function compareWithSales(ledger: Ledger, sessionId: string, allotment: Sums): void {
  const sold = ledger.soldTo.get(sessionId) ?? zero()
  for (const metric of metrics) {
    const before = allotment[metric] - sold[metric]
    if (before > 0 && ledger.firstSeq > 1) ledger.carried[metric] += before
    else if (before !== 0) {
      ledger.problems.push(`session ${sessionId} holds ${allotment[metric]} ${metric}, sold were ${sold[metric]}`)
    }
  }
}

function close(routerId: RouterId, open: Ledger, view: RouterView | undefined): RouterAudit {
  const ledger = { ...open, problems: [...open.problems], carried: { ...open.carried } }
  const sessions = [...(view?.sessions.values() ?? [])].map(({ session }) => session)
  const known = new Set(sessions.map(({ sessionId }) => sessionId))
  for (const session of sessions)
    compareWithSales(ledger, session.sessionId, { ...zero(), ...session.allotment } as Sums)
  for (const sessionId of ledger.soldTo.keys()) {
    if (!known.has(sessionId)) ledger.problems.push(`session ${sessionId} was sold and is neither shown nor ended`)
  }
  const balanceOf = (metric: Metric) => {
    const sold = ledger.sold[metric] + ledger.carried[metric]
    const sum = (part: 'used' | 'remaining') =>
      sessions.reduce((total, session) => total + (session[part][metric] ?? 0), 0)
    const used = ledger.used[metric] + sum('used')
    const [remaining, unused] = [sum('remaining'), ledger.unused[metric]]
    return { sold, used, remaining, unused, difference: sold - used - remaining - unused }
  }
  const books = { bytes: balanceOf('bytes'), milliseconds: balanceOf('milliseconds') }
  for (const metric of metrics) {
    const { difference } = books[metric]
    if (difference !== 0) ledger.problems.push(`${metric}: sold and not accounted for: ${difference}`)
  }
  if (spokenOf(ledger, view) > ledger.lastSeq) {
    ledger.problems.push(`seq ${spokenOf(ledger, view)} exists, ${ledger.lastSeq} is the last one that came`)
  } else ledger.problems.push(...compareWithStatus(ledger))
  const { started, ended, openedAfter, problems } = ledger
  return { routerId, started, ended, openedAfter, books, problems }
}

// A status is compared with the events up to its own last one, so it does not matter how old it is.
function compareWithStatus({ firstStatus, lastStatus, firstSeq, history }: Ledger): string[] {
  if (!firstStatus || !lastStatus) return ['no status was seen']
  const problems: string[] = []
  const at = (seq: number) => history.findLast((entry) => entry.seq <= seq) ?? { sold: zero(), unused: zero() }
  for (const metric of metrics) {
    const shown = lastStatus.conservation[metric]
    const before = firstSeq > 1 ? firstStatus.conservation[metric] : { sold: 0, unused: 0 }
    const start = firstSeq > 1 ? at(firstStatus.journal.lastSeq) : { sold: zero(), unused: zero() }
    const end = at(lastStatus.journal.lastSeq)
    const sold = before.sold + end.sold[metric] - start.sold[metric]
    const unused = before.unused + end.unused[metric] - start.unused[metric]
    if (shown.difference !== 0) problems.push(`${metric}: the status itself shows a difference of ${shown.difference}`)
    const pairs = { sold: [shown.sold, sold], unused: [shown.unused, unused] } as const
    for (const [name, [said, counted]] of Object.entries(pairs)) {
      if (said !== counted) problems.push(`${metric}: the status says ${name} ${said}, the events ${counted}`)
    }
    if (shown.used + shown.remaining !== sold - unused) {
      problems.push(`${metric}: the status says used + remaining ${shown.used + shown.remaining}, not ${sold - unused}`)
    }
  }
  return problems
}

function spokenOf(ledger: Ledger, view: RouterView | undefined): number {
  const reported = [...(view?.sessions.values() ?? [])].map(({ asOfSeq }) => asOfSeq)
  return Math.max(0, ledger.lastStatus?.journal.lastSeq ?? 0, ...reported)
}

const metrics = ['bytes', 'milliseconds'] as const

function zero(): Sums {
  return { bytes: 0, milliseconds: 0 }
}
