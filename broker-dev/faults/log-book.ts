// Keeps the fault log while faults are done. Words that come while one is being done belong to it: they wait until it is in the log.
import { emptyFaultLog, type FaultLog } from './fault-log.ts'

type Change = (log: FaultLog) => FaultLog

export interface LogBook {
  readonly log: FaultLog
  /** At once. */
  write(change: Change): void
  /** When no fault is being done. */
  hear(change: Change): void
  hold(): void
  release(): void
}

export function createLogBook(): LogBook {
  let log = emptyFaultLog
  let holds = 0
  let heard: Change[] = []

  function write(change: Change): void {
    log = change(log)
  }

  function hear(change: Change): void {
    if (holds > 0) heard.push(change)
    else write(change)
  }

  function release(): void {
    if (--holds > 0) return
    for (const change of heard) write(change)
    heard = []
  }

  return {
    get log() {
      return log
    },
    ...{ write, hear, release },
    hold: () => {
      holds++
    },
  }
}
