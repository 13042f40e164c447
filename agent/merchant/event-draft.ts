// An event as decided, before the journal gives it its number and its labels.
import type { Event, EventOf } from '../../protocol/index.ts'

type Stamp = 'version' | 'routerId' | 'epoch' | 'seq' | 'at' | 'clockSynced'
export type DraftOf<T extends Event['type']> = Omit<EventOf<T>, Stamp>
export type Draft = { [T in Event['type']]: DraftOf<T> }[Event['type']]
