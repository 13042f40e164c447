// Five routers' lives, 20 times as fast, watched by an exporter and by a sink that is killed three times: the tables are what the
// routers said, once and in order, and every figure of exporter and database is the one in the routers' own books.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import pg from 'pg'
import { uuidv7 } from 'uuidv7'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBackend } from '../../broker-dev/backend/backend.ts'
import { createRouter } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { type Event, type EventOf, parseTopic, RouterId, type Status } from '../../protocol/index.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { isMissing, openPostgres, type Postgres } from '../support/processes/postgres.ts'
import { until } from '../support/until.ts'
import { aProgram, type RunningProgram } from './a-program.ts'

const speed = Number(process.env.MONITOR_SPEED ?? 20)
// MONITOR_SECONDS=1800 makes it ten hours of their time.
const seconds = Number(process.env.MONITOR_SECONDS ?? 20)
const kills = 3
const ids = [1, 2, 3, 4, 5].map((number) => RouterId.parse(`r${number}`))

describe.skipIf(isMissing)(isMissing ? 'postgresql is not installed' : 'a fleet that is watched', () => {
  let folder = ''
  let broker: Awaited<ReturnType<typeof aBroker>>
  let postgres: Postgres
  let pool: pg.Pool
  let recorder: MqttClient
  let exporter: RunningProgram
  let sink: RunningProgram
  let metrics: string[] = []
  const events = new Map<string, Event>()
  const statuses = new Map<string, Status>()
  const books = new Map<string, Status['conservation']>()

  const startSink = () => aProgram(['sink'], { TOLLGATE_URL: broker.url, TOLLGATE_DATABASE: postgres.url })
  const rows = async (sql: string) => (await pool.query(sql)).rows
  const journalOf = (id: string) => [...events.values()].filter(({ routerId }) => routerId === id)
  const ofType = <T extends Event['type']>(type: T) =>
    [...events.values()].filter((event): event is EventOf<T> => event.type === type)

  beforeAll(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'tollgate-monitors-'))
      broker = await aBroker()
      postgres = openPostgres()
      pool = new pg.Pool({ connectionString: postgres.url })
      recorder = await connectAsync(broker.url)
      recorder.on('message', hear)
      await recorder.subscribeAsync('router/+/usage', { qos: 1 })
      await recorder.subscribeAsync('router/+/status', { qos: 1 })
      exporter = aProgram(['exporter', '--listen', '127.0.0.1:0'], { TOLLGATE_URL: broker.url })
      const [, address = ''] = await exporter.says(/metrics at (http:\S+)/)
      const health = address.replace('/metrics', '/healthz')
      await until(async () => (await fetch(health)).status === 200)
      sink = startSink()
      await live(address)
      await until(async () => {
        const [{ count } = { count: 0 }] = await rows('select count(*)::int from tollgate.events')
        return count === events.size
      }, 30_000)
    },
    seconds * 1000 + 120_000,
  )
  afterAll(async () => {
    await sink.end('SIGKILL')
    await exporter.end()
    await pool.end()
    postgres.close()
    await recorder.endAsync(true)
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Until no router has said anything new for so long that the sink has written it. */
  async function quiet(): Promise<void> {
    let before = ''
    let since = performance.now()
    await until(() => {
      const now = JSON.stringify([events.size, [...statuses.values()].map(({ conservation }) => conservation)])
      if (now !== before) since = performance.now()
      before = now
      return performance.now() - since > 1500
    }, 30_000)
  }

  async function isEven(): Promise<boolean> {
    const [{ even }] = await rows(`
      select (select coalesce(sum(allotment), 0) from tollgate.purchases where metric = 'bytes' and settled is null) =
        (select coalesce(sum(used_bytes + remaining_bytes), 0) from tollgate.open_sessions) as even`)
    return even
  }

  function aRouter(routerId: RouterId, number: number, buy: Parameters<typeof createRouter>[0]['buy']) {
    const stateDir = join(folder, routerId)
    mkdirSync(stateDir, { recursive: true })
    return createRouter({
      ...{ routerId, number, buy, devices: 6, seed: 11, clock: scaledClock(speed) },
      flavour: (['nodogsplash', 'opennds', 'opennds-10'] as const)[number - 1] ?? 'nodogsplash',
      env: { AGENT_MQTT_URL: broker.url, AGENT_STATE_DIR: stateDir, AGENT_LINK_MBIT: '500' },
      logFile: join(folder, `${routerId}.log`),
    })
  }

  function hear(topic: string, payload: Buffer): void {
    const message = JSON.parse(String(payload))
    if (parseTopic(topic)?.channel === 'status') statuses.set(message.routerId, message)
    else if (message.seq !== undefined) events.set(`${message.routerId} ${message.epoch} ${message.seq}`, message)
  }

  /** The sink is killed at moments of no meaning, and a router and its portal are switched off and on. */
  async function live(address: string): Promise<void> {
    const backend = createBackend({ url: broker.url, folder: join(folder, 'backend') })
    await backend.open()
    const buyAt = (routerId: RouterId): Parameters<typeof createRouter>[0]['buy'] => {
      return async (mac, order) => {
        const result = await backend.buy(uuidv7(), routerId, { mac, ...order })
        if (result.outcome !== 'accepted') return { accepted: false }
        return { accepted: true, remaining: result.event.session?.remaining ?? {} }
      }
    }
    const routers = ids.map((routerId, index) => aRouter(routerId, index + 1, buyAt(routerId)))
    for (const router of routers) await router.open()
    await until(() => ids.every((id) => statuses.get(id)?.state === 'online'))
    for (const router of routers) router.openCustomers()
    for (let kill = 0; kill < kills; kill++) {
      await sleepFor((seconds * 1000) / (kills + 1) - 700)
      await sink.end('SIGKILL')
      await sleepFor(700)
      sink = startSink()
      const [id] = ids
      if (kill > 0 || !id) continue
      await routers[0]?.stop('the power is gone')
      routers[0] = aRouter(id, 1, buyAt(id))
      await routers[0].open()
      routers[0].openCustomers()
    }
    await sleepFor((seconds * 1000) / (kills + 1))
    await Promise.all(routers.map((router) => router.stopCustomers()))
    await until(isEven, 20_000)
    await quiet()
    metrics = (await (await fetch(address)).text()).split('\n')
    for (const [id, status] of statuses) books.set(id, status.conservation)
    // Another word of theirs may not come out in the time that a stop has at this speed.
    await Promise.all(routers.map((router) => router.stop('the watch is over')))
    await backend.close()
  }

  it('has in its tables what the routers said, once and in order, after three kills', async () => {
    const table = await rows('select router_id, epoch, seq::int, event from tollgate.events order by router_id, seq')
    for (const id of ids) {
      const journal = journalOf(id).sort((a, b) => Number(a.seq) - Number(b.seq))
      expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index + 1))
      const written = table.filter(({ router_id }) => router_id === id)
      expect(written.map(({ event }) => comparable(event))).toEqual(journal.map(comparable))
    }
    expect(await rows('select * from tollgate.lost')).toEqual([])
    expect(ofType('agent.started').filter(({ routerId }) => routerId === 'r1')).toHaveLength(2)
    console.log(`history: ${table.length} events of ${ids.length} routers after ${kills} kills of the sink`)
    expect(table.length).toBeGreaterThan(50)
  })

  it('sold and used to the unit: routers, exporter and database', async () => {
    for (const id of ids) {
      const { bytes, milliseconds } = books.get(id) ?? {}
      const shown = (name: string) =>
        Number(metrics.find((line) => line.startsWith(`${name}{router="${id}"}`))?.split(' ')[1])
      expect(shown('tollgate_sold_bytes_total')).toBe(bytes?.sold)
      expect(shown('tollgate_used_bytes_total')).toBe(bytes?.used)
      expect(shown('tollgate_unused_bytes_total')).toBe(bytes?.unused)
      expect(shown('tollgate_remaining_bytes')).toBe(bytes?.remaining)
      expect(shown('tollgate_sold_seconds_total')).toBe(Number(milliseconds?.sold) / 1000)
      expect(shown('tollgate_difference_bytes')).toBe(0)
    }
    const sold = await rows(
      `select router_id, coalesce(sum(allotment) filter (where metric = 'bytes'), 0)::text as bytes,
         coalesce(sum(allotment) filter (where metric = 'milliseconds'), 0)::text as milliseconds
       from tollgate.sales group by 1 order by 1`,
    )
    expect(sold).toEqual(
      ids.map((id) => {
        const { bytes, milliseconds } = books.get(id) ?? {}
        return { router_id: id, bytes: String(bytes?.sold), milliseconds: String(milliseconds?.sold) }
      }),
    )
  })

  it('money and sessions too', async () => {
    const money = await rows(
      `select router_id, unit, paid::text from tollgate.money where paid is not null order by 1, 2`,
    )
    const accepted = ofType('purchase.accepted')
    const paid = ids.map((id) => ({
      ...{ router_id: id, unit: 'sat' },
      // Whole satoshis: nothing is lost in floating point.
      paid: String(accepted.reduce((sum, event) => sum + (event.routerId === id ? (event.paid?.amount ?? 0) : 0), 0)),
    }))
    expect(money).toEqual(paid.filter((row) => row.paid !== '0'))
    for (const { router_id, unit, paid } of money) {
      expect(metrics).toContain(`tollgate_money_total{router="${router_id}",unit="${unit}"} ${paid}`)
    }
    for (const id of ids) {
      const count = accepted.filter(({ routerId }) => routerId === id).length
      expect(metrics).toContain(`tollgate_purchases_total{router="${id}",outcome="accepted"} ${count}`)
    }
    const [counted] = await rows(`
      select count(*)::int as sessions, count(opened)::int as opened, count(ended)::int as ended from tollgate.sessions`)
    expect(counted).toEqual({
      sessions: new Set(accepted.map(({ sessionId }) => sessionId)).size,
      opened: ofType('session.started').length,
      ended: ofType('session.ended').filter(({ part, parts }) => part === parts).length,
    })
    expect(counted.ended).toBeGreaterThan(0)
  })

  it('and what is sold and not settled stands in the last reports', async () => {
    // Used-up purchases that have left a session go on counting in its totals.
    expect(ofType('session.settled')).toEqual([])
    expect(await isEven()).toBe(true)
    expect(await rows('select router_id from tollgate.routers order by 1')).toEqual(
      ids.map((router_id) => ({ router_id })),
    )
  })

  it('prints its views as CSV', () => {
    const program = resolve(import.meta.dirname, '../../bin/tollgate-fleet.js')
    const print = (view: string) =>
      spawnSync(process.execPath, [program, 'csv', view, '--database', postgres.url], { encoding: 'utf8' })
    const { stdout, stderr, status } = print('sales')
    expect([stderr, status]).toEqual(['', 0])
    const [names, ...lines] = stdout.trimEnd().split('\r\n')
    expect(names).toBe('day,router_id,metric,unit,source,purchases,allotment,amount,change')
    expect(new Set(lines.map((line) => line.split(',')[1]))).toEqual(new Set(ids))
    expect(print('secrets').status).toBe(2)
  })

  it('ends in order, and says where there is no database', async () => {
    expect([await sink.end(), sink.output]).toEqual([0, expect.stringMatching(/\d+ events written\n$/)])
    const nowhere = aProgram(['sink', '--database', 'postgres://127.0.0.1:1/x'], { TOLLGATE_URL: broker.url })
    expect(await nowhere.finished).toBe(3)
    expect(nowhere.output).toMatch(/^--database: .*ECONNREFUSED/)
  })
})

// The prices are added to a refusal when it is published, and are not in the journal.
function comparable(event: object): object {
  const { historical: _, metric, stepSize, prices, ...rest } = event as Record<string, unknown>
  return rest.type === 'purchase.rejected' ? rest : { ...rest, metric, stepSize, prices }
}
