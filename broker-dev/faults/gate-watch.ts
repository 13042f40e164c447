// Watches the gates of a router that had a fault: the portal shows what the agent does, also where the agent has told of it before.
import type { Clock } from '../../agent/time/clock.ts'
import { type FaultyRouter, openAt } from './doings.ts'
import { isFresh, seeGates } from './fault-log.ts'
import type { LogBook } from './log-book.ts'

type WatchGates = (router: FaultyRouter, before: ReadonlySet<string>) => Promise<void>

/** Watches as long as something may come of a fault of that router; one watch is enough. */
export function createGateWatch(book: LogBook, clock: Pick<Clock, 'wall' | 'sleep'>): WatchGates {
  const watched = new Set<string>()

  return async function watchGates(router, before) {
    const { routerId } = router
    if (watched.has(routerId)) return
    watched.add(routerId)
    const see = (open: ReadonlySet<string>) => book.write((log) => seeGates(log, routerId, open, clock.wall()))
    const mayFollow = () => {
      const { log } = book
      return log.records.some((record) => record.routerId === routerId && isFresh(log, record, clock.wall()))
    }
    for (see(before); mayFollow(); await clock.sleep(glance)) see(openAt(router))
    watched.delete(routerId)
  }
}

const glance = 250
