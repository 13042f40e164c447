// The fleet as it is known right now. Everything in it has the number of its last change, so that a browser is told what is new to
// it, however long it was away, and nothing queues for one that is slow.
import type { Item, Report } from '../../client/index.ts'
import { insertInTime } from '../wire/in-time.ts'
import { type EventRow, eventsKept, type Frame, type RouterDetail, type SaleRow } from '../wire/wire.ts'
import { eventRowOf } from './event-rows.ts'
import { createRouterPicture, type RouterPicture } from './router-picture.ts'
import { createSalesBook } from './sales-book.ts'

export interface Picture {
  seeReport(report: Report): void
  seeItem(item: Item): void
  /** Routers that are not among these, and of which nothing came since the last call, have been retired. */
  keepOnly(routerIds: ReadonlySet<string>): void
  readonly version: number
  /** All that changed after that version. */
  since(version: number): Pick<Frame, 'routers' | 'events'>
  /** One router in detail, where it changed after that version. */
  detailSince(version: number, routerId: string): RouterDetail | undefined
  /** Whether what a browser has at that version must be forgotten. */
  isOutdated(version: number): boolean
  sales(): SaleRow[]
  has(routerId: string): boolean
}

/** From a history: its sums hold every event up to that moment, its items are the latest of them. */
export interface PicturePast {
  sales: readonly SaleRow[]
  items: readonly Item[]
}

export interface PictureClock {
  /** Monotonic milliseconds. */
  now(): number
  /** Milliseconds of the wall clock. */
  wall(): number
}

type Versioned<Value> = Value & { version: number }

export function createPicture(clock: PictureClock, past?: PicturePast): Picture {
  const sales = createSalesBook(past?.sales)
  const routers = new Map<string, { picture: RouterPicture; version: number }>()
  const events: Versioned<{ at: string; row: EventRow }>[] = []
  let version = 0
  let retiredAt = 0
  let checkedAt = 0

  function touch(routerId: string): RouterPicture {
    const known = routers.get(routerId) ?? { picture: createRouterPicture(routerId, sales, clock.now()), version: 0 }
    known.version = ++version
    routers.set(routerId, known)
    return known.picture
  }

  function seeItem(item: Item): void {
    const row = eventRowOf(item, new Date(clock.wall()).toISOString())
    if (item.type === 'purchase.accepted') sales.enter(item, row.at.slice(0, 10))
    show(item, row)
  }

  function show(item: Item, row: EventRow): void {
    if (item.type !== 'lost' && item.type !== 'unrecognised') {
      touch(item.routerId).seeEvent(item, item.historical === true, clock.now())
    }
    insertInTime(events, { at: row.at, row, version: ++version }, eventsKept)
  }

  function keepOnly(routerIds: ReadonlySet<string>): void {
    for (const [routerId, router] of routers) {
      if (routerIds.has(routerId) || router.version > checkedAt) continue
      routers.delete(routerId)
      retiredAt = ++version
    }
    checkedAt = version
  }

  function since(seen: number): Pick<Frame, 'routers' | 'events'> {
    const changed = [...routers.values()].filter((router) => router.version > seen)
    const news = events.filter((event) => event.version > seen)
    return {
      ...(changed.length > 0 && { routers: changed.map(({ picture }) => picture.row()) }),
      ...(news.length > 0 && { events: news.map(({ row }) => row) }),
    }
  }

  function detailSince(seen: number, routerId: string): RouterDetail | undefined {
    const router = routers.get(routerId)
    return router && router.version > seen ? router.picture.detail() : undefined
  }

  for (const item of past?.items ?? []) show(item, eventRowOf(item, new Date(clock.wall()).toISOString()))
  // Routers of the past that are gone are none that something came of.
  checkedAt = version
  return {
    seeReport: (report) => touch(report.routerId).seeReport(report, clock.now(), clock.wall()),
    seeItem,
    keepOnly,
    get version() {
      return version
    },
    since,
    detailSince,
    isOutdated: (seen) => seen < retiredAt,
    sales: sales.rows,
    has: (routerId) => routers.has(routerId),
  }
}
