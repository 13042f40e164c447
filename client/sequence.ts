// One router's events in order: decides what is delivered, what is a repetition, what is missing, and what is lost for good.
// Pure: the caller brings what came and asks for what is missing.
import type { Position } from './cursor.ts'

/** The fields that every event has. */
export interface Numbered {
  epoch: string
  seq: number
}

/** Events that nobody can have any more. `toSeq` is null where nobody knows how many they are: none, perhaps. */
export interface Lost {
  type: 'lost'
  routerId: string
  epoch: string
  fromSeq: number
  toSeq: number | null
  why: LostWhy
}

/**
 * `pruned`: older than the router keeps. `epoch`: the router's journal was damaged or begun anew. `damaged`: a hole in its
 * journal. `too-large`: the broker takes no event of that size.
 */
export type LostWhy = 'pruned' | 'epoch' | 'damaged' | 'too-large'

export interface Range {
  epoch: string
  fromSeq: number
  toSeq: number
}

export type Gone = { fromSeq: number; toSeq: number; why: LostWhy }

export interface Sequence<E extends Numbered> {
  readonly position: Position | undefined
  /** An event as it came, in whatever order; returns what can be delivered now. */
  take(event: E): (E | Lost)[]
  /** The answer to a replay of that range: what came, and what is gone for good. */
  takeReplay(range: Range, events: readonly E[], gone: readonly Gone[]): (E | Lost)[]
  /** A status or report tells of events up to that one; `starts`: everything up to it is history that is not wanted. */
  learn(newest: Position, starts?: boolean): void
  /** The numbers missing before an event that is here or was told of. */
  gap(): Range | undefined
  /** Whether an event is here that waits for earlier ones: they were overtaken or dropped, and are not just on their way. */
  readonly isHolding: boolean
}

// The most events that wait for earlier ones; those beyond come with a replay.
const mostHeld = 128

/** `from`: the last event that was delivered; without it from the first one on, or from now on where `startsNow`. */
export function createSequence<E extends Numbered>(
  routerId: string,
  from: Position | undefined,
  startsNow = false,
): Sequence<E> {
  let position = from
  /** The last event of the position's epoch that is known to be there. */
  let reached = from?.seq ?? 0
  /** A status or report tells of another epoch; nothing of it is here yet. */
  let later: Position | undefined
  const held = new Map<number, E>()
  const past = new Set<string>()

  function begin(epoch: string, before: number): Position {
    reached = before
    later = undefined
    position = { epoch, seq: before }
    return position
  }

  function take(event: E): (E | Lost)[] {
    const { epoch, seq } = position ?? begin(event.epoch, startsNow ? event.seq - 1 : 0)
    if (past.has(event.epoch)) return []
    // An event alone may be what an older journal left over: which one is the newer, a status or report says.
    if (event.epoch !== epoch && event.epoch !== later?.epoch) return []
    const ending = event.epoch === epoch ? [] : change(event.epoch)
    reached = Math.max(reached, event.seq)
    const next = event.epoch === epoch ? seq + 1 : 1
    if (event.seq === next || (event.seq > next && held.size < mostHeld)) held.set(event.seq, event)
    return [...ending, ...deliver()]
  }

  /** The router has begun another journal, so nothing more of the old one can come. */
  function change(epoch: string): (E | Lost)[] {
    const old = position ?? begin(epoch, 0)
    const rest = restOf([...held.values()], old, reached, routerId)
    past.add(old.epoch)
    held.clear()
    const told = later?.seq ?? 0
    begin(epoch, 0)
    reached = told
    return rest
  }

  function deliver(): E[] {
    const ready: E[] = []
    while (position) {
      const next: E | undefined = held.get(position.seq + 1)
      if (!next) break
      held.delete(next.seq)
      position = { epoch: position.epoch, seq: next.seq }
      ready.push(next)
    }
    return ready
  }

  function takeReplay(range: Range, events: readonly E[], gone: readonly Gone[]): (E | Lost)[] {
    const { epoch, toSeq: last } = range
    const now = position
    if (!now || (epoch !== now.epoch && epoch !== later?.epoch) || events.length + gone.length === 0) return []
    const ready = epoch === now.epoch ? [] : change(epoch)
    for (const event of events) if (event.seq > (position?.seq ?? 0)) held.set(event.seq, event)
    ready.push(...deliver())
    for (const { fromSeq, toSeq, why } of [...gone].sort((a, b) => a.fromSeq - b.fromSeq)) {
      const first = (position?.seq ?? 0) + 1
      // Events beyond the range may be here already.
      const to = Math.min(toSeq, last)
      // Behind something that is missing still: the next replay names it again.
      if (fromSeq > first || to < first) continue
      ready.push({ type: 'lost', routerId, epoch, fromSeq: first, toSeq: to, why })
      position = { epoch, seq: to }
      ready.push(...deliver())
    }
    return ready
  }

  function learn({ epoch, seq }: Position, starts = false): void {
    if (past.has(epoch) || (!position && startsNow && !starts)) return
    const now = position ?? begin(epoch, starts ? seq : 0)
    if (epoch === now.epoch) [reached, later] = [Math.max(reached, seq), undefined]
    else later = { epoch, seq: later?.epoch === epoch ? Math.max(seq, later.seq) : seq }
  }

  return {
    take,
    takeReplay,
    learn,
    gap: () => position && gapAfter(position, held, reached, later),
    get position() {
      return position
    },
    get isHolding() {
      return held.size > 0
    },
  }
}

/** All that can be had of a journal that has ended: the events that are here, in order, and word of the missing ones. */
function restOf<E extends Numbered>(
  here: E[],
  { epoch, seq }: Position,
  reached: number,
  routerId: string,
): (E | Lost)[] {
  const rest: (E | Lost)[] = []
  let last = seq
  const lost = (toSeq: number | null): Lost => ({
    type: 'lost',
    routerId,
    epoch,
    fromSeq: last + 1,
    toSeq,
    why: 'epoch',
  })
  for (const event of here.sort((a, b) => a.seq - b.seq)) {
    if (event.seq > last + 1) rest.push(lost(event.seq - 1))
    rest.push(event)
    last = event.seq
  }
  // Of a journal that never held anything nothing is lost.
  if (reached > 0) rest.push(lost(reached > last ? reached : null))
  return rest
}

function gapAfter(
  { epoch, seq }: Position,
  held: ReadonlyMap<number, Numbered>,
  reached: number,
  later: Position | undefined,
): Range | undefined {
  if (later) return later.seq > 0 ? { epoch: later.epoch, fromSeq: 1, toSeq: later.seq } : undefined
  const last = held.size > 0 ? Math.min(...held.keys()) - 1 : reached
  return last > seq ? { epoch, fromSeq: seq + 1, toSeq: last } : undefined
}
