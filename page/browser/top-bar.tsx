// The top of the page: the fleet in one line, whether it is live, and how the page looks.
import { useComputed } from '@preact/signals'
import { isAskedFor } from './dialogs.ts'
import { bytes, count, duration, money, rate } from './format.ts'
import { stateOf } from './order.ts'
import { connection, rows, server, serverNow, version } from './store.ts'
import { nextTheme, theme } from './theme.ts'

export function TopBar() {
  const sums = useComputed(() => {
    void version.value
    return sumsOf(serverNow())
  })
  const { routers, sessions, bytesPerSecond, sold, time, paid, isOff } = sums.value
  return (
    <header class="top">
      <h1>
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" />
          <path d="M8 24V12m16 12V12M8 15l16-4" />
        </svg>
        tollgate-fleet
      </h1>
      <dl class="sums">
        <Sum name="routers" value={count(routers)} />
        <Sum name="sessions" value={count(sessions)} />
        <Sum name="traffic" value={rate(bytesPerSecond)} />
        <Sum
          name="sold"
          value={[sold > 0 && bytes(sold), time > 0 && duration(time)].filter(Boolean).join(' + ') || '–'}
        />
        <Sum name="money" value={money(paid)} />
        {isOff && <Sum name="books" value="do not add up" isBad />}
      </dl>
      <span class={`live ${connection.value}`} role="status">
        {connection.value === 'live' ? 'live' : connection.value === 'lost' ? 'no server, trying again' : 'connecting'}
      </span>
      {server.value.isReadOnly && connection.value === 'live' && <span class="tag">read only</span>}
      <button type="button" class="quiet" onClick={nextTheme} title="Light, dark or as the system (t)">
        {theme.value === 'auto' ? 'auto' : theme.value}
      </button>
      <button type="button" class="quiet" onClick={() => (isAskedFor.value = { kind: 'help' })} title="Keys (?)">
        ?
      </button>
    </header>
  )
}

function Sum({ name, value, isBad = false }: { name: string; value: string; isBad?: boolean }) {
  return (
    <div class={isBad ? 'bad' : ''}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function sumsOf(now: number) {
  const sums = { routers: rows.size, sessions: 0, bytesPerSecond: 0, sold: 0, time: 0, isOff: false }
  const paid = new Map<string, number>()
  for (const row of rows.values()) {
    const state = stateOf(row, now)
    sums.sessions += row.open + row.waiting + row.paused
    if (state === 'online' || state === 'degraded') sums.bytesPerSecond += row.bytesPerSecond
    sums.sold += row.sold.bytes
    sums.time += row.sold.milliseconds
    if (row.difference.bytes !== 0 || row.difference.milliseconds !== 0) sums.isOff = true
    for (const { unit, sum } of row.money) paid.set(unit, (paid.get(unit) ?? 0) + Number(sum))
  }
  // A glance; the sales have the exact sums.
  return { ...sums, paid: [...paid].map(([unit, sum]) => ({ unit, sum: String(Math.round(sum * 100) / 100) })) }
}
