// The line: what the parts of one connection share.
import type { MqttClient } from 'mqtt'
import type { Clock } from '../time/clock.ts'
import type { Warnings } from './broker-warnings.ts'

export interface Line {
  client: MqttClient
  clock: Clock
  warnings: Warnings
  heard: Heard
  waits: Waits
  /** Aborts when the connection is over. */
  over: AbortSignal
  /** Ends the connection; the first cause is the one that is told. */
  drop(cause: Error): void
}

/** Pieces that have come in from the broker. */
export interface Heard {
  /** When the last piece came. */
  readonly at: number
  /** Whether a message that is too long is coming in and being dropped. */
  readonly isDropping: boolean
  piece(isOfALongOne: boolean): void
}

// Between two pieces of a long message on a slow link.
const droppingFor = 1000

export function createHeard(clock: Pick<Clock, 'monotonic'>): Heard {
  let at = clock.monotonic()
  let lastOfALongOne: number | undefined
  return {
    get at() {
      return at
    },
    get isDropping() {
      return lastOfALongOne !== undefined && clock.monotonic() - lastOfALongOne < droppingFor
    },
    piece(isOfALongOne) {
      at = clock.monotonic()
      if (isOfALongOne) lastOfALongOne = at
    },
  }
}

/** Waits for answers of the broker; each is over at the latest with the connection. */
export interface Waits {
  begin(): Waiting
  endAll(): void
}

export interface Waiting {
  signal: AbortSignal
  end(): void
}

export function createWaits(): Waits {
  const waits = new Set<AbortController>()
  return {
    begin() {
      const waiting = new AbortController()
      waits.add(waiting)
      return {
        signal: waiting.signal,
        end() {
          waits.delete(waiting)
          waiting.abort()
        },
      }
    },
    endAll() {
      for (const waiting of waits) waiting.abort()
    },
  }
}
