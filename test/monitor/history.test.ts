// Proves the history against Debian's own PostgreSQL: every event once, whatever comes twice, and what its views make of them.
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Item } from '../../client/index.ts'
import { type History, historyIn, openHistory, type View, views } from '../../monitor/history.ts'
import { RouterId } from '../../protocol/index.ts'
import { accepted, aMac, aSession, ended, r1, rejected, started, status, usage } from '../support/messages.ts'
import { isMissing, openPostgres, type Postgres } from '../support/processes/postgres.ts'

describe.skipIf(isMissing)(isMissing ? 'postgresql is not installed' : 'in PostgreSQL', () => {
  let postgres: Postgres
  let pool: pg.Pool
  let history: History
  beforeAll(() => {
    postgres = openPostgres()
    pool = new pg.Pool({ connectionString: postgres.url })
    history = historyIn(pool)
  }, 60_000)
  beforeEach(async () => {
    await pool.query('drop schema if exists tollgate cascade')
    await history.prepare()
  })
  afterAll(async () => {
    await pool.end()
    postgres.close()
  })

  const rows = async (sql: string) => (await pool.query(sql)).rows
  async function table(view: View): Promise<Record<string, string | null>[]> {
    const lines: (string | null)[][] = []
    for await (const line of history.read(view)) lines.push(line)
    const [names = [], ...values] = lines
    return values.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])))
  }
  const paid = (amount: number, change: number, unit = 'sat') => ({ amount, unit, pricePerStep: 1, steps: 1, change })

  it('keeps every event once, and the cursor with it', async () => {
    const batch: Item[] = [accepted(1), started(2)]
    await history.write(batch)
    await history.write([...batch, ended(3)])
    expect(await rows('select seq::int, type from tollgate.events order by seq')).toEqual([
      { seq: 1, type: 'purchase.accepted' },
      { seq: 2, type: 'session.started' },
      { seq: 3, type: 'session.ended' },
    ])
    expect(await history.cursor()).toEqual({ version: 1, routers: { r1: { epoch: 'e1', seq: 3 } } })
    // Another journal counts from 1 again.
    await history.write([accepted(1, { epoch: 'e2' })])
    expect(await rows('select count(*)::int from tollgate.events')).toEqual([{ count: 4 }])
    expect(await history.cursor()).toEqual({ version: 1, routers: { r1: { epoch: 'e2', seq: 1 } } })
  })

  it('writes all of a batch or nothing of it', async () => {
    const broken = { ...accepted(2), epoch: null as unknown as string }
    await expect(history.write([accepted(1), broken])).rejects.toThrow('null value')
    const lost = { type: 'lost', routerId: 'r1', epoch: 'e1', fromSeq: null as never, toSeq: 5, why: 'pruned' } as const
    await expect(history.write([accepted(1), lost])).rejects.toThrow('null value')
    expect(await rows('select * from tollgate.events')).toEqual([])
    expect(await history.cursor()).toEqual({ version: 1, routers: {} })
  })

  it('names what is lost, and learns how much it was', async () => {
    const lost = { type: 'lost', routerId: 'r1', epoch: 'e1', fromSeq: 4, toSeq: null, why: 'epoch' } as const
    await history.write([lost])
    await history.write([{ ...lost, toSeq: 9 }, lost])
    expect(await table('lost')).toMatchObject([
      { router_id: 'r1', epoch: 'e1', from_seq: '4', to_seq: '9', why: 'epoch' },
    ])
  })

  it('takes text that PostgreSQL cannot hold', async () => {
    await history.write([accepted(1, { reference: 'a\0b\ud800' })])
    expect(await table('purchases')).toMatchObject([{ reference: 'a�b�' }])
  })

  it('adds up sales by day, router and unit, and money exactly', async () => {
    await history.write([
      accepted(1, { paid: paid(0.1, 0, 'eur') }),
      accepted(2, { paid: paid(0.2, 0.05, 'eur') }),
      accepted(3, { paid: paid(31, 1), at: '2026-11-23T00:00:00.000Z', allotment: 3000 }),
      accepted(4, { at: '2026-11-22T23:59:59.999Z' }),
      rejected({ seq: 5, purchaseId: 'p5', paid: { amount: 7, unit: 'sat' } } as never),
      ended(6, {
        purchases: [
          { purchaseId: 'p1', metric: 'bytes', allotment: 1000, used: 1000, unused: 0 },
          { purchaseId: 'p2', metric: 'bytes', allotment: 1000, used: 500, unused: 500 },
          { purchaseId: 'p3', metric: 'bytes', allotment: 3000, used: 2000, unused: 1000 },
        ],
      }),
    ])
    expect(
      (await table('sales')).map(({ day, unit, purchases, allotment, amount, change }) => {
        return [day, unit, purchases, allotment, amount, change]
      }),
    ).toEqual([
      ['2026-11-22', 'eur', '2', '2000', '0.3', '0.05'],
      ['2026-11-22', null, '1', '1000', null, null],
      ['2026-11-23', 'sat', '1', '3000', '31', '1'],
    ])
    const [eur, sat] = await table('money')
    expect(eur).toMatchObject({ unit: 'eur', paid: '0.3', change: '0.05', refused: null })
    expect(Number(eur?.unused_value)).toBe(0.075)
    expect(sat).toMatchObject({ unit: 'sat', paid: '31', change: '1', refused: '7' })
    expect(Number(sat?.unused_value)).toBe(10)
    expect(await table('refusals')).toMatchObject([{ purchase_id: 'p5', code: 'below-minimum', amount: '7' }])
  })

  it('tells a session from its purchase to its end, also one that was moved and ended in parts', async () => {
    const moved = { ...started(3), type: 'session.moved', from: aMac, to: '02:74:00:01:00:09' }
    const { openedAfterMilliseconds: _, ...move } = moved
    await history.write([
      accepted(1),
      started(2),
      { ...move, mac: '02:74:00:01:00:07', to: '02:74:00:01:00:07' } as never,
      { ...move, seq: 6, mac: '02:74:00:01:00:09' } as never,
      ended(4, { part: 1, parts: 2, downloaded: 0, mac: undefined as never }),
      ended(5, { part: 2, parts: 2, mac: undefined as never }),
    ])
    expect(await table('sessions')).toMatchObject([
      {
        ...{ router_id: 'r1', session_id: 's1', mac: '02:74:00:01:00:09', purchases: '1', reason: 'allotment-used' },
        ...{ downloaded: '900', uploaded: '100', open_milliseconds: '5000', opened_after_milliseconds: '312' },
        ...{ opened: '2026-11-22 12:00:00+00', used_bytes: '1000' },
      },
    ])
    expect(await table('usage')).toMatchObject([{ day: '2026-11-22', sessions: '1', used_bytes: '1000' }])
  })

  it('shows the sessions that are open by the last report, and for FreeRADIUS all of them', async () => {
    await history.write([accepted(1), started(2), accepted(3, { sessionId: 's2' }), started(4)])
    await history.write([{ ...started(5), sessionId: 's2' }, ended(6)])
    const open = aSession({ sessionId: 's2', openMilliseconds: 90_500, downloaded: 70, uploaded: 7 })
    await history.writeReports([{ routerId: r1, usage: usage(5, [aSession(), open]) }])
    await history.writeReports([{ routerId: r1, status: status(6) }])
    // The one that has ended since is open no more.
    expect(await table('open_sessions')).toMatchObject([
      { session_id: 's2', downloaded: '70', remaining_bytes: '1000' },
    ])
    expect(await table('radacct')).toMatchObject([
      {
        ...{ acctsessionid: 's1', username: aMac, callingstationid: '02-74-00-01-00-01', calledstationid: 'r1' },
        ...{ acctsessiontime: '5', acctinputoctets: '100', acctoutputoctets: '900' },
        ...{ acctstoptime: '2026-11-22 12:00:00+00', acctterminatecause: 'Session-Timeout' },
      },
      { acctsessionid: 's2', acctsessiontime: '90', acctinputoctets: '7', acctstoptime: null },
    ])
    // The shape of FreeRADIUS's own daily counter for PostgreSQL, its names in its spelling.
    const begin = Date.parse('2026-11-22T00:00:00Z') / 1000
    const [counted] = await rows(
      `
      select sum(AcctSessionTime - greatest((${begin} - extract(epoch from AcctStartTime)), 0)) as spent
      from tollgate.radacct where UserName = '${aMac}' and extract(epoch from AcctStartTime) + AcctSessionTime > '${begin}'`,
    )
    expect(Number(counted.spent)).toBe(95)
  })

  it('reads every view, also an empty one and one of many rows', async () => {
    for (const view of views) expect(await table(view)).toEqual([])
    await history.write(Array.from({ length: 2500 }, (_, index) => accepted(index + 1)))
    expect((await table('purchases')).length).toBe(2500)
  })

  it('tells its past to one who goes on from there: sales, the latest events and those of open sessions, the cursor', async () => {
    const later = (event: Item, minute: number) => ({ ...event, at: `2026-11-22T13:${minute}:00.000Z` }) as Item
    const unknown = { routerId: 'r1', epoch: 'e1', seq: 6, type: 'solar.eclipse', at: '2026-11-22T14:00:00.000Z' }
    await history.write([
      accepted(1, { sessionId: 's2', paid: paid(0.1, 0, 'eur') }),
      accepted(2, { paid: paid(0.2, 0.05, 'eur') }),
      later(started(3), 10),
      later(ended(4), 20),
      later(accepted(5, { sessionId: 's3' }), 30),
      { type: 'unrecognised', routerId: 'r1', epoch: 'e1', seq: 6, event: { ...unknown, clockSynced: true } },
    ])
    const { sales, items, cursor } = await history.past(3)
    expect(sales).toEqual([
      {
        ...{ day: '2026-11-22', routerId: 'r1', metric: 'bytes', unit: 'eur', purchases: 2, allotment: 2000 },
        ...{ amount: '0.3', change: '0.05' },
      },
      { day: '2026-11-22', routerId: 'r1', metric: 'bytes', purchases: 1, allotment: 1000, amount: '0', change: '0' },
    ])
    // The second purchase is neither among the latest three events nor of an open session.
    expect(items).toMatchObject([
      { seq: 1, sessionId: 's2', historical: true },
      { seq: 4, type: 'session.ended', historical: true },
      { seq: 5, sessionId: 's3', historical: true },
      { seq: 6, type: 'unrecognised', event: { type: 'solar.eclipse' } },
    ])
    expect(cursor).toEqual(await history.cursor())
    await pool.query('delete from tollgate.events')
    expect(await history.past(3)).toMatchObject({ sales: [], items: [] })
  })

  it('is prepared once by two that start at once, and by a newer version not at all', async () => {
    await pool.query('drop schema tollgate cascade')
    const other = await openHistory(postgres.url)
    await Promise.all([history.prepare(), other.prepare()])
    await other.close()
    await history.prepare()
    expect(await rows('select step from tollgate.migrations')).toEqual([{ step: 1 }])
    await pool.query('insert into tollgate.migrations (step) values (99)')
    await expect(history.prepare()).rejects.toThrow('newer version')
  })

  it('goes on by itself after the database was away', async () => {
    const own = await openHistory(postgres.url)
    await own.write([accepted(1)])
    postgres.stop()
    await expect(own.write([accepted(2)])).rejects.toThrow()
    postgres.start()
    await own.write([accepted(2)])
    await own.write([{ ...accepted(1), routerId: RouterId.parse('r2') }])
    await own.close()
    expect(await rows('select count(*)::int from tollgate.events')).toEqual([{ count: 3 }])
  })
})
