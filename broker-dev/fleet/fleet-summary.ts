// The result of a run of the simulation: for people, for programs, and for the exit code.
import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'
import type { Metric } from '../../protocol/index.ts'
import type { BackendCounts } from '../backend/backend.ts'
import type { RouterAudit } from './audit.ts'

export interface Run {
  counts: BackendCounts
  audits: readonly RouterAudit[]
  /** Everything else that went wrong: unreadable messages, agents that would not stop. */
  problems: readonly string[]
}

export interface Summary {
  /** Every purchase has an outcome, no event is missing and the books of every router add up. */
  ok: boolean
  text: string
  /** The summary as a value, every amount to the unit. */
  json: object
}

export function summarise({ counts, audits, problems }: Run): Summary {
  const wrong = [
    ...problems,
    ...(counts.pending > 0 ? [`${counts.pending} purchases without outcome`] : []),
    ...audits.flatMap((audit) => audit.problems.map((problem) => `${audit.routerId}: ${problem}`)),
  ]
  const [started, ended] = [sum(audits, 'started'), sum(audits, 'ended')]
  const fleet = { started, ended, books: totalOf(audits), opened: openedOf(audits) }
  const lines = [
    `purchases ${counts.purchases}: ${counts.accepted} accepted, ${refusals(counts)}, ${counts.pending} without outcome`,
    `sessions ${started} started, ${ended} ended${gate(fleet.opened)}`,
    ...table([['fleet', ...amounts(fleet.books)], ...audits.map((one) => [one.routerId, ...amounts(one.books)])]),
    ...(wrong.length === 0 ? ['The books of every router add up.'] : ['PROBLEMS', ...wrong.map((one) => `  ${one}`)]),
  ]
  const ok = wrong.length === 0
  const routers = audits.map(({ openedAfter: _, ...audit }) => audit)
  return { text: lines.join('\n'), ok, json: { ok, purchases: counts, fleet, routers, problems: wrong } }
}

type Books = RouterAudit['books']

interface Opened {
  count: number
  medianMilliseconds: number
  p99Milliseconds: number
}

function sum(audits: readonly RouterAudit[], what: 'started' | 'ended'): number {
  return audits.reduce((total, audit) => total + audit[what], 0)
}

function totalOf(audits: readonly RouterAudit[]): Books {
  const total = (metric: Metric) => {
    const of = (part: keyof Books[Metric]) => audits.reduce((all, { books }) => all + books[metric][part], 0)
    const [used, remaining, unused] = [of('used'), of('remaining'), of('unused')]
    return { sold: of('sold'), used, remaining, unused, difference: of('difference') }
  }
  return { bytes: total('bytes'), milliseconds: total('milliseconds') }
}

/** From purchase to open gate; nothing where no gate opened. */
function openedOf(audits: readonly RouterAudit[]): Opened | undefined {
  const sorted = audits.flatMap(({ openedAfter }) => openedAfter).sort((a, b) => a - b)
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]
  const [medianMilliseconds, p99Milliseconds] = [rank(0.5), rank(0.99)]
  if (medianMilliseconds === undefined || p99Milliseconds === undefined) return undefined
  return { count: sorted.length, medianMilliseconds, p99Milliseconds }
}

function gate(opened: Opened | undefined): string {
  if (!opened) return ''
  const [median, p99] = [prettyMilliseconds(opened.medianMilliseconds), prettyMilliseconds(opened.p99Milliseconds)]
  return `; from purchase to gate ${median} in the median, ${p99} at p99`
}

function refusals({ rejected }: BackendCounts): string {
  const codes = Object.entries(rejected)
  const total = codes.reduce((all, [, times]) => all + times, 0)
  return `${total} refused${total > 0 ? ` (${codes.map(([code, times]) => `${code} ${times}`).join(', ')})` : ''}`
}

function amounts({ bytes, milliseconds }: Books): string[] {
  return (['sold', 'used', 'remaining', 'unused'] as const).map((part) => {
    const time = prettyMilliseconds(milliseconds[part], { secondsDecimalDigits: 1 })
    return `${prettyBytes(bytes[part])} and ${time}`
  })
}

function table(rows: readonly (readonly string[])[]): string[] {
  const all = [['', 'sold', '= used', '+ remaining', '+ unused'], ...rows]
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
