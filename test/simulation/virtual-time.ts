// Virtual time: a queue of what happens next; between two entries everything that can go on without time has gone on.

export interface VirtualTime {
  /** Milliseconds since the simulation began. */
  readonly now: number
  /** Runs that so many milliseconds from now, unless the returned function was called before. */
  after(milliseconds: number, run: () => void): () => void
  /** Lets everything happen up to that moment; stops early when `isOver` says so. */
  runUntil(moment: number, isOver: () => boolean): Promise<void>
}

interface Entry {
  at: number
  order: number
  run: (() => void) | undefined
}

// More than this many steps of one moment, and time stands still for ever.
const mostStepsOfAMoment = 200_000

export function createVirtualTime(): VirtualTime {
  const heap: Entry[] = []
  let now = 0
  let order = 0

  function push(entry: Entry): void {
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Entry
      if (isBefore(above, entry)) break
      heap[at] = above
      at = parent
    }
    heap[at] = entry
  }

  function pop(): Entry {
    const first = heap[0] as Entry
    const last = heap.pop() as Entry
    if (heap.length > 0) sink(last)
    return first
  }

  function sink(entry: Entry): void {
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right && isBefore(right, heap[child] as Entry)) child++
      if (isBefore(entry, heap[child] as Entry)) break
      heap[at] = heap[child] as Entry
      at = child
    }
    heap[at] = entry
  }

  return {
    get now() {
      return now
    },
    after(milliseconds, run) {
      const entry: Entry = { at: now + Math.max(0, Math.ceil(milliseconds)), order: order++, run }
      push(entry)
      return () => {
        entry.run = undefined
      }
    },
    async runUntil(moment, isOver) {
      let steps = 0
      // Once in a while everything else in this process has its turn.
      await new Promise((resolve) => setImmediate(resolve))
      await drained()
      while (!isOver()) {
        const next = heap[0]
        if (!next || next.at > moment) break
        pop()
        if (!next.run) continue
        steps = next.at === now ? steps + 1 : 0
        if (steps > mostStepsOfAMoment) throw new Error(`time stands still at ${now} ms`)
        now = next.at
        next.run()
        await drained()
      }
      now = Math.max(now, moment)
    },
  }
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

// The agent is promises and nothing else: what is said for the next tick comes when all of them have run to their next wait.
const drained = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))
