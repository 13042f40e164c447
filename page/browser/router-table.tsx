// The table of routers: one line each, with the filter by state above it.
import { useRef } from 'preact/hooks'
import type { RouterRow } from '../wire/wire.ts'
import { show, view } from './address.ts'
import { amounts, count, duration, money, rate } from './format.ts'
import { stateOf } from './order.ts'
import { order, rows, serverNow, version } from './store.ts'
import { type Column, type State, states } from './view.ts'
import { VirtualList } from './virtual-list.tsx'

const titles: Record<Column, string> = {
  ...{ state: 'State', id: 'Router', heard: 'Heard', sessions: 'Sessions', rate: 'Traffic' },
  ...{ sold: 'Sold', money: 'Money', notice: 'Notice' },
}
const rowHeight = 30
const headHeight = 31

export function RouterTable() {
  const scroller = useRef<HTMLDivElement>(null)
  void version.value
  const now = serverNow()
  const { ids } = order.value
  const { router } = view.value
  const selected = router === undefined ? -1 : ids.indexOf(router)
  return (
    <section class="routers" aria-label="Routers">
      <Filter />
      <div
        class="grid"
        id="routers"
        role="grid"
        aria-label="Routers"
        aria-rowcount={ids.length + 1}
        aria-activedescendant={selected >= 0 ? `router-${router}` : undefined}
        tabIndex={0}
        ref={scroller}
      >
        <Head />
        <VirtualList
          scroller={scroller}
          count={ids.length}
          height={rowHeight}
          head={headHeight}
          selected={selected}
          row={(index, style) => {
            const row = rows.get(ids[index] ?? '')
            return row && <Line key={row.id} {...{ row, index, style, now }} isSelected={row.id === router} />
          }}
        />
        {ids.length === 0 && (
          <p class="none">{rows.size === 0 ? 'No router has told anything yet.' : 'No router is like that.'}</p>
        )}
      </div>
    </section>
  )
}

function Filter() {
  const { counts } = order.value
  const { states: wanted, search } = view.value
  const all = states.reduce((sum, state) => sum + counts[state], 0)
  return (
    <div class="filter">
      <input
        id="search"
        type="search"
        placeholder="Search id, portal, warning  ( / )"
        aria-label="Search routers"
        value={search}
        onInput={({ currentTarget }) => show({ search: currentTarget.value })}
      />
      <div class="chips" role="group" aria-label="Only routers that are">
        <button type="button" aria-pressed={wanted.length === 0} onClick={() => show({ states: [] })}>
          all <b>{count(all)}</b>
        </button>
        {states
          .filter((state) => state !== 'unknown' || counts.unknown > 0 || wanted.includes('unknown'))
          .map((state) => (
            <button
              key={state}
              type="button"
              class={state}
              aria-pressed={wanted.includes(state)}
              onClick={() => show({ states: toggled(wanted, state) })}
            >
              {state} <b>{count(counts[state])}</b>
            </button>
          ))}
      </div>
      <a class="quiet button" href="./routers.csv" download>
        CSV
      </a>
    </div>
  )
}

export function toggled(wanted: readonly State[], state: State): State[] {
  return wanted.includes(state) ? wanted.filter((one) => one !== state) : [...wanted, state]
}

function Head() {
  const { sort, isDescending } = view.value
  return (
    <div class="head" role="rowgroup">
      <div role="row" aria-rowindex={1} class="line">
        {(Object.keys(titles) as Column[]).map((column) => (
          <div
            key={column}
            role="columnheader"
            class={column}
            aria-sort={column !== sort ? 'none' : isDescending ? 'descending' : 'ascending'}
          >
            <button type="button" onClick={() => sortBy(column)}>
              {titles[column]}
              <span aria-hidden="true">{column !== sort ? '' : isDescending ? ' ▾' : ' ▴'}</span>
            </button>
          </div>
        ))}
      </div>
    </div>
  )
}

// The first click shows what people look for: the most, but names from A on.
function sortBy(column: Column): void {
  const { sort, isDescending } = view.value
  const first = !['state', 'id', 'heard'].includes(column)
  show({ sort: column, isDescending: column === sort ? !isDescending : first })
}

interface LineProps {
  row: RouterRow
  index: number
  style: Record<string, string>
  now: number
  isSelected: boolean
}

function Line({ row, index, style, now, isSelected }: LineProps) {
  const state = stateOf(row, now)
  const isHere = state === 'online' || state === 'degraded'
  const ago = Math.max(0, now - row.heardAt)
  return (
    <div
      id={`router-${row.id}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      class={`line row ${state}`}
      style={style}
      onClick={() => select(row.id)}
    >
      <div role="gridcell" class={`state is-${state}`}>
        {state}
      </div>
      <div role="gridcell" class="id">
        {row.id}
      </div>
      <div role="gridcell" class="heard">
        {ago < 10_000 && state !== 'silent' ? 'now' : duration(ago)}
      </div>
      <div role="gridcell" class="sessions">
        {row.open}
        {row.waiting + row.paused > 0 && <i title="waiting or paused"> +{row.waiting + row.paused}</i>}
      </div>
      <div role="gridcell" class="rate">
        {isHere ? rate(row.bytesPerSecond) : '–'}
      </div>
      <div role="gridcell" class="sold">
        {amounts(row.sold)}
      </div>
      <div role="gridcell" class="money">
        {money(row.money)}
      </div>
      <div role="gridcell" class="notice" title={row.warnings.join('\n')}>
        {noticeOf(row)}
      </div>
    </div>
  )
}

function noticeOf({ warnings, difference, portal }: RouterRow): string {
  if (difference.bytes !== 0 || difference.milliseconds !== 0) return 'its books do not add up'
  const [first] = warnings
  if (first === undefined) return portal
  return warnings.length > 1 ? `${first} (+${warnings.length - 1})` : first
}

/** Shows one router; selecting it once more shows the fleet again. */
export function select(id: string | undefined): void {
  const isSame = id === view.value.router
  show({ router: isSame ? undefined : id, device: undefined, story: undefined, tab: tabFor(isSame ? undefined : id) })
}

function tabFor(id: string | undefined) {
  const { tab } = view.value
  if (id === undefined) return tab === 'sales' ? 'sales' : 'events'
  return tab === 'story' ? 'devices' : tab
}
