// Sales added up by day or by router, exact.

import { plus } from '../../metrics/decimal.ts'
import type { SaleRow } from '../wire/wire.ts'

export interface Sum {
  name: string
  unit?: string
  purchases: number
  bytes: number
  milliseconds: number
  amount: string
  change: string
}

export function sumsOf(rows: readonly SaleRow[], by: 'day' | 'router'): Sum[] {
  const sums = new Map<string, Sum>()
  for (const { day, routerId, unit, metric, allotment, purchases, amount, change } of rows) {
    const name = by === 'day' ? day : routerId
    const key = JSON.stringify([name, unit])
    const sum = sums.get(key) ?? {
      ...{ name, purchases: 0, bytes: 0, milliseconds: 0, amount: '0', change: '0' },
      ...(unit !== undefined && { unit }),
    }
    sum.purchases += purchases
    sum[metric] += allotment
    sum.amount = plus(sum.amount, amount)
    sum.change = plus(sum.change, change)
    sums.set(key, sum)
  }
  const named = [...sums.values()]
  const sign = by === 'day' ? -1 : 1
  return named.sort((a, b) => sign * a.name.localeCompare(b.name, 'en', { numeric: true }))
}
