// One life of an agent that runs in this process: as if it were a process of its own, it can be killed, and then nothing that it
// calls has an effect and nothing is answered.
import type { Clock } from '../../agent/time/clock.ts'

export interface Life {
  readonly isOver: boolean
  /** Does it while the life lasts. */
  call<T>(act: () => Promise<T>): Promise<T>
  /** Asks something that may never be answered: the end of the life does not wait for it. */
  ask<T>(question: () => Promise<T>): Promise<T>
  /** A clock that stands still when the life is over. */
  clockOf(clock: Clock): Clock
  /** Resolves when the calls that the kernel had begun are over, as before a killed process is gone. */
  end(): Promise<void>
}

export function createLife(): Life {
  const underWay = new Set<Promise<unknown>>()
  let isOver = false

  async function call<T>(act: () => Promise<T>): Promise<T> {
    if (isOver) return never()
    const work = act()
    underWay.add(work)
    try {
      return await answered(work)
    } finally {
      underWay.delete(work)
    }
  }

  async function answered<T>(work: Promise<T>): Promise<T> {
    const [ended] = await Promise.allSettled([work])
    return isOver ? never() : ended.status === 'fulfilled' ? ended.value : Promise.reject(ended.reason)
  }

  return {
    get isOver() {
      return isOver
    },
    call,
    ask: async (question) => (isOver ? never() : answered(question())),
    clockOf: (clock) => ({
      ...clock,
      async sleep(milliseconds, signal) {
        if (isOver) return never()
        await clock.sleep(milliseconds, signal)
        return isOver ? never() : undefined
      },
    }),
    async end() {
      isOver = true
      await Promise.allSettled([...underWay])
    },
  }
}

const never = <T>(): Promise<T> => new Promise(() => {})
