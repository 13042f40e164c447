// All that the server has told, kept up by its stream.
import { computed, signal } from '@preact/signals'
import { insertInTime } from '../wire/in-time.ts'
import {
  type EventRow,
  eventsKept,
  type FaultKind,
  type FaultRecord,
  type Frame,
  type RouterDetail,
  type RouterRow,
} from '../wire/wire.ts'
import { view } from './address.ts'
import { orderOf } from './order.ts'

/** `shut`: the server asks for its token. */
export type Connection = 'connecting' | 'live' | 'lost' | 'shut'

export const connection = signal<Connection>('connecting')
export const rows = new Map<string, RouterRow>()
export const events: EventRow[] = []
/** Rises with each frame that told something. */
export const version = signal(0)
export const eventsVersion = signal(0)
export const detail = signal<RouterDetail | undefined>(undefined)
export const faults = signal<readonly FaultRecord[]>([])
export const server = signal<{ stream: string; isReadOnly: boolean; kinds: readonly FaultKind[] }>({
  ...{ stream: '', isReadOnly: true, kinds: [] },
})

// The server's clock as this browser can tell it.
let ahead = 0
const second = signal(0)
setInterval(() => {
  second.value++
}, 1000)

/** Of the server's clock; who reads it is shown anew each second. */
export function serverNow(): number {
  void second.value
  return performance.now() + ahead
}

export function take(frame: Frame): void {
  ahead = frame.now - performance.now()
  if (frame.whole) {
    rows.clear()
    events.length = 0
    detail.value = undefined
    faults.value = []
    server.value = frame.whole
  }
  for (const row of frame.routers ?? []) rows.set(row.id, row)
  for (const event of frame.events ?? []) insertInTime(events, event, eventsKept)
  if (frame.faults) faults.value = frame.faults
  if (frame.detail) detail.value = frame.detail
  if (frame.events || frame.whole) eventsVersion.value++
  if (frame.routers || frame.whole) version.value++
}

// A small fleet is put in order with each frame; a large one each second, which nobody can read faster anyway.
const small = 500
const orderVersion = computed(() => {
  const { value } = version
  return rows.size <= small ? `${value} ${second.value}` : `${second.value} ${rows.size}`
})

export const order = computed(() => {
  void orderVersion.value
  return orderOf(rows.values(), view.value, performance.now() + ahead)
})
