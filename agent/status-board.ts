// The status board: the router's state, retained at the broker, published when it changes.

import { isDeepStrictEqual } from 'node:util'
import type * as z from 'zod'
import type { LiveStatus as LiveStatusOnTheWire, Metric, OfflineStatus } from '../protocol/index.ts'
import type { Config } from './config.ts'
import { exactJson } from './exact-json.ts'
import type { Gates } from './gates.ts'
import type { Journal } from './journal/journal.ts'
import { countSessions, faultOfBooks, faultOfPlaces, faultOfPortal, faultOfTrust } from './merchant/reporting.ts'
import { type Balance, conservationOf } from './merchant/view.ts'
import type { Recorder } from './recorder.ts'
import type { Clock } from './time/clock.ts'
import { timestamp } from './time/moment.ts'
import type { Trust } from './trust/trust.ts'
import { NotTaken, type Uplink } from './uplink/uplink.ts'
import { agentVersion } from './version.ts'

export interface StatusBoard {
  /** The status as it is now. */
  current(): LiveStatus
  /** `changed`: if anything differs from what was published; `changed visibly`: if more than counters differ. */
  publish(when: 'now' | 'changed' | 'changed visibly'): void
  publishOffline(): Promise<void>
  /** The status that the broker publishes when the agent vanishes: as it is when the connection is made. */
  lastWill(): Offline
}

/** Before it is JSON, where sums beyond 2^53 are still exact. */
export type LiveStatus = Omit<LiveStatusOnTheWire, Booked | 'conservation'> &
  Partial<Pick<LiveStatusOnTheWire, Booked>> & { conservation?: Record<Metric, Balance> }
type Booked = 'epoch' | 'sessions' | 'journal'
type Offline = Omit<z.infer<typeof OfflineStatus>, 'conservation'> & Pick<LiveStatus, 'conservation'>

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  gates: Gates
  recorder: Recorder
  uplink: Uplink
  trust?: Pick<Trust, 'warnings'> | undefined
}

export function createStatusBoard({ config, clock, journal, gates, recorder, uplink, trust }: Parts): StatusBoard {
  const since = { state: '', at: '' }
  let published: LiveStatus | undefined
  let wanted: LiveStatus | undefined
  let isSending = false
  let isOffline = false
  const startedAt = clock.monotonic()

  function always() {
    const { routerId } = config
    return { version: 1 as const, routerId, ...bookedOf(journal), agentVersion, bootId: clock.bootId }
  }

  function current(): LiveStatus {
    const { books } = journal
    const isUnreachable = gates.sight.portal.state === 'unreachable'
    const faults = [
      recorder.diskFault && `the disk refuses writes, so nothing is sold: ${recorder.diskFault}`,
      faultOfBooks(books) ?? journal.salesStop,
      isUnreachable ? portalFault : undefined,
    ].filter((fault) => fault !== undefined)
    const state = faults.length > 0 ? 'degraded' : 'online'
    if (since.state !== state) Object.assign(since, { state, at: timestamp(clock.wall()) })
    const { metric, stepSize, prices, directGrants } = config.tariff
    const others = [
      ...journal.warnings,
      journal.refusalsStop,
      faultOfPortal(books, gates.sight.remembered),
      faultOfTrust(books),
      faultOfPlaces(books),
      gates.guard.warning,
      ...[uplink, trust, config].flatMap((part) => part?.warnings ?? []),
    ]
    return {
      ...always(),
      state,
      since: since.at,
      clockSynced: clock.synced(),
      portal: gates.sight.portal,
      flash: {
        ...flashOf(journal.writtenBytes, clock.monotonic() - startedAt),
        state: recorder.diskFault === undefined ? 'sound' : 'refusing',
      },
      prices: { metric, stepSize, prices, directGrants },
      skipped: books.skipped.slice(-mostSkipped),
      guard: gates.guard.status,
      usageIntervalMilliseconds: config.usageIntervalMilliseconds,
      warnings: [...new Set([...faults, ...others])].filter((warning) => warning !== undefined),
    }
  }

  function offline(): Offline {
    return { ...current(), state: 'offline', since: timestamp(clock.wall()) }
  }

  async function send(status: LiveStatus | Offline): Promise<void> {
    await uplink.publish('status', fitting(status, uplink.mostBytes), { retain: true, urgency: 'status' })
  }

  // One at a time: on a slow link the next one has what changed meanwhile.
  async function sendNewest(): Promise<void> {
    isSending = true
    try {
      for (let status = wanted; status && !isOffline; status = wanted) {
        wanted = undefined
        await send(status)
      }
    } catch (err) {
      // Sent again when there is a connection; a status that the broker refuses only when it differs.
      if (!(err instanceof NotTaken && err.code === 'refused')) published = undefined
    } finally {
      isSending = false
    }
  }

  return {
    current,
    publish(when) {
      // A reader learns of the outage too.
      if (when === 'now') since.state = ''
      const status = current()
      if (isOffline || !uplink.connected || (when !== 'now' && published && !differs(published, status, when))) return
      published = wanted = status
      if (!isSending) void sendNewest()
    },
    async publishOffline() {
      isOffline = true
      await send(offline())
    },
    lastWill: () => fitting(offline(), uplink.mostBytes),
  }
}

/** Of books that have not been read nothing is said: zeros would be taken for what was sold. */
function bookedOf({ books, firstSeq, isRead }: Journal): Pick<LiveStatus, Booked | 'conservation'> {
  if (!isRead) return {}
  return {
    epoch: books.epoch,
    sessions: countSessions(books),
    journal: { firstSeq, lastSeq: books.lastSeq, acknowledgedSeq: books.acknowledgedSeq },
    conservation: conservationOf(books),
  }
}

const portalFault =
  'the portal cannot be reached, so no gate can be opened or shut: see whether it runs, and AGENT_NDSCTL or AGENT_NDS_SOCKET'
const mostSkipped = 20
const shortWarning = 200

/** The status without its longest parts, where the broker would not take it as it is. */
function fitting<T extends LiveStatus | Offline>(status: T, mostBytes: number): T {
  const fits = (value: T) => Buffer.byteLength(exactJson(value)) <= mostBytes
  if (fits(status)) return status
  const { prices: _, ...rest } = status
  const shorter = { ...rest, skipped: status.skipped?.slice(-1) } as T
  if (fits(shorter)) return shorter
  return { ...shorter, warnings: (status.warnings ?? []).map((warning) => warning.slice(0, shortWarning)).slice(0, 5) }
}

const hour = 3_600_000

function flashOf(writtenBytes: number, milliseconds: number): Omit<LiveStatus['flash'], 'state'> {
  const bytesPerDay = milliseconds < hour ? null : Math.round((writtenBytes / milliseconds) * 24 * hour)
  return { writtenBytes, bytesPerDay }
}

function differs(a: LiveStatus, b: LiveStatus, when: 'changed' | 'changed visibly'): boolean {
  const seen = ({ journal, conservation, flash: _, ...visible }: LiveStatus) =>
    when === 'changed' ? { journal, conservation, ...visible } : visible
  return !isDeepStrictEqual(seen(a), seen(b))
}
