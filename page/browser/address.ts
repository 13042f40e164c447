// The view that is shown, kept in the address of the page.
import { signal } from '@preact/signals'
import { queryOf, type View, viewOf } from './view.ts'

export const view = signal<View>(viewOf(location.search))

/** Another router or tab is a step that the back button takes back; a filter is not. */
export function show(change: Partial<View>): void {
  const next = { ...view.value, ...change }
  const isStep = next.router !== view.value.router || next.tab !== view.value.tab || next.story !== view.value.story
  view.value = next
  const address = `${location.pathname}${queryOf(next)}`
  if (isStep) history.pushState(null, '', address)
  else history.replaceState(null, '', address)
}

addEventListener('popstate', () => {
  view.value = viewOf(location.search)
})
