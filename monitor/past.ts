// The content of a history for one who shows it and goes on with the fleet itself: sales, the latest events, and the cursor behind
// them, all of one moment.
import type { Pool, PoolClient } from 'pg'
import type { Cursor, FleetEvent, Item } from '../client/index.ts'
import { Event } from '../protocol/index.ts'

export interface Past {
  sales: SoldOnDay[]
  /** The latest ones, and before them those of sessions that are not over; each marked historical. */
  items: Item[]
  /** Behind all that. */
  cursor: Cursor
}

/** As the view `sales` has it. */
export interface SoldOnDay {
  day: string
  routerId: string
  metric: 'bytes' | 'milliseconds'
  unit?: string
  source?: string
  purchases: number
  allotment: number
  amount: string
  change: string
}

/** `events`: how many of the latest. */
export async function pastIn(pool: Pool, events: number): Promise<Past> {
  const client = await pool.connect()
  try {
    // One moment for all three: an event is in the sums, or behind the cursor.
    await client.query('begin isolation level repeatable read read only')
    const cursor = await cursorFrom(client)
    const sales = (await client.query(selectSales)).rows.map(soldOnDay)
    const items = (await client.query(selectEvents, [events])).rows.map(itemOf)
    await client.query('commit')
    return { sales, items, cursor }
  } finally {
    client.release(true)
  }
}

/** Where to go on behind all that is written. */
export async function cursorFrom(database: Pick<Pool | PoolClient, 'query'>): Promise<Cursor> {
  const { rows } = await database.query('select router_id, epoch, seq from tollgate.positions')
  return {
    version: 1,
    routers: Object.fromEntries(rows.map(({ router_id, epoch, seq }) => [router_id, { epoch, seq: Number(seq) }])),
  }
}

const selectSales = `
  select day::text, router_id, metric, unit, source, purchases::int, allotment::text,
    coalesce(amount, 0)::text as amount, coalesce(change, 0)::text as change
  from tollgate.sales order by day, router_id, metric, unit, source`

// By the index on type and time: the latest of each type first, then the latest of those.
const selectEvents = `
  with recursive types as (
    (select type from tollgate.events order by type limit 1)
    union all
    select (select e.type from tollgate.events e where e.type > types.type order by e.type limit 1)
    from types where types.type is not null
  ), latest as (
    select l.* from types cross join lateral (
      select e.router_id, e.epoch, e.seq, e.happened from tollgate.events e
      where e.type = types.type order by e.happened desc limit $1
    ) l order by l.happened desc limit $1
  ), open as (
    select s.router_id, s.epoch, s.seq from tollgate.events s
    where s.type in ('purchase.accepted', 'session.settled') and not exists (
      select from tollgate.events e
      where e.type = 'session.ended' and e.router_id = s.router_id and e.event->>'sessionId' = s.event->>'sessionId'
        and (e.event->>'part') is not distinct from (e.event->>'parts')
    )
  )
  select router_id, epoch, seq::int, event from tollgate.events
  where (router_id, epoch, seq) in (select router_id, epoch, seq from latest union select * from open)
  order by router_id, epoch, seq`

interface SalesRow extends Omit<SoldOnDay, 'routerId' | 'allotment' | 'unit' | 'source'> {
  router_id: string
  allotment: string
  unit: string | null
  source: string | null
}

function soldOnDay({ router_id: routerId, allotment, unit, source, ...row }: SalesRow): SoldOnDay {
  return {
    ...{ ...row, routerId, allotment: Number(allotment) },
    ...(unit !== null && { unit }),
    ...(source !== null && { source }),
  }
}

interface StoredEvent {
  router_id: string
  epoch: string
  seq: number
  event: Record<string, unknown>
}

function itemOf({ router_id: routerId, epoch, seq, event }: StoredEvent): Item {
  if (!Event.safeParse(event).success) return { type: 'unrecognised', routerId, epoch, seq, event }
  return { ...(event as unknown as FleetEvent), historical: true }
}
