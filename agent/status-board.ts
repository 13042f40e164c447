// The status board: the router's state, retained at the broker, published when it changes.

import type * as z from 'zod'
import type { LiveStatus as LiveStatusOnTheWire, Metric, OfflineStatus, Status } from '../protocol/index.ts'
import { agentVersion } from './build.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { exactJson } from './exact-json.ts'
import type { Gates } from './gates.ts'
import type { Journal } from './journal/journal.ts'
import { countSessions, faultOfBooks, faultOfPortal } from './merchant/reporting.ts'
import { type Balance, conservationOf } from './merchant/view.ts'
import { timestamp } from './moment.ts'
import type { Recorder } from './recorder.ts'
import type { Uplink } from './uplink/uplink.ts'

export interface StatusBoard {
  /** `changed`: if anything differs from what was published; `changed visibly`: if more than counters differ. */
  publish(when: 'now' | 'changed' | 'changed visibly'): void
  publishOffline(): Promise<void>
  /** What the broker says in the agent's place when it vanishes. */
  lastWill(): Status
}

/** Before it is JSON, where sums beyond 2^53 are still exact. */
type LiveStatus = Omit<LiveStatusOnTheWire, 'conservation'> & { conservation: Record<Metric, Balance> }

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  gates: Gates
  recorder: Recorder
  uplink: Uplink
}

export function createStatusBoard({ config, clock, journal, gates, recorder, uplink }: Parts): StatusBoard {
  const since = { state: '', at: '' }
  let published: LiveStatus | undefined
  let isOffline = false
  const startedAt = clock.monotonic()

  function always() {
    const { routerId } = config
    return { version: 1 as const, routerId, epoch: journal.books.epoch, agentVersion, bootId: clock.bootId }
  }

  function current(): LiveStatus {
    const { books, firstSeq } = journal
    const isDegraded = gates.portal.state === 'unreachable' || recorder.diskFault !== undefined
    const state = isDegraded ? 'degraded' : 'online'
    if (since.state !== state) Object.assign(since, { state, at: timestamp(clock.wall()) })
    const faults = [recorder.diskFault, faultOfBooks(books), faultOfPortal(books, gates.remembered)].filter(
      (fault) => fault !== undefined,
    )
    return {
      ...always(),
      state,
      since: since.at,
      clockSynced: clock.synced(),
      portal: gates.portal,
      sessions: countSessions(books),
      journal: { firstSeq, lastSeq: books.lastSeq, acknowledgedSeq: books.acknowledgedSeq },
      conservation: conservationOf(books),
      flash: flashOf(journal.writtenBytes, clock.monotonic() - startedAt),
      warnings: [...journal.warnings, ...faults],
    }
  }

  return {
    publish(when) {
      const status = current()
      if (isOffline || !uplink.connected || (when !== 'now' && published && !differs(published, status, when))) return
      const before = published
      published = status
      uplink.publish('status', status, { retain: true }).catch(() => {
        published = before
      })
    },
    async publishOffline() {
      isOffline = true
      const offline: z.infer<typeof OfflineStatus> = { ...always(), state: 'offline', since: timestamp(clock.wall()) }
      await uplink.publish('status', offline, { retain: true })
    },
    lastWill: () => ({ ...always(), state: 'offline' }),
  }
}

const hour = 3_600_000

function flashOf(writtenBytes: number, milliseconds: number): LiveStatus['flash'] {
  const bytesPerDay = milliseconds < hour ? null : Math.round((writtenBytes / milliseconds) * 24 * hour)
  return { writtenBytes, bytesPerDay }
}

function differs(a: LiveStatus, b: LiveStatus, when: 'changed' | 'changed visibly'): boolean {
  const seen = ({ journal, conservation, flash: _, ...visible }: LiveStatus) =>
    exactJson(when === 'changed' ? { journal, conservation, ...visible } : visible)
  return seen(a) !== seen(b)
}
