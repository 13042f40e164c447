// The latest of each kind of news, for readers that may be slow: what a reader has not read is replaced by what comes after it.
import { firstOf } from './signals.ts'

export function createLatest<News>(closed: AbortSignal) {
  const readers = new Set<Map<string, News>>()
  const wakes = new Set<() => void>()

  function changed(stopped: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        wakes.delete(wake)
        stopped.removeEventListener('abort', wake)
        resolve()
      }
      wakes.add(wake)
      stopped.addEventListener('abort', wake)
    })
  }

  return {
    /** `kind`: news of one kind replaces the one before it. */
    tell(kind: string, news: News): void {
      for (const unread of readers) unread.set(kind, news)
      for (const wake of wakes) wake()
    },
    /** Everything that is told from now on; `begin` is waited for first. Throws when the signal aborts. */
    async *read(begin: () => Promise<unknown>, signal?: AbortSignal): AsyncGenerator<News, void, void> {
      const unread = new Map<string, News>()
      readers.add(unread)
      const { signal: stopped, release } = firstOf(signal, closed)
      try {
        await begin()
        while (!stopped.aborted) {
          const [next] = unread
          if (next) {
            unread.delete(next[0])
            yield next[1]
          } else await changed(stopped)
        }
        signal?.throwIfAborted()
      } finally {
        readers.delete(unread)
        release()
      }
    },
  }
}
