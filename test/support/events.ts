// Picks the events of one type out of many messages.
import type { Event, EventOf } from '../../protocol/index.ts'

export function eventsOf<T extends Event['type']>(messages: readonly { type: string }[], type: T): EventOf<T>[] {
  return messages.filter((message) => message.type === type) as EventOf<T>[]
}

/** Each event once, however often it was published. */
export function distinct<T extends { seq?: number | undefined }>(events: readonly T[]): T[] {
  return [...new Map(events.map((event) => [event.seq, event])).values()]
}
