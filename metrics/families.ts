// The metrics of routers: every family, what it means, and how it is read from what is known of one router.
import type { LiveStatus, Metric } from '../protocol/index.ts'
import { type Family, labelled, type Sample } from './exposition.ts'
import { openingBounds, type Tally } from './tally.ts'

/** All that is known of one router. */
export interface RouterFacts {
  routerId: string
  state: RouterState
  status?: StatusFacts
  tally: Tally
  /** How long ago it was heard of; absent where it speaks for itself. */
  heardAgoMilliseconds?: number
}

type RouterState = (typeof states)[number]
type Sum = number | bigint
type Balance = Record<'sold' | 'used' | 'remaining' | 'unused' | 'difference', Sum> & { writtenOff?: Sum | undefined }
/** Of a status, also of an agent's own, where sums may be larger than a number holds. */
type StatusFacts = { [key in Told]?: LiveStatus[key] | undefined } & {
  conservation?: Record<Metric, Balance> | undefined
}
type Told =
  | 'agentVersion'
  | 'clockSynced'
  | 'portal'
  | 'guard'
  | 'prices'
  | 'sessions'
  | 'journal'
  | 'flash'
  | 'skipped'
  | 'warnings'

const states = ['online', 'degraded', 'silent', 'offline', 'unknown'] as const

export function familiesOf(routers: readonly RouterFacts[]): Family[] {
  const named = routers.map((facts) => ({ facts, router: labelled({ router: facts.routerId }) }))
  return rows.map(({ name, type, help, read }) => ({ name, type, help, samples: samplesOf(named, read) }))
}

function* samplesOf(routers: readonly { facts: RouterFacts; router: string }[], read: Row['read']): Generator<Sample> {
  for (const { facts, router } of routers) {
    for (const one of read(facts)) {
      one.labels = one.labels === '' ? router : `${router},${one.labels}`
      yield one
    }
  }
}

interface Row {
  name: string
  type: Family['type']
  help: string
  read(router: RouterFacts): Sample[]
}

const isThere = ({ state }: RouterFacts): boolean => state === 'online' || state === 'degraded'

const ofStatus: Row[] = [
  gauge('router_state', 'Whether the router is in that state: 1 for one of them.', ({ state }) =>
    states.map((one) => ({ labels: closed('state', one), value: one === state ? 1 : 0 })),
  ),
  gauge('router_heard_seconds', 'Seconds since anything was heard of the router.', ({ heardAgoMilliseconds }) =>
    one(heardAgoMilliseconds, 1000),
  ),
  gauge('router_info', 'The programs of the router; always 1.', ({ status }) => [
    sample(1, {
      version: status?.agentVersion,
      portal: status?.portal?.kind,
      portal_version: status?.portal?.version ?? undefined,
    }),
  ]),
  gauge('router_warnings', 'How many warnings the status has; their words are in the status itself.', ({ status }) =>
    one(status?.warnings?.length),
  ),
  gauge(
    'clock_synchronised',
    'Whether the wall clock is believed; 0: deadlines of purchases are not judged.',
    (router) => (isThere(router) ? yesOrNo(router.status?.clockSynced) : []),
  ),
  gauge('portal_reachable', 'Whether the portal answers; no sample while nobody knows.', (router) => {
    const portal = router.status?.portal?.state
    return isThere(router) && portal !== 'unknown' ? yesOrNo(portal && portal === 'reachable') : []
  }),
  gauge('disk_refuses', 'Whether the disk refuses writes, so that nothing is sold.', (router) =>
    isThere(router) ? yesOrNo(router.status?.flash && router.status.flash.state === 'refusing') : [],
  ),
  gauge('guard_active', 'Whether the kernel cuts the sessions off; 0: the portal alone does, later.', (router) =>
    isThere(router) ? yesOrNo(router.status?.guard && router.status.guard.state === 'active') : [],
  ),
  gauge('guard_unguarded', 'Open gates whose end the kernel does not keep, by why.', ({ status }) =>
    Object.entries(status?.guard?.unguarded ?? {}).map(([why, gates]) => sample(gates, { why: snake(why) })),
  ),
  gauge('sessions', 'Sessions by state.', ({ status }) =>
    Object.entries(status?.sessions ?? {}).map(([state, count]) => sample(count, { state })),
  ),
  gauge('outbox_events', 'Events that the broker has not acknowledged.', ({ status }) =>
    one(status?.journal && status.journal.lastSeq - status.journal.acknowledgedSeq),
  ),
  gauge('journal_events', 'Events that the router keeps.', ({ status }) =>
    one(status?.journal && status.journal.lastSeq + 1 - status.journal.firstSeq),
  ),
  gauge('skipped_events', 'The last events that were too large for the broker, at most 20.', ({ status }) =>
    one(status?.skipped?.length),
  ),
  counter('flash_written_bytes', 'Bytes put on flash since the agent started.', ({ status }) =>
    one(status?.flash?.writtenBytes),
  ),
]

