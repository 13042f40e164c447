// The sums in a status, which may be larger than a number in JavaScript can be exact.
import type { Metric } from '../../protocol/index.ts'

export type Balance = Partial<Record<string, bigint>>

/** The sums in the text of a status, under `conservation`. */
export function balancesIn(text: string): Partial<Record<Metric, Balance>> {
  const [, sums = '{}'] = /"conservation":(\{(?:[^{}]|\{[^{}]*\})*\})/.exec(text) ?? []
  const quoted = JSON.parse(sums.replaceAll(/:(-?\d+)/g, ':"$1"')) as Record<string, Record<string, string>>
  const exact = ([name, digits]: [string, string]) => [name, BigInt(digits)]
  return Object.fromEntries(
    Object.entries(quoted).map(([metric, balance]) => [metric, Object.fromEntries(Object.entries(balance).map(exact))]),
  )
}
