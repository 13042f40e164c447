// Sales by day, router, metric, unit and source: what was sold before, and counted from the events what is sold since. Sums of money
// are exact.
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

export function createSalesBook(before: readonly SaleRow[] = []): SalesBook {
  const rows = new Map<string, SaleRow>()
  const money = new Map<string, Map<string, string>>()
  for (const row of before) {
    rows.set(keyOf(row), { ...row })
    addMoney(row.routerId, row.unit, row.amount)
  }

  function enter({ routerId, metric, allotment, paid }: EventOf<'purchase.accepted'>, day: string): void {
    const { unit, source, amount = 0, change = 0 } = paid ?? {}
    const key = keyOf({ day, routerId, metric, unit, source })
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
    addMoney(routerId, unit, amount)
  }

  function addMoney(routerId: string, unit: string | undefined, amount: number | string): void {
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

type Key = Pick<SaleRow, 'day' | 'routerId' | 'metric'> & { unit?: string | undefined; source?: string | undefined }

function keyOf({ day, routerId, metric, unit, source }: Key): string {
  return JSON.stringify([day, routerId, metric, unit, source])
}
