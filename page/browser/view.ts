// The view of the page as its address: filter, search, order, selection. Somebody else who opens the address sees the same.
export const states = ['online', 'degraded', 'silent', 'offline', 'unknown'] as const
export type State = (typeof states)[number]

export const columns = ['state', 'id', 'heard', 'sessions', 'rate', 'sold', 'money', 'notice'] as const
export type Column = (typeof columns)[number]

export const tabs = ['devices', 'events', 'sales', 'status', 'faults', 'story'] as const
export type Tab = (typeof tabs)[number]

export const eventKinds = ['all', 'purchase', 'session', 'gate', 'agent', 'lost'] as const
export type EventKind = (typeof eventKinds)[number]

export interface View {
  /** Only routers in one of these; all where there is none. */
  states: readonly State[]
  search: string
  sort: Column
  isDescending: boolean
  router: string | undefined
  tab: Tab
  /** The session of the device that is looked at. */
  device: string | undefined
  /** The purchase whose story is told. */
  story: string | undefined
  eventKind: EventKind
  eventSearch: string
  salesBy: 'day' | 'router'
}

export const initialView: View = {
  ...{ states: [], search: '', sort: 'id', isDescending: false },
  ...{ router: undefined, tab: 'devices', device: undefined, story: undefined },
  ...{ eventKind: 'all', eventSearch: '', salesBy: 'day' },
}

export function viewOf(query: string): View {
  const asked = new URLSearchParams(query)
  const sort = asked.get('sort') ?? ''
  const text = (name: string) => asked.get(name) || undefined
  return {
    states: (asked.get('state') ?? '').split(',').filter((one): one is State => isOneOf(states, one)),
    search: asked.get('q') ?? '',
    sort: oneOf(columns, sort.replace(/^-/, '')) ?? initialView.sort,
    isDescending: sort.startsWith('-'),
    router: text('router'),
    tab: oneOf(tabs, asked.get('tab')) ?? initialView.tab,
    device: text('device'),
    story: text('story'),
    eventKind: oneOf(eventKinds, asked.get('events')) ?? 'all',
    eventSearch: asked.get('eq') ?? '',
    salesBy: asked.get('by') === 'router' ? 'router' : 'day',
  }
}

/** Only what differs from the beginning, so that addresses stay short. */
export function queryOf(view: View): string {
  const sort = `${view.isDescending ? '-' : ''}${view.sort}`
  const parts: [string, string | undefined][] = [
    ['state', view.states.join(',')],
    ['q', view.search],
    ['sort', sort === initialView.sort ? '' : sort],
    ['router', view.router],
    ['tab', view.tab === initialView.tab ? '' : view.tab],
    ['device', view.device],
    ['story', view.story],
    ['events', view.eventKind === 'all' ? '' : view.eventKind],
    ['eq', view.eventSearch],
    ['by', view.salesBy === 'day' ? '' : view.salesBy],
  ]
  const given = parts.filter((part): part is [string, string] => Boolean(part[1]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

function isOneOf<T extends string>(all: readonly T[], text: string): text is T {
  return (all as readonly string[]).includes(text)
}

function oneOf<T extends string>(all: readonly T[], text: string | null): T | undefined {
  return all.find((one) => one === text)
}
