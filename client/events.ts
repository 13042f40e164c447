// A fleet's events as one stream: each once, in order for each router, gaps filled from the routers' journals, and what cannot
// be had any more named. It has a connection of its own, so a consumer that is slow holds up nobody else.
import { type Event, parseTopic, type RouterId, topicOf } from '../protocol/index.ts'
import { backOff, type Clock } from './clock.ts'
import { type Cursor, type Position, type Positions, positionsOf } from './cursor.ts'
import { FleetError } from './errors.ts'
import type { Incoming, Link } from './link.ts'
import { checkPartition, isInPartition, type Partition } from './partition.ts'
import { createQueue } from './queue.ts'
import { eventIn, type Json, jsonOf, reportedPosition, statusIn } from './reading.ts'
import { createReplays, replyFilterOf } from './replay.ts'
import { createSequence, type Lost, type Numbered, type Sequence } from './sequence.ts'
import { firstOf } from './signals.ts'

/** An event of a type that this version does not know, as it was sent. */
export interface Unrecognised {
  type: 'unrecognised'
  routerId: string
  epoch: string
  seq: number
  event: Record<string, unknown>
}

/** `historical`: it came with a replay, some time after it happened. */
export type FleetEvent = Event & { historical?: true }
export type Item = FleetEvent | Lost | Unrecognised

export interface Taken {
  item: Item
  /** Where to go on after this item, and after all that came before it. */
  readonly cursor: string
}

export interface EventsOptions {
  /**
   * A saved cursor; `beginning`: all that the routers still have, which is also where routers begin that a cursor does not
   * know; `now`: only what happens from now on.
   */
  from?: Cursor | 'beginning' | 'now' | undefined
  /** Only these routers. */
  routers?: readonly string[]
  /** Only this consumer's share of the routers. */
  partition?: Partition
  /** Called when the broker has granted the subscriptions: what happens from now on is not missed. */
  onListening?: () => void
  signal?: AbortSignal
}

interface Parts {
  /** A connection that nobody else uses. */
  openLink(): Promise<Link>
  clock: Clock
  prefix: string
  warn(warning: FleetError): void
  /** Aborts when the client is closed: the stream ends. */
  closed: AbortSignal
}

type Entry = Numbered & { routerId: string; content: Json }

interface Router {
  routerId: RouterId
  sequence: Sequence<Entry>
  /** When something is missing that is not just on its way. */
  repairing?: Promise<void>
  /** Ends the pause before the next try. */
  hurry?: () => void
  isAlive: boolean
}

// The most items that wait for a slow consumer; then the reading stops.
const room = 512
// Events that a status or report tells of may be on its way still.
const grace = 2000
const firstPause = 1000
const longestPause = 60_000
const silentTries = 4

export async function* eventsOf(parts: Parts, options: EventsOptions): AsyncGenerator<Taken, void, void> {
  const { from, routers, partition, signal } = options
  signal?.throwIfAborted()
  if (partition) checkPartition(partition)
  const startsNow = from === 'now'
  let positions = positionsOf(from === 'now' || from === 'beginning' ? undefined : from)
  const isWanted = (id: string) =>
    (routers === undefined || routers.includes(id)) && (partition === undefined || isInPartition(id, partition))
  const end = new AbortController()
  const { signal: stopped, release } = firstOf(end.signal, parts.closed, signal)
  const stream = await openStream({ ...parts, stopped }, { isWanted, routers, positions, startsNow }).catch((error) => {
    release()
    throw error
  })
  stopped.addEventListener('abort', stream.queue.end)
  options.onListening?.()
  try {
    while (!stopped.aborted) {
      const item = await stream.queue.next()
      if (!item) break
      positions = positionsAfter(positions, item)
      const reached = positions
      yield {
        item,
        get cursor() {
          return reached.toString()
        },
      }
    }
    signal?.throwIfAborted()
  } finally {
    end.abort()
    release()
    await stream.close()
  }
}

function positionsAfter(positions: Positions, item: Item): Positions {
  const { routerId, epoch } = item
  const seq = item.type === 'lost' ? item.toSeq : item.seq
  // Where nobody knows how many were lost, the next event of the new journal moves the cursor.
  return seq === null || seq === undefined ? positions : positions.with(routerId, { epoch, seq })
}

interface Wanted {
  isWanted(routerId: string): boolean
  routers: readonly string[] | undefined
  positions: Positions
  startsNow: boolean
}

