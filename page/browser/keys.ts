// The keys, each with what it does. Nothing of it happens while somebody writes.

import { show, view } from './address.ts'
import { isAskedFor } from './dialogs.ts'
import { select, toggled } from './router-table.tsx'
import { order, server } from './store.ts'
import { nextTheme } from './theme.ts'
import { states } from './view.ts'

export interface Key {
  shown: string
  about: string
  /** By `KeyboardEvent.key`. */
  keys: readonly string[]
  press(key: string): void
}

const page = 20

export const keys: readonly Key[] = [
  { shown: 'j  ↓', about: 'the next router', keys: ['j', 'ArrowDown'], press: () => step(1) },
  { shown: 'k  ↑', about: 'the one before', keys: ['k', 'ArrowUp'], press: () => step(-1) },
  {
    shown: 'PgDn PgUp',
    about: 'twenty on or back',
    keys: ['PageDown', 'PageUp'],
    press: (key) => step(key === 'PageDown' ? page : -page),
  },
  {
    shown: 'Home End',
    about: 'the first, the last',
    keys: ['Home', 'End'],
    press: (key) => step(key === 'Home' ? -1e9 : 1e9),
  },
  { shown: '/', about: 'search', keys: ['/'], press: () => document.getElementById('search')?.focus() },
  { shown: '1 … 5', about: 'only routers in that state', keys: ['1', '2', '3', '4', '5'], press: filter },
  { shown: '0', about: 'all routers', keys: ['0'], press: () => show({ states: [], search: '' }) },
  { shown: 'd e s', about: 'devices, events, sales', keys: ['d', 'e', 's'], press: openTab },
  { shown: 'b', about: 'buy at the router that is chosen', keys: ['b'], press: buy },
  { shown: 't', about: 'light, dark or as the system', keys: ['t'], press: nextTheme },
  { shown: 'Esc', about: 'back to the fleet', keys: ['Escape'], press: back },
  { shown: '?', about: 'this list', keys: ['?'], press: () => (isAskedFor.value = { kind: 'help' }) },
]

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isAskedFor.value) return
    const isWriting = event.target instanceof Element && event.target.closest('input, select, textarea')
    if (isWriting) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur()
      return
    }
    // Keys that scroll the panel go on doing so.
    const isInPanel = event.target instanceof Element && event.target.closest('.panel')
    const isMovement = /^(Arrow|Page|Home|End)/.test(event.key)
    const key = isInPanel && isMovement ? undefined : keys.find((one) => one.keys.includes(event.key))
    if (!key) return
    event.preventDefault()
    key.press(event.key)
  })
}

function step(by: number): void {
  const { ids } = order.value
  const { router } = view.value
  const at = router === undefined ? -1 : ids.indexOf(router)
  const next = ids[Math.max(0, Math.min(ids.length - 1, at === -1 && by > 0 ? by - 1 : at + by))]
  if (next !== undefined && next !== router) select(next)
}

function filter(key: string): void {
  const state = states[Number(key) - 1]
  if (state) show({ states: toggled(view.value.states, state) })
}

function openTab(key: string): void {
  show({ tab: key === 'd' ? 'devices' : key === 'e' ? 'events' : 'sales' })
}

function buy(): void {
  const { router } = view.value
  if (router !== undefined && !server.value.isReadOnly) isAskedFor.value = { kind: 'buy', router }
}

function back(): void {
  if (view.value.router !== undefined) select(undefined)
}
