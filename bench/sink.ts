// The sink's way into PostgreSQL: events a second, against the same JSON into a bare table without keys, columns or positions.
import pg from 'pg'
import { historyIn } from '../monitor/history.ts'
import { accepted } from '../test/support/messages.ts'
import { isMissing, openPostgres } from '../test/support/processes/postgres.ts'
import type { Figure } from './figure.ts'
import { monotonic } from './monotonic.ts'
import { median } from './statistics.ts'

const routers = 1000
const events = 30_000
const rounds = 3
// As the sink reads them while one batch is written: few, and as many as it ever has.
const batches = [1000, 5000]

export const sink: Figure = {
  name: 'sink',
  about: 'writing the events of a fleet into its history',
  missing: () => (isMissing ? 'PostgreSQL: apt-get install postgresql (and mask its service)' : undefined),
  async measure(stage) {
    const postgres = openPostgres()
    stage.afterwards(postgres.close)
    const pool = new pg.Pool({ connectionString: postgres.url })
    stage.afterwards(() => pool.end())
    const history = historyIn(pool)
    await history.prepare()
    await pool.query('create table bare (event jsonb)')
    const bare = 'insert into bare select event from jsonb_array_elements($1::jsonb) event'
    const rows = []
    for (const batch of batches) {
      const [ours, floor]: [number[], number[]] = [[], []]
      for (let round = 0; round < rounds; round++) {
        const fleet = eventsOf(`epoch-${batch}-${round}`)
        ours.push(await perSecond(fleet, batch, (some) => history.write(some)))
        // In statements of a size that PostgreSQL takes at its best.
        floor.push(await perSecond(fleet, 500, (some) => pool.query(bare, [JSON.stringify(some)])))
      }
      rows.push({
        what: `in batches of ${batch}`,
        unit: 'events/s' as const,
        ours: median(ours),
        against: { name: 'a bare table', value: median(floor) },
        goal: { atLeast: 0.35 },
      })
    }
    return rows
  },
}

function eventsOf(epoch: string) {
  return Array.from({ length: events }, (_, index) => ({
    ...accepted(Math.floor(index / routers) + 1),
    ...{ routerId: `r${index % routers}`, epoch },
  })) as ReturnType<typeof accepted>[]
}

async function perSecond<T>(all: readonly T[], batch: number, write: (some: readonly T[]) => Promise<unknown>) {
  const from = monotonic()
  for (let done = 0; done < all.length; done += batch) await write(all.slice(done, done + batch))
  return (all.length * 1000) / (monotonic() - from)
}
