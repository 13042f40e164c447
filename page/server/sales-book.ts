// Sales by day, router, metric, unit and source, counted from the events: sums of money exact.
import { plus } from '../../metrics/decimal.ts'
import type { EventOf } from '../../protocol/index.ts'
import type { Money, SaleRow } from '../wire/wire.ts'

export interface SalesBook {
  /** `day`: of the router's clock where that is to be trusted. */
  enter(event: EventOf<'purchase.accepted'>, day: string): void
  /** The newest day first. */
  rows(): SaleRow[]
  moneyOf(routerId: string): Money[]
}

export function createSalesBook(): SalesBook {
  const rows = new Map<string, SaleRow>()
  const money = new Map<string, Map<string, string>>()

  function enter({ routerId, metric, allotment, paid }: EventOf<'purchase.accepted'>, day: string): void {
    const { unit, source, amount = 0, change = 0 } = paid ?? {}
    const key = JSON.stringify([day, routerId, metric, unit, source])
    const row = rows.get(key) ?? {
      ...{ day, routerId, metric },
      ...(unit !== undefined && { unit }),
      ...(source !== undefined && { source }),
      ...{ purchases: 0, allotment: 0, amount: '0', change: '0' },
    }
    row.purchases++
    row.allotment += allotment
    row.amount = plus(row.amount, amount)
    row.change = plus(row.change, change)
    rows.set(key, row)
    if (unit === undefined) return
    const sums = money.get(routerId) ?? new Map<string, string>()
    money.set(routerId, sums.set(unit, plus(sums.get(unit) ?? '0', amount)))
  }

  return {
    enter,
    rows: () =>
      [...rows.values()].sort(
        (a, b) => b.day.localeCompare(a.day) || a.routerId.localeCompare(b.routerId, 'en', { numeric: true }),
      ),
    moneyOf: (routerId) => [...(money.get(routerId) ?? [])].map(([unit, sum]) => ({ unit, sum })),
  }
}