const ofBooks: Row[] = [
  ...balanced('sold', 'counter', 'were sold'),
  ...balanced('used', 'counter', 'were used of those sold'),
  ...balanced('unused', 'counter', 'sessions left over at their end'),
  ...balanced('remaining', 'gauge', 'are sold and still to be used'),
  ...balanced('writtenOff', 'gauge', 'damage took out of the books'),
  ...balanced('difference', 'gauge', 'are unaccounted for: sold - used - remaining - unused - written off, always 0'),
]

const ofEvents: Row[] = [
  counter('purchases', 'Outcomes of purchases: accepted, or the code of the refusal.', ({ tally }) =>
    counts(tally.outcomes, 'outcome'),
  ),
  counter('money', 'The money that was paid for accepted purchases, change included.', takings),
  {
    ...counter('gate_opening_seconds', 'From the arrival of a purchase to the open gate.', openings),
    type: 'histogram',
  },
  counter('sessions_ended', 'Ended sessions by reason.', ({ tally }) => counts(tally.ends, 'reason')),
  counter('overshoot_bytes', 'Bytes that passed beyond the last lot, given away.', ({ tally }) =>
    one(tally.overshootBytes),
  ),
  counter('unread_bytes', 'Bytes that nobody could read, by the measured rate, given away.', ({ tally }) =>
    one(tally.unreadBytes),
  ),
  counter('drifts', 'Differences of portal and books by kind.', ({ tally }) => counts(tally.drifts, 'kind')),
  counter('agent_starts', 'Starts of the agent.', ({ tally }) => one(tally.starts)),
  counter(
    'lost_events',
    'Events that nobody can have any more; of an unknown number, 1.',
    ({ tally, heardAgoMilliseconds }) => (heardAgoMilliseconds === undefined ? [] : counts(tally.lost, 'why')),
  ),
]

const rows: readonly Row[] = [...ofStatus, ...ofBooks, ...ofEvents]

function gauge(name: string, help: string, read: Row['read']): Row {
  return { name: `tollgate_${name}`, type: 'gauge', help, read }
}

function counter(name: string, help: string, read: Row['read']): Row {
  return { name: `tollgate_${name}`, type: 'counter', help, read }
}

/** A sum of the books, once in bytes and once in seconds. */
function balanced(sum: keyof Balance, type: 'gauge' | 'counter', words: string): Row[] {
  const make = type === 'gauge' ? gauge : counter
  const name = snake(sum)
  return [
    make(`${name}_bytes`, `The bytes that ${words}.`, ({ status }) => one(ofSum(status, 'bytes', sum))),
    make(`${name}_seconds`, `The seconds that ${words}.`, ({ status }) =>
      one(ofSum(status, 'milliseconds', sum), 1000),
    ),
  ]
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function ofSum(status: StatusFacts | undefined, metric: Metric, sum: keyof Balance): Sum | undefined {
  const balance = status?.conservation?.[metric]
  return balance && (balance[sum] ?? 0)
}

/** In every unit that is sold in: with a 0 before the first sale, so that Prometheus sees its increase. */
function takings({ status, tally }: RouterFacts): Sample[] {
  const nothing = (status?.prices?.prices ?? []).map(({ unit, source }) => ({ unit, source, sum: '0' }))
  const sums = [...nothing, ...tally.money.values()]
  const byLabels = new Map(sums.map(({ unit, source, sum }) => [labelled({ unit, source }), sum]))
  return [...byLabels].map(([labels, value]) => ({ labels, value }))
}

function openings({ tally: { openings } }: RouterFacts): Sample[] {
  const bucket = (le: string, value: number): Sample => ({ labels: closed('le', le), value, suffix: '_bucket' })
  return [
    ...openingBounds.map((bound, index) => bucket(String(bound), openings.within[index] ?? 0)),
    bucket('+Inf', openings.count),
    { ...sample(openings.milliseconds / 1000), suffix: '_sum' },
    { ...sample(openings.count), suffix: '_count' },
  ]
}

function counts(by: ReadonlyMap<string, number>, label: string): Sample[] {
  return Array.from(by, ([value, number]) => ({ labels: closed(label, value), value: number }))
}

const written = new Map<string, Map<string, string>>()

/** A label with a value from a closed list, written once: a large fleet has it thousands of times. */
function closed(name: string, value: string): string {
  const values = written.get(name) ?? new Map<string, string>()
  written.set(name, values)
  const label = values.get(value) ?? labelled({ [name]: value })
  values.set(value, label)
  return label
}

function yesOrNo(is: boolean | undefined): Sample[] {
  return is === undefined ? [] : [sample(is ? 1 : 0)]
}

function one(value: Sum | undefined, divisor: number = 1): Sample[] {
  if (value === undefined) return []
  return [sample(divisor === 1 ? value : Number(value) / divisor)]
}

function sample(value: Sample['value'], labels?: Record<string, string | undefined>): Sample {
  return { labels: labels ? labelled(labels) : '', value }
}
