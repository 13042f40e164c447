// Events as they happen, the newest on top: of the fleet, or of the router that is chosen.
import { useRef, useState } from 'preact/hooks'
import type { EventRow } from '../wire/wire.ts'
import { show, view } from './address.ts'
import { moment } from './format.ts'
import { events, eventsVersion } from './store.ts'
import { type EventKind, eventKinds, type View } from './view.ts'
import { VirtualList } from './virtual-list.tsx'

const names: Record<EventKind, string> = {
  ...{ all: 'all events', purchase: 'purchases', session: 'sessions', gate: 'drifts of gates' },
  ...{ agent: 'agents', lost: 'lost events' },
}
const rowHeight = 26

export function Events() {
  const scroller = useRef<HTMLDivElement>(null)
  const [held, setHeld] = useState<EventRow[]>()
  void eventsVersion.value
  const shown = held ?? foundOf(events, view.value)
  const { router, eventKind, eventSearch } = view.value
  const today = new Date()
  return (
    <div class="events">
      <div class="filter">
        <select
          aria-label="Which events"
          value={eventKind}
          onChange={({ currentTarget }) => show({ eventKind: currentTarget.value as EventKind })}
        >
          {eventKinds.map((kind) => (
            <option key={kind} value={kind}>
              {names[kind]}
            </option>
          ))}
        </select>
        <input
          type="search"
          placeholder="Device, purchase, word"
          aria-label="Search events"
          value={eventSearch}
          onInput={({ currentTarget }) => show({ eventSearch: currentTarget.value })}
        />
        <button type="button" aria-pressed={held !== undefined} onClick={() => setHeld(held ? undefined : shown)}>
          {held ? 'Held' : 'Hold'}
        </button>
        <span class="faint">{shown.length}</span>
      </div>
      <div class="scroll" ref={scroller} tabIndex={0} role="table" aria-label="Events" aria-rowcount={shown.length}>
        <VirtualList
          scroller={scroller}
          count={shown.length}
          height={rowHeight}
          row={(index, style) => {
            const event = shown[index]
            return event && <Line key={event.id} {...{ event, index, style, today }} isNamed={router === undefined} />
          }}
        />
        {shown.length === 0 && (
          <div class="none" role="row">
            <span role="cell">Nothing like that has happened.</span>
          </div>
        )}
      </div>
    </div>
  )
}

interface LineProps {
  event: EventRow
  index: number
  style: Record<string, string>
  today: Date
  isNamed: boolean
}

function Line({ event, index, style, today, isNamed }: LineProps) {
  const { routerId, purchaseId, at, tone, text } = event
  return (
    <div role="row" aria-rowindex={index + 1} class={`event ${tone}`} style={style}>
      <time role="cell" dateTime={at}>
        {moment(at, today)}
      </time>
      {isNamed && (
        <span role="cell" class="id">
          <button
            type="button"
            class="plain"
            onClick={() => show({ router: routerId, tab: 'devices', device: undefined })}
          >
            {routerId}
          </button>
        </span>
      )}
      <span role="cell" class="text" title={text}>
        {text}
      </span>
      <span role="cell">
        {purchaseId !== undefined && (
          <button
            type="button"
            class="plain"
            title={purchaseId}
            onClick={() => show({ router: routerId, story: purchaseId, tab: 'story' })}
          >
            Story
          </button>
        )}
      </span>
    </div>
  )
}

function foundOf(all: readonly EventRow[], { router, eventKind, eventSearch }: View): EventRow[] {
  const wanted = eventSearch.trim().toLowerCase()
  const found = all.filter(
    (event) =>
      (router === undefined || event.routerId === router) &&
      (eventKind === 'all' || event.type === eventKind || event.type.startsWith(`${eventKind}.`)) &&
      (wanted === '' || wordsOf(event).includes(wanted)),
  )
  return found.reverse()
}

function wordsOf({ text, type, mac = '', purchaseId = '', sessionId = '', routerId }: EventRow): string {
  return `${text} ${type} ${mac} ${purchaseId} ${sessionId} ${routerId}`.toLowerCase()
}
