// The watchers of the simulated fleet: the audit of its books, what the screen shows, and every problem on the way.
import { connectFleet, type FleetOptions, memoryStore } from '../../client/index.ts'
import type { RouterId } from '../../protocol/index.ts'
import type { Injector } from '../faults/injector.ts'
import { waitFor } from '../waiting.ts'
import { type Audit, createAudit } from './audit.ts'
import { emptyFleet, type FleetView, seeStatus, seeUsage } from './fleet-view.ts'
import type { Screen } from './screen.ts'

export interface Watch {
  audit: Audit
  problems: string[]
  open(): Promise<void>
  fleet(): FleetView
  /** Every router has said that it is online: what is sold to one that was never here is lost. */
  allOnline(routers: readonly { routerId: RouterId }[], end: AbortSignal): Promise<void>
  /** Every router has said that it is offline, and every event is here; noted as a problem if that does not happen. */
  allOffline(routers: readonly { routerId: RouterId }[]): Promise<void>
  /** Asks every router where it stands. */
  askUsage(routers: readonly { routerId: RouterId }[]): Promise<void>
  close(): Promise<void>
}

export interface WatchParts {
  broker: Pick<FleetOptions, 'url' | 'username' | 'passwordFile'>
  screen: Pick<Screen, 'event'>
  faults: Pick<Injector, 'sawEvent' | 'sawStatus'>
  /** The fleet's own time. */
  now(): number
}

// Agents of their own process start slowly on a machine that is busy.
const comingPatience = 60_000

export function createWatch({ broker, screen, faults, now }: WatchParts): Watch {
  const audit = createAudit()
  const problems: string[] = []
  let fleet = emptyFleet
  let client: Awaited<ReturnType<typeof connectFleet>> | undefined

  async function open(): Promise<void> {
    client = await connectFleet({ ...broker, store: memoryStore() })
    void watchReports(client)
    const listening = new Promise<void>((resolve, reject) => {
      if (client) watchEvents(client, resolve).catch(reject)
    })
    await listening
  }

  async function watchEvents(from: NonNullable<typeof client>, onListening: () => void): Promise<void> {
    for await (const { item } of from.events({ onListening })) {
      if (item.type === 'lost' || item.type === 'unrecognised') {
        problems.push(`${item.routerId}: an event is ${item.type}: ${JSON.stringify(item)}`)
        continue
      }
      audit.seeUsage(item)
      fleet = seeUsage(fleet, item, now())
      faults.sawEvent(item)
      screen.event(item, performance.now())
    }
  }

  async function watchReports(from: NonNullable<typeof client>): Promise<void> {
    for await (const report of from.reports()) {
      if ('status' in report) {
        audit.seeStatus(report.status)
        fleet = seeStatus(fleet, report.status, now())
        faults.sawStatus(report.status)
      } else {
        audit.seeUsage(report.usage)
        fleet = seeUsage(fleet, report.usage, now())
      }
    }
  }

  const stateOf = ({ routerId }: { routerId: RouterId }) => fleet.routers.get(routerId)?.state

  return {
    audit,
    problems,
    open,
    fleet: () => fleet,
    async allOnline(routers, end) {
      const missing = () => routers.filter((router) => stateOf(router) !== 'online')
      await waitFor(() => end.aborted || missing().length === 0, comingPatience)
      if (end.aborted) return
      for (const { routerId } of missing()) problems.push(`${routerId} did not come online within a minute`)
    },
    async allOffline(routers) {
      const left = () => routers.filter((router) => stateOf(router) !== 'offline')
      await waitFor(() => left().length === 0 && routers.every(({ routerId }) => audit.isComplete(routerId)), 3000)
      for (const { routerId } of left()) problems.push(`${routerId} was stopped and does not say that it is offline`)
    },
    async askUsage(routers) {
      await Promise.all(
        routers.map(({ routerId }) => client?.query(routerId, { command: 'usage' }, { within: answersWithin })),
      )
    },
    close: async () => client?.close(),
  }
}

// A router that has lost its broker tries again after a quarter of a minute at most.
const answersWithin = 20_000
