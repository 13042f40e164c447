// Proves the outbox in PostgreSQL against Debian's own.
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Entry, postgresStore } from '../../client/index.ts'
import { accepted, aMac, r1 } from '../support/messages.ts'
import { isMissing, openPostgres, type Postgres } from '../support/processes/postgres.ts'

let postgres: Postgres
let pool: pg.Pool
beforeAll(async () => {
  if (isMissing) return
  postgres = openPostgres()
  pool = new pg.Pool({ connectionString: postgres.url })
}, 60_000)
afterAll(async () => {
  if (isMissing) return
  await pool.end()
  postgres.close()
})

const entry = (purchaseId: string): Entry => ({
  ...{ purchaseId, routerId: r1, at: '2026-11-22T12:00:00.000Z' },
  purchase: { purchaseId, mac: aMac, amount: 1, unit: 'sat' },
})
const ids = (entries: readonly Entry[]) => entries.map(({ purchaseId }) => purchaseId)

test.skipIf(isMissing)('keeps what has no answer for the next process, and what has one to be asked for', async () => {
  const store = postgresStore(pool)
  expect(await store.open()).toEqual([])
  await Promise.all([store.put(entry('p1')), store.put(entry('p2')), store.put(entry('p3'))])
  await store.settle('p2', accepted(2))
  await store.forget('p3')
  const next = postgresStore(pool)
  expect(ids(await next.open())).toEqual(['p1'])
  expect(await next.find('p2')).toMatchObject({ answer: { seq: 2 }, purchase: { amount: 1 } })
  expect(await next.find('p3')).toBeUndefined()
})

test.skipIf(isMissing)(
  'keeps the first of two purchases under one id, and its first answer, whoever comes',
  async () => {
    const [one, other] = [postgresStore(pool, { table: 'another' }), postgresStore(pool, { table: 'another' })]
    await one.open()
    await other.open()
    const standing = await Promise.all([
      one.put(entry('p1')),
      other.put({ ...entry('p1'), at: '2027-01-01T00:00:00.000Z' }),
    ])
    expect(standing[0]).toEqual(standing[1])
    await one.settle('p1', accepted(1))
    await other.settle('p1', accepted(9, { purchaseId: 'p1' }))
    expect(await other.find('p1')).toMatchObject({ answer: { seq: 1 } })
  },
)

test('takes no name of a table that is more than a name', () => {
  const nothing = { query: async () => ({ rows: [] }) }
  expect(() => postgresStore(nothing, { table: 'a; drop table b' })).toThrow('no plain name')
})
