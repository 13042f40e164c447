// Items on their way to a consumer: who adds waits while it is full, who takes waits while it is empty.

export interface Queue<T> {
  /** Resolves when there is room for more. */
  add(items: readonly T[]): Promise<void>
  /** The next one; undefined when it was ended. */
  next(): Promise<T | undefined>
  readonly isFull: boolean
  end(): void
}

export function createQueue<T>(room: number): Queue<T> {
  let items: T[] = []
  let isEnded = false
  let wakeTaker = () => {}
  let wakeAdders: (() => void)[] = []

  async function add(more: readonly T[]): Promise<void> {
    if (isEnded) return
    items.push(...more)
    wakeTaker()
    while (items.length >= room && !isEnded) await new Promise<void>((resolve) => wakeAdders.push(resolve))
  }

  async function next(): Promise<T | undefined> {
    while (items.length === 0 && !isEnded) {
      await new Promise<void>((resolve) => {
        wakeTaker = resolve
      })
    }
    const item = items.shift()
    if (items.length < room) letIn()
    return item
  }

  function letIn(): void {
    const waiting = wakeAdders
    wakeAdders = []
    for (const wake of waiting) wake()
  }

  function end(): void {
    isEnded = true
    items = []
    wakeTaker()
    letIn()
  }

  return {
    add,
    next,
    end,
    get isFull() {
      return items.length >= room
    },
  }
}
