// Proves the outbox in PostgreSQL against Debian's own.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Entry, postgresStore } from '../../client/index.ts'
import { accepted, aMac, r1 } from '../support/messages.ts'

const versions = '/usr/lib/postgresql'
const [version] = existsSync(versions) ? readdirSync(versions) : []
const isMissing = version === undefined
if (isMissing && process.env.CI) throw new Error('postgresql is not installed')

let folder = ''
let pool: pg.Pool
function asPostgres(program: string, ...args: string[]): void {
  const path = join(versions, version ?? '', 'bin', program)
  const { status, stderr } = spawnSync('runuser', ['-u', 'postgres', '--', path, ...args], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${program}: ${stderr}`)
}

beforeAll(() => {
  if (isMissing) return
  folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  chmodSync(folder, 0o777)
  asPostgres('initdb', '-D', join(folder, 'data'), '-A', 'trust', '--no-sync')
  // On a socket in its own folder only.
  const options = `-c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off`
  asPostgres('pg_ctl', '-D', join(folder, 'data'), '-w', '-l', join(folder, 'data/log'), '-o', options, 'start')
  pool = new pg.Pool({ host: folder, user: 'postgres', database: 'postgres' })
}, 60_000)
afterAll(async () => {
  if (isMissing) return
  await pool.end()
  asPostgres('pg_ctl', '-D', join(folder, 'data'), '-m', 'immediate', 'stop')
  rmSync(folder, { recursive: true })
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
