// Sales by day or by router, of the fleet or of the router that is chosen.
import { useEffect, useState } from 'preact/hooks'
import type { SaleRow } from '../wire/wire.ts'
import { show, view } from './address.ts'
import { type Answer, get } from './api.ts'
import { amounts, count, grouped } from './format.ts'
import { sumsOf } from './sums.ts'

const interval = 3000

export function Sales() {
  const [answer, setAnswer] = useState<Answer<{ sales: SaleRow[] }>>()
  useEffect(() => {
    const ask = () => void get<{ sales: SaleRow[] }>('sales').then(setAnswer)
    ask()
    const asking = setInterval(ask, interval)
    return () => clearInterval(asking)
  }, [])
  if (!answer) return <p class="none">Asking …</p>
  if ('problem' in answer) return <p class="warning">{answer.problem}</p>
  const { router, salesBy } = view.value
  const mine = answer.body.sales.filter((row) => router === undefined || row.routerId === router)
  const sums = sumsOf(mine, salesBy)
  return (
    <>
      <div class="filter">
        <div class="chips" role="group" aria-label="Summed up by">
          {(['day', 'router'] as const).map((by) => (
            <button key={by} type="button" aria-pressed={salesBy === by} onClick={() => show({ salesBy: by })}>
              by {by}
            </button>
          ))}
        </div>
        <span class="room" />
        <a class="quiet button" href="./sales.csv" download>
          CSV
        </a>
      </div>
      <table class="sales">
        <thead>
          <tr>
            <th scope="col">{salesBy === 'day' ? 'Day (UTC)' : 'Router'}</th>
            <th scope="col">Unit</th>
            <th scope="col" class="number">
              Purchases
            </th>
            <th scope="col" class="number">
              Sold
            </th>
            <th scope="col" class="number">
              Money
            </th>
            <th scope="col" class="number">
              Change
            </th>
          </tr>
        </thead>
        <tbody>
          {sums.map((sum) => (
            <tr key={`${sum.name} ${sum.unit}`}>
              <th scope="row">{sum.name}</th>
              <td>{sum.unit ?? 'granted'}</td>
              <td class="number">{count(sum.purchases)}</td>
              <td class="number">{amounts(sum)}</td>
              <td class="number">{sum.unit === undefined ? '–' : grouped(sum.amount)}</td>
              <td class="number">{sum.unit === undefined ? '–' : grouped(sum.change)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sums.length === 0 && <p class="none">Nothing was sold in the events that were seen.</p>}
    </>
  )
}
