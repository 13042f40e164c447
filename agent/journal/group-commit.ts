// Group commit: one writer at a time, and one sync for all that waits when its turn comes.
export interface GroupCommit<T> {
  /** Begins that work when everything before it is done. */
  inOrder<R>(work: () => Promise<R>): Promise<R>
  /** Resolves when it is written, together with whatever waited beside it; rejects when the write failed. */
  commit(item: T): Promise<void>
}

interface Pending<T> {
  item: T
  done: () => void
  failed: (cause: unknown) => void
}

export function createGroupCommit<T>(write: (group: T[]) => Promise<void>): GroupCommit<T> {
  let pending: Pending<T>[] = []
  let queue: Promise<unknown> = Promise.resolve()

  function inOrder<R>(work: () => Promise<R>): Promise<R> {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }

  async function writePending(): Promise<void> {
    const group = pending
    pending = []
    if (group.length === 0) return
    try {
      await write(group.map(({ item }) => item))
      for (const { done } of group) done()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    }
  }

  return {
    inOrder,
    commit: (item) =>
      new Promise((done, failed) => {
        pending.push({ item, done, failed })
        inOrder(writePending)
      }),
  }
}
