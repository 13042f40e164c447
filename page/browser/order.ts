// Which routers are shown, in which order, and how many are in each state: decided from values.
import type { RouterRow } from '../wire/wire.ts'
import type { Column, State, View } from './view.ts'

/** `now`: of the server's clock. Silence is a deadline, whatever a router's last word was. */
export function stateOf({ state, heardAt, silentAfter }: RouterRow, now: number): State {
  return state !== 'offline' && now - heardAt > silentAfter ? 'silent' : state
}

export interface Order {
  /** In the order of the table. */
  ids: string[]
  /** Of all routers that the search finds. */
  counts: Record<State, number>
}

type Asked = Pick<View, 'states' | 'search' | 'sort' | 'isDescending'>

export function orderOf(rows: Iterable<RouterRow>, { states, search, sort, isDescending }: Asked, now: number): Order {
  const counts: Record<State, number> = { online: 0, degraded: 0, silent: 0, offline: 0, unknown: 0 }
  const wanted = search.trim().toLowerCase()
  const found: { id: string; key: string; value: number }[] = []
  for (const row of rows) {
    if (wanted !== '' && !isFound(row, wanted)) continue
    const state = stateOf(row, now)
    counts[state]++
    if (states.length > 0 && !states.includes(state)) continue
    found.push({ id: row.id, key: keyOf(row.id), value: placeOf(row, state, sort, now) })
  }
  const sign = isDescending ? -1 : 1
  found.sort((a, b) => sign * (a.value - b.value) || (sort === 'id' ? sign : 1) * compare(a.key, b.key))
  return { ids: found.map(({ id }) => id), counts }
}

function isFound({ id, portal, warnings }: RouterRow, wanted: string): boolean {
  return (
    id.toLowerCase().includes(wanted) ||
    portal.toLowerCase().includes(wanted) ||
    warnings.some((warning) => warning.toLowerCase().includes(wanted))
  )
}

// The unwell first.
const severity: Record<State, number> = { silent: 0, degraded: 1, unknown: 2, offline: 3, online: 4 }

function placeOf(row: RouterRow, state: State, sort: Column, now: number): number {
  switch (sort) {
    case 'state':
      return severity[state]
    case 'heard':
      return now - row.heardAt
    case 'sessions':
      return row.open + row.waiting + row.paused
    case 'rate':
      return state === 'online' || state === 'degraded' ? row.bytesPerSecond : 0
    case 'sold':
      return row.sold.bytes + row.sold.milliseconds
    case 'money':
      return Number(row.money[0]?.sum ?? 0)
    case 'notice':
      return row.warnings.length
    case 'id':
      return 0
  }
}

const keys = new Map<string, string>()

/** r10 after r9. */
function keyOf(id: string): string {
  const known = keys.get(id) ?? id.replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'))
  keys.set(id, known)
  return known
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
