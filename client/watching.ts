// The latest of every router: its status, its sessions, and when it was heard. Subscribed when it is first asked for.
import { randomUUID } from 'node:crypto'
import { parseTopic, type RouterId, type Status, topicOf, type Usage } from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import { createLatest } from './latest.ts'
import type { Incoming, Link } from './link.ts'
import { type Heard, type RouterView, viewOf } from './liveness.ts'
import type { CallOptions } from './options.ts'
import { jsonOf, statusIn, usageIn } from './reading.ts'
import { manyListen } from './signals.ts'
import { whole } from './usage-parts.ts'

/** A status or a whole usage report, its parts put together. */
export type Report = { routerId: RouterId } & ({ status: Status } | { usage: Usage })

export interface Watching {
  routers(options?: CallOptions): Promise<RouterView[]>
  usage(options?: CallOptions): Promise<Usage[]>
  reports(options?: { signal?: AbortSignal }): AsyncGenerator<Report, void, void>
}

interface Parts {
  link: Link
  clock: Clock
  prefix: string
  closed: AbortSignal
  keepReports: boolean
}

// Made once: making it anew for each pair takes most of the time of a large fleet's list.
const byName = new Intl.Collator('en', { numeric: true })

type Known = Heard & { usage?: Usage; parts: Map<number, Usage> }

// Stored statuses come at once after a subscription: so long without another one means that all are here.
const quiet = 250
const statusesWithin = 3000
const reportsWithin = 5000

export function createWatching({ link, clock, prefix, closed, keepReports }: Parts): Watching {
  const known = new Map<RouterId, Known>()
  const latest = createLatest<Report>(closed)
  let watching: Promise<unknown> | undefined
  let lastHeard = 0

  function watch(): Promise<unknown> {
    watching ??= Promise.all([
      link.subscribe(topicOf('+', 'status', prefix), hear),
      link.subscribe(topicOf('+', 'usage', prefix), hear),
    ]).then(() => settled(quiet, statusesWithin))
    watching.catch(() => {
      watching = undefined
    })
    return watching
  }

  async function settled(pause: number, within: number): Promise<void> {
    const end = clock.now() + within
    lastHeard = clock.now()
    while (!closed.aborted && clock.now() < Math.min(end, lastHeard + pause)) await clock.sleep(pause / 5, closed)
  }

  function hear({ topic, payload }: Incoming): void {
    const routerId = parseTopic(topic, prefix)?.routerId
    if (routerId && topic === topicOf(routerId, 'status', prefix) && payload.length === 0) {
      // Its stored status was taken away, which is how a router is retired.
      known.delete(routerId)
      return
    }
    // Unless reports are kept, a report is a sign of life and is not parsed.
    const isKept = keepReports || topic === topicOf(routerId ?? '+', 'status', prefix)
    const content = !routerId ? undefined : isKept ? jsonOf(payload) : {}
    if (!routerId || !content) return
    // A router speaks for itself and for no other.
    if ((content.routerId ?? routerId) !== routerId) return
    const isNew = !known.has(routerId)
    const router: Known = known.get(routerId) ?? { heardAt: clock.now(), parts: new Map() }
    known.set(routerId, router)
    router.heardAt = clock.now()
    if (isNew) lastHeard = clock.now()
    const part = usageIn(content)
    const status = part ? undefined : statusIn(content)
    if (status) {
      router.status = status
      latest.tell(`status ${routerId}`, { routerId, status })
    }
    const usage = part && whole(router.parts, part)
    if (!usage) return
    router.sessions = usage.sessions
    router.usage = usage
    latest.tell(`usage ${routerId}`, { routerId: usage.routerId, usage })
  }

  async function routers({ signal, within = statusesWithin + reportsWithin }: CallOptions = {}): Promise<RouterView[]> {
    await inTime(watch(), within, clock, signal)
    const now = clock.now()
    return [...known]
      .map(([routerId, router]) => viewOf(routerId, router, now))
      .sort((a, b) => byName.compare(a.routerId, b.routerId))
  }

  /** The last report of every router; routers that have not reported yet are asked for one. */
  async function usage({ signal, within = reportsWithin }: CallOptions = {}): Promise<Usage[]> {
    const seen = await routers({ within, ...(signal && { signal }) })
    const missing = seen
      .filter(({ routerId, state }) => state !== 'offline' && state !== 'silent' && !known.get(routerId)?.usage)
      .map(({ routerId }) => routerId)
    for (const routerId of missing) {
      const question = { transaction: randomUUID(), command: 'usage' }
      void link.publish(topicOf(routerId, 'query', prefix), question).catch(() => {})
    }
    const end = clock.now() + within
    while (missing.some((id) => !known.get(id)?.usage) && clock.now() < end && !closed.aborted) {
      signal?.throwIfAborted()
      await clock.sleep(50, closed)
    }
    return [...known.values()].flatMap(({ usage }) => usage ?? [])
  }

  return { routers, usage, reports: ({ signal } = {}) => latest.read(watch, signal) }
}

async function inTime(work: Promise<unknown>, within: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  manyListen(signal)?.throwIfAborted()
  const over = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
  })
  await Promise.race([work, clock.sleep(within, over.signal), aborted]).finally(() => over.abort())
}
