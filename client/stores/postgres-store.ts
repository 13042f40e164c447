// The outbox in PostgreSQL: one table, shared by every process of a backend. Each of them sends what has no answer, which
// costs a repetition and sells nothing twice.
import type { Entry, Store } from './store.ts'

/** The part of a `pg` Pool or Client that the stores need. */
export interface Database {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
}

/** `database` stays the caller's to close. The table is made when it is not there. */
export function postgresStore(database: Database, { table = 'tollgate_outbox' }: { table?: string } = {}): Store {
  if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(table)) throw new TypeError(`table: ${table} is no plain name`)

  async function find(purchaseId: string): Promise<Entry | undefined> {
    const { rows } = await database.query(`select entry from ${table} where purchase_id = $1`, [purchaseId])
    return rows[0]?.entry as Entry | undefined
  }

  function makeTable(): Promise<unknown> {
    return database.query(`create table if not exists ${table} (
      purchase_id text primary key,
      entry jsonb not null,
      settled boolean not null default false,
      updated timestamptz not null default now()
    )`)
  }

  return {
    async open() {
      // Two processes that make it at once get in each other's way: the second time it is there.
      await makeTable().catch(makeTable)
      await database.query(`delete from ${table} where settled and updated < now() - interval '30 days'`)
      const { rows } = await database.query(`select entry from ${table} where not settled order by updated`)
      return rows.map(({ entry }) => entry as Entry)
    },
    find,
    async put(entry) {
      await database.query(`insert into ${table} (purchase_id, entry) values ($1, $2) on conflict do nothing`, [
        entry.purchaseId,
        JSON.stringify(entry),
      ])
      return (await find(entry.purchaseId)) ?? entry
    },
    async settle(purchaseId, answer) {
      await database.query(
        `update ${table} set entry = jsonb_set(entry, '{answer}', $2), settled = true, updated = now()
         where purchase_id = $1 and not settled`,
        [purchaseId, JSON.stringify(answer)],
      )
    },
    async forget(purchaseId) {
      await database.query(`delete from ${table} where purchase_id = $1`, [purchaseId])
    },
    close: async () => {},
  }
}
