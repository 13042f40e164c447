// The latest of every router: its status, its sessions, and when it was heard. Subscribed when it is first asked for.
import { randomUUID } from 'node:crypto'
import { parseTopic, type RouterId, type Status, topicOf, type Usage } from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import type { Incoming, Link } from './link.ts'
import { type Heard, type RouterView, viewOf } from './liveness.ts'
import type { CallOptions } from './options.ts'
import { jsonOf, statusIn, usageIn } from './reading.ts'
import { firstOf } from './signals.ts'

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
}

type Known = Heard & { usage?: Usage; parts: Map<number, Usage> }

// Stored statuses come at once after a subscription: so long without another one means that all are here.
const quiet = 250
const statusesWithin = 3000
const reportsWithin = 5000

export function createWatching({ link, clock, prefix, closed }: Parts): Watching {
  const known = new Map<RouterId, Known>()
  const readers = new Set<Map<string, Report>>()
  const wakes = new Set<() => void>()
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
    while (clock.now() < Math.min(end, lastHeard + pause)) await clock.sleep(pause / 5, closed)
  }

  function hear({ topic, payload }: Incoming): void {
    const routerId = parseTopic(topic, prefix)?.routerId
    const content = routerId && jsonOf(payload)
    if (!routerId || !content) return
    const isNew = !known.has(routerId)
    const router: Known = known.get(routerId) ?? { heardAt: clock.now(), parts: new Map() }
    known.set(routerId, router)
    router.heardAt = clock.now()
    if (isNew) lastHeard = clock.now()
    const usage = usageIn(content)
    const status = usage ? undefined : statusIn(content)
    if (status) {
      router.status = status
      tell({ routerId, status })
    }
    if (usage) takePart(router, usage)
  }

  /** A report counts when all its parts are here. */
  function takePart(router: Known, part: Usage): void {
    const [first] = router.parts.values()
    if (first && (first.at !== part.at || first.parts !== part.parts)) router.parts.clear()
    router.parts.set(part.part, part)
    if (router.parts.size < part.parts) return
    const sessions = [...router.parts].sort(([a], [b]) => a - b).flatMap(([, one]) => one.sessions)
    router.parts.clear()
    router.sessions = sessions
    router.usage = { ...part, part: 1, parts: 1, sessions }
    tell({ routerId: part.routerId, usage: router.usage })
  }

  function tell(report: Report): void {
    // Of what a slow reader has not read, only the latest is kept.
    for (const unread of readers) unread.set(`${'status' in report ? 'status' : 'usage'} ${report.routerId}`, report)
    for (const wake of wakes) wake()
  }

  async function routers({ signal, within = statusesWithin + reportsWithin }: CallOptions = {}): Promise<RouterView[]> {
    await inTime(watch(), within, signal)
    const now = clock.now()
    return [...known]
      .map(([routerId, router]) => viewOf(routerId, router, now))
      .sort((a, b) => a.routerId.localeCompare(b.routerId, 'en', { numeric: true }))
  }

  /** Those that have not reported yet are asked to. */
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

  async function* reports({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Report, void, void> {
    const unread = new Map<string, Report>()
    readers.add(unread)
    const { signal: stopped, release } = firstOf(signal, closed)
    try {
      await watch()
      while (!stopped.aborted) {
        const [key, report] = unread.entries().next().value ?? []
        if (key !== undefined && report) {
          unread.delete(key)
          yield report
        } else await changed(stopped)
      }
      signal?.throwIfAborted()
    } finally {
      readers.delete(unread)
      release()
    }
  }

  function changed(stopped: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        wakes.delete(wake)
        stopped.removeEventListener('abort', wake)
        resolve()
      }
      wakes.add(wake)
      stopped.addEventListener('abort', wake)
    })
  }

  async function inTime(work: Promise<unknown>, within: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const over = new AbortController()
    const aborted = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
    })
    await Promise.race([work, clock.sleep(within, over.signal), aborted]).finally(() => over.abort())
  }

  return { routers, usage, reports }
}