async function openStream(parts: Parts & { stopped: AbortSignal }, wanted: Wanted) {
  const { clock, prefix, stopped, warn } = parts
  const queue = createQueue<Item>(room)
  const routers = new Map<RouterId, Router>()
  const link = await parts.openLink()
  const replays = createReplays({ link, clock, prefix, isBlocked: () => queue.isFull })

  function routerOf(topic: string): Router | undefined {
    const routerId = parseTopic(topic, prefix)?.routerId
    if (routerId === undefined || !wanted.isWanted(routerId)) return undefined
    const sequence = createSequence<Entry>(routerId, wanted.positions.get(routerId), wanted.startsNow)
    const router = routers.get(routerId) ?? { routerId, sequence, isAlive: false }
    routers.set(routerId, router)
    return router
  }

  function hearUsage({ topic, payload, retained }: Incoming): void | Promise<void> {
    const router = routerOf(topic)
    const content = router && jsonOf(payload)
    if (!router || !content || retained) return
    router.isAlive = true
    const reported = reportedPosition(content)
    if (reported) return learn(router, reported, true)
    const entry = entryOf(router.routerId, content)
    if (!entry) return
    const ready = router.sequence.take(entry)
    if (router.sequence.isHolding) repair(router, 0)
    if (ready.length > 0) return queue.add(ready.map(itemOf))
  }

  function hearStatus({ topic, payload, retained }: Incoming): void {
    const router = routerOf(topic)
    const status = router && statusIn(jsonOf(payload) ?? {})
    if (!router || !status) return
    router.isAlive = status.state !== 'offline'
    const { epoch, journal } = status
    if (journal && epoch !== undefined) learn(router, { epoch, seq: journal.lastSeq }, !retained)
    router.hurry?.()
  }

  function learn(router: Router, newest: Position, isLive: boolean): void {
    router.sequence.learn(newest, wanted.startsNow && isLive)
    // A new status may be ahead of its events; a stored one is long past them.
    if (router.sequence.gap()) repair(router, isLive ? grace : 0)
  }

  function repair(router: Router, pause: number): void {
    if (router.repairing || !router.isAlive) return
    router.repairing = repairing(router, pause).finally(() => {
      delete router.repairing
    })
  }

  /** Until nothing is missing, or the router is away: then it is asked when it is heard again. */
  async function repairing(router: Router, pause: number): Promise<void> {
    await clock.sleep(pause, stopped)
    for (let failures = 0; !stopped.aborted && router.isAlive; ) {
      const range = router.sequence.gap()
      if (!range) return
      const before = router.sequence.position
      const answer = await replays.ask(router.routerId, range, stopped)
      if ('events' in answer) {
        const entries = answer.events.flatMap((content) => entryOf(router.routerId, content) ?? [])
        await queue.add(router.sequence.takeReplay(range, entries, answer.gone).map(itemOf))
      }
      const isForward = router.sequence.position !== before
      failures = isForward ? 0 : failures + 1
      if (failures === silentTries) {
        const { routerId } = router
        warn(
          new FleetError('no-replay', `${routerId} does not give events ${range.fromSeq} to ${range.toSeq} again yet`),
        )
      }
      if (!isForward) await rest(clock, router, backOff(failures - 1, firstPause, longestPause), stopped)
    }
  }

  const ids = wanted.routers?.filter(wanted.isWanted) as RouterId[] | undefined
  const filters = ids ?? (['+'] as const)
  const subscribed = [
    link.subscribe(replyFilterOf(replays.replyTo, prefix), replays.hear),
    ...filters.map((id) => link.subscribe(topicOf(id, 'usage', prefix), hearUsage)),
    ...filters.map((id) => link.subscribe(topicOf(id, 'status', prefix), hearStatus)),
  ]
  await Promise.all(subscribed).catch(async (error) => {
    await link.close()
    throw error
  })
  return { queue, close: link.close }
}

/** Until the time is over, or the router says how it is: it, or the connection, may be back from wherever it was. */
async function rest(clock: Clock, router: Router, milliseconds: number, stopped: AbortSignal): Promise<void> {
  const over = new AbortController()
  const { signal, release } = firstOf(stopped, over.signal)
  router.hurry = () => over.abort()
  await clock.sleep(milliseconds, signal)
  delete router.hurry
  release()
}

/**
 * Events that have a place in a journal; answers that are no outcome, and repetitions, have none. A router speaks for itself: on its
 * own topic an event of another one would stand in that one's history.
 */
function entryOf(routerId: RouterId, content: Json): Entry | undefined {
  const { epoch, seq } = content
  if (content.routerId !== routerId) return undefined
  if (typeof epoch !== 'string' || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 1) return undefined
  return { routerId, epoch, seq, content }
}

function itemOf(entry: Entry | Lost): Item {
  if ('type' in entry) return entry
  const { routerId, epoch, seq, content } = entry
  return (eventIn(content) as FleetEvent | undefined) ?? { type: 'unrecognised', routerId, epoch, seq, event: content }
}
