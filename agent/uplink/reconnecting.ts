// Reconnecting: every address of the broker in turn, again and again, more slowly each time, and never the whole fleet at once.
import type { Clock } from '../time/clock.ts'
import { type Place, placesOf } from './places.ts'

// Between two tries: doubling from the first to the longest.
const firstPause = 500
const longestPause = 15_000
// Between two addresses of one broker.
const nextPlacePause = 100
// A connection that lasted this long resets the back-off.
const goodConnection = 10_000

interface Parts {
  urls: readonly string[]
  clock: Clock
  /** Resolves when the connection is over or could not be made. */
  connect: (place: Place) => Promise<void>
  /** The least pause at present, in milliseconds. */
  leastPause: () => number
  closing: AbortSignal
}

/** Resolves once `closing` is aborted and the last connection is over. */
export async function keepConnected({ urls, clock, connect, leastPause, closing }: Parts): Promise<void> {
  let pause = firstPause
  while (!closing.aborted) {
    for (const place of await placesOf(urls)) {
      if (closing.aborted) return
      const from = clock.monotonic()
      await connect(place)
      if (clock.monotonic() - from >= goodConnection) {
        pause = firstPause
        break
      }
      await clock.sleep(nextPlacePause, closing)
    }
    await clock.sleep(Math.max(pause, leastPause()) * (0.5 + Math.random() / 2), closing)
    pause = Math.min(pause * 2, longestPause)
  }
}
