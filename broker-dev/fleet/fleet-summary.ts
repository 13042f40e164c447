// The result of a run of the simulation, for people and for the exit code.
import type { Metric } from '../../protocol/index.ts'
import type { BackendCounts } from '../backend/backend.ts'
import type { RouterAudit } from './audit.ts'

export interface Run {
  counts: BackendCounts
  audits: readonly RouterAudit[]
  /** Everything else that went wrong: unreadable messages, agents that would not stop. */
  problems: readonly string[]
}

/** `ok` when every purchase has an outcome, no event is missing and the books of every router add up. */
export function summarise({ counts, audits, problems }: Run): { text: string; ok: boolean } {
  const withoutOutcome = counts.pending
  const wrong = [
    ...problems,
    ...(withoutOutcome > 0 ? [`${withoutOutcome} purchases without outcome`] : []),
    ...audits.flatMap((audit) => audit.problems.map((problem) => `${audit.routerId}: ${problem}`)),
  ]
  const lines = [
    `purchases ${counts.purchases}: ${counts.accepted} accepted, ${refusals(counts)}, ${withoutOutcome} without outcome`,
    `sessions ${sum(audits, 'started')} started, ${sum(audits, 'ended')} ended`,
    ...audits.flatMap(describeAudit),
    ...(wrong.length === 0 ? ['The books of every router add up.'] : ['PROBLEMS', ...wrong.map((one) => `  ${one}`)]),
  ]
  return { text: lines.join('\n'), ok: wrong.length === 0 }
}

function sum(audits: readonly RouterAudit[], what: 'started' | 'ended'): number {
  return audits.reduce((total, audit) => total + audit[what], 0)
}

function refusals({ rejected }: BackendCounts): string {
  const codes = Object.entries(rejected)
  const total = codes.reduce((sum, [, times]) => sum + times, 0)
  return `${total} refused${total > 0 ? ` (${codes.map(([code, times]) => `${code} ${times}`).join(', ')})` : ''}`
}

function describeAudit({ routerId, started, ended, books }: RouterAudit): string[] {
  const line = (metric: Metric) => {
    const [sold, used, remaining, unused] = (['sold', 'used', 'remaining', 'unused'] as const).map((part) =>
      books[metric][part].toLocaleString('en-US'),
    )
    return `  ${metric.padEnd(12)} sold ${sold} = used ${used} + remaining ${remaining} + unused ${unused}`
  }
  return [`${routerId}: ${started} sessions started, ${ended} ended`, line('bytes'), line('milliseconds')]
}
