// The history in PostgreSQL: every event once, and the cursor in the same transaction, so that a kill at any moment leaves neither
// a gap nor a repetition.
import type { Pool, PoolClient } from 'pg'
import { type Cursor, FleetError, type Item, type Report } from '../client/index.ts'
import { migrations } from './migrations.ts'
import { cursorFrom, type Past, pastIn } from './past.ts'
import { routerRowsOf, rowsOf, storable } from './storable.ts'

export interface History {
  /** Brings the tables to what this version needs. */
  prepare(): Promise<void>
  /** Where to go on. */
  cursor(): Promise<Cursor>
  /** Resolves when all of them are durable. The same again changes nothing. */
  write(items: readonly Item[]): Promise<void>
  writeReports(reports: Iterable<Report>): Promise<void>
  /** One of the views, in rows of text, the first with the names. */
  read(view: View): AsyncGenerator<(string | null)[]>
  /** Sales, the latest events up to a number, and where to go on. */
  past(events: number): Promise<Past>
  close(): Promise<void>
}

export const views = [
  'sales',
  'money',
  'purchases',
  'refusals',
  'sessions',
  'open_sessions',
  'usage',
  'lost',
  'radacct',
] as const
export type View = (typeof views)[number]

// Less than a database that hangs for good, more than one that is busy.
const patience = 60_000

/** `pg` is asked for by name: only who keeps a history needs it. */
export async function openHistory(url: string): Promise<History> {
  const { default: pg } = await import('pg').catch((cause) => {
    throw new FleetError('invalid-argument', 'a history needs the package pg beside this one: npm install pg', cause)
  })
  const pool = new pg.Pool({
    ...{ connectionString: url, max: 2, keepAlive: true, application_name: 'tollgate-fleet' },
    ...{ connectionTimeoutMillis: 10_000, query_timeout: patience, statement_timeout: patience },
  })
  return historyIn(pool)
}

export function historyIn(pool: Pool): History {
  // A connection that ends is opened anew with the next question; unheard, its error would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))

  async function inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const result = await work(client)
      await client.query('commit')
      client.release()
      return result
    } catch (error) {
      // The connection goes with its transaction, whatever state either is in.
      client.release(true)
      throw error
    }
  }

  return {
    prepare: () => inTransaction(migrate),
    cursor: () => cursorFrom(pool),
    async write(items) {
      const { events, lost, positions } = rowsOf(items)
      await inTransaction(async (client) => {
        for (let done = 0; done < events.length; done += mostInOne) {
          await client.query(insertEvents, [storable(events.slice(done, done + mostInOne))])
        }
        if (lost.length > 0) await client.query(insertLost, [storable(lost)])
        await client.query(movePositions, [storable(positions)])
      })
    },
    async writeReports(reports) {
      await pool.query(keepRouters, [storable(routerRowsOf(reports))])
    },
    read: (view) => rowsOfView(pool, view),
    past: (events) => pastIn(pool, events),
    close: () => pool.end(),
  }
}

// The events of one statement: beyond some two megabytes PostgreSQL spills the array to disk, and takes several times as long for each.
const mostInOne = 500
const insertEvents = `
  insert into tollgate.events (router_id, epoch, seq, type, happened, event)
  select e->>'router_id', e->>'epoch', (e->>'seq')::bigint, e->>'type',
    coalesce((e->>'happened')::timestamptz, now()), e->'event'
  from jsonb_array_elements($1::jsonb) e
  on conflict do nothing`

const insertLost = `
  insert into tollgate.lost (router_id, epoch, from_seq, to_seq, why)
  select router_id, epoch, from_seq, to_seq, why
  from jsonb_to_recordset($1::jsonb) as l (router_id text, epoch text, from_seq bigint, to_seq bigint, why text)
  on conflict (router_id, epoch, from_seq) do update set to_seq = greatest(lost.to_seq, excluded.to_seq)`

const movePositions = `
  insert into tollgate.positions (router_id, epoch, seq)
  select router_id, epoch, seq
  from jsonb_to_recordset($1::jsonb) as p (router_id text, epoch text, seq bigint)
  on conflict (router_id) do update set epoch = excluded.epoch, seq = excluded.seq`

const keepRouters = `
  insert into tollgate.routers (router_id, status, report)
  select e->>'router_id', nullif(e->'status', 'null'), nullif(e->'report', 'null')
  from jsonb_array_elements($1::jsonb) e
  on conflict (router_id) do update set heard = now(),
    status = coalesce(excluded.status, routers.status), report = coalesce(excluded.report, routers.report)`

/** Two programs that start at once go through it one after the other. */
async function migrate(client: PoolClient): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('tollgate'))`)
  await client.query(`
    create schema if not exists tollgate;
    create table if not exists tollgate.migrations (step int primary key, done timestamptz not null default now())`)
  const { rows } = await client.query('select coalesce(max(step), 0) as step from tollgate.migrations')
  const done: number = rows[0]?.step
  if (done > migrations.length) {
    throw new FleetError('store-failure', `the history was written by a newer version: step ${done} is not known here`)
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < done) continue
    await client.query(sql)
    await client.query('insert into tollgate.migrations (step) values ($1)', [index + 1])
  }
}

const page = 1000

/** Through a cursor: a history may be larger than memory. Values are as PostgreSQL writes them, times in UTC. */
async function* rowsOfView(pool: Pool, view: View): AsyncGenerator<(string | null)[]> {
  const client = await pool.connect()
  const asText = { getTypeParser: () => (text: string) => text }
  try {
    await client.query(`begin read only; set local time zone 'UTC'; set local datestyle = 'ISO'`)
    await client.query(`declare page cursor for select * from tollgate.${view} order by 1, 2`)
    for (let isFirst = true, count = page; count === page; isFirst = false) {
      const answer = await client.query({ text: `fetch ${page} from page`, rowMode: 'array', types: asText as never })
      if (isFirst) yield answer.fields.map(({ name }) => name)
      yield* answer.rows as (string | null)[][]
      count = answer.rows.length
    }
  } finally {
    client.release(true)
  }
}
