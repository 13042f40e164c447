// The send window: everything that goes out, events first, and never more under way than the broker takes.
import type { Clock } from '../time/clock.ts'
import { NotTaken } from './not-taken.ts'

/** Kinds of messages, the most urgent first. */
export const urgencies = ['event', 'status', 'answer', 'reply', 'report', 'replay'] as const
export type Urgency = (typeof urgencies)[number]

export interface SendWindow {
  /**
   * Waits for its turn, sends, and resolves when the broker has it. Rejects with what `send` rejects with, or with
   * {@link NotTaken} when the connection ends before.
   */
  pass(urgency: Urgency, bytes: number, send: () => Promise<void>): Promise<void>
  /** The connection is over: whatever waits or is under way fails. */
  close(cause: NotTaken): void
  /** The largest message under way; 0 when there is none. */
  readonly largestUnderWay: number
  readonly bytesUnderWay: number
  /** Whether acknowledgements come slowly: what follows is then better small. Until one has come nobody knows. */
  readonly isSlow: boolean
  /** Whether a message larger than a small part has been acknowledged. */
  readonly hasTakenLarge: boolean
}

// In flight at most, however many the broker would take: Mosquitto takes 20 from one client.
const mostAtOnce = 8
// Messages of one kind that may wait: memory is bounded.
const mostWaiting = 1000
/** Small enough for every broker, and for a link that takes a second for each kilobyte. */
export const smallPart = 8 * 1024
const slowMilliseconds = 2000
const shortMilliseconds = 500
const slowBytesPerMillisecond = 16

interface Waiting {
  start: () => void
  fail: (cause: NotTaken) => void
}

export function createSendWindow(receiveMaximum: number, clock: Pick<Clock, 'monotonic'>): SendWindow {
  const size = Math.max(1, Math.min(mostAtOnce, receiveMaximum))
  const waiting = Object.fromEntries(urgencies.map((urgency) => [urgency, []])) as unknown as Record<Urgency, Waiting[]>
  const underWay = new Map<object, { bytes: number; fail: (cause: NotTaken) => void }>()
  let closed: NotTaken | undefined
  let isSlow = true
  let hasTakenLarge = false

  function startNext(): void {
    while (underWay.size < size) {
      const urgency = urgencies.find((candidate) => waiting[candidate].length > 0)
      if (!urgency) return
      waiting[urgency].shift()?.start()
    }
  }

  function answered(bytes: number, milliseconds: number): void {
    const isShort = milliseconds <= shortMilliseconds
    isSlow = milliseconds > slowMilliseconds || (!isShort && bytes / milliseconds < slowBytesPerMillisecond)
    if (bytes > smallPart) hasTakenLarge = true
  }

  function pass(urgency: Urgency, bytes: number, send: () => Promise<void>): Promise<void> {
    if (closed) return Promise.reject(closed)
    if (waiting[urgency].length >= mostWaiting) {
      return Promise.reject(new NotTaken('overrun', `${mostWaiting} messages of this kind wait for the broker already`))
    }
    return new Promise<void>((resolve, fail) => {
      const start = () => {
        const key = {}
        const from = clock.monotonic()
        underWay.set(key, { bytes, fail })
        send()
          .then(() => answered(bytes, clock.monotonic() - from))
          .then(resolve, fail)
          .finally(() => {
            underWay.delete(key)
            startNext()
          })
      }
      waiting[urgency].push({ start, fail })
      startNext()
    })
  }

  return {
    pass,
    close(cause) {
      closed = cause
      const lost = [...underWay.values(), ...Object.values(waiting).flat()]
      for (const queue of Object.values(waiting)) queue.length = 0
      underWay.clear()
      for (const { fail } of lost) fail(cause)
    },
    get largestUnderWay() {
      return Math.max(0, ...[...underWay.values()].map(({ bytes }) => bytes))
    },
    get bytesUnderWay() {
      return [...underWay.values()].reduce((sum, { bytes }) => sum + bytes, 0)
    },
    get isSlow() {
      return isSlow
    },
    get hasTakenLarge() {
      return hasTakenLarge
    },
  }
}
