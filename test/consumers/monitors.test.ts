// Five routers' lives under drawn faults, 20 times as fast, watched by an exporter, a page and a sink that is killed three times: the
// tables are what the routers said, once and in order, and every figure of exporter, database and page is the one in the routers' books.
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
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { type Link, openLink } from '../../broker-dev/broker/link.ts'
import type { FaultyRouter } from '../../broker-dev/faults/doings.ts'
import { createInjector } from '../../broker-dev/faults/injector.ts'
import { createRouter, type Router } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { within } from '../../broker-dev/waiting.ts'
import { type Event, type EventOf, RouterId, type Status } from '../../protocol/index.ts'
import { isMissing, openPostgres, type Postgres } from '../support/processes/postgres.ts'
import { comparable, eventsOnDisk, loggedEvents } from '../support/router-events.ts'
import { until } from '../support/until.ts'
import { aProgram, type RunningProgram } from './a-program.ts'
import { createDrawnFaults } from './drawn-faults.ts'

const speed = Number(process.env.MONITOR_SPEED ?? 20)
// MONITOR_SECONDS=1800 makes it ten hours of their time.
const seconds = Number(process.env.MONITOR_SECONDS ?? 20)
const kills = 3
const ids = [1, 2, 3, 4, 5].map((number) => RouterId.parse(`r${number}`))
const clock = scaledClock(speed)

type Buy = Parameters<typeof createRouter>[0]['buy']
type Table = Record<string, string>[]

describe.skipIf(isMissing)(isMissing ? 'postgresql is not installed' : 'a fleet that is watched', () => {
  let folder = ''
  const broker = createBroker()
  let url = ''
  const links: Link[] = []
  let postgres: Postgres
  let pool: pg.Pool
  let recorder: MqttClient
  let exporter: RunningProgram
  let page: RunningProgram
  let sink: RunningProgram
  let metrics: string[] = []
  /** The tables of a page that saw it all, and of one that has begun at the end with the history. */
  const shown: { routers: Table; sales: Table }[] = []
  /** All that the routers' agents ever had on their disks, by router, epoch and number. */
  const history = new Map<string, Event>()
  let events: Event[] = []
  /** The sessions in the history when it held just those: a router goes on until it is switched off. */
  let sessions = { sessions: 0, opened: 0, ended: 0 }
  const statuses = new Map<string, Status>()
  const books = new Map<string, Status['conservation']>()

  const startPage = (...more: string[]) =>
    aProgram(['page', '--listen', '127.0.0.1:0', '--read-only', ...more], { TOLLGATE_URL: url })
  const startSink = () => aProgram(['sink'], { TOLLGATE_URL: url, TOLLGATE_DATABASE: postgres.url })
  const rows = async (sql: string) => (await pool.query(sql)).rows
  const journalOf = (id: string) => events.filter(({ routerId }) => routerId === id)
  const ofType = <T extends Event['type']>(type: T) =>
    events.filter((event): event is EventOf<T> => event.type === type)

  beforeAll(
    async () => {
      folder = mkdtempSync(join(tmpdir(), 'tollgate-monitors-'))
      const ports = await broker.open({ port: 0, wsPort: 0 })
      url = `mqtt://127.0.0.1:${ports.port}`
      for (const _ of ids)
        links.push(await openLink(ports.port, { sleep: (milliseconds) => clock.sleep(milliseconds) }))
      postgres = openPostgres()
      pool = new pg.Pool({ connectionString: postgres.url })
      recorder = await connectAsync(url)
      recorder.on('message', hear)
      await recorder.subscribeAsync('router/+/status', { qos: 1 })
      exporter = aProgram(['exporter', '--listen', '127.0.0.1:0'], { TOLLGATE_URL: url })
      const [, address = ''] = await exporter.says(/metrics at (http:\S+)/)
      const health = address.replace('/metrics', '/healthz')
      await until(async () => (await fetch(health)).status === 200)
      page = startPage()
      await page.says(/the page is at/)
      sink = startSink()
      await live(address)
    },
    1300 * seconds + 180_000,
  )
  afterAll(async () => {
    await sink.end('SIGKILL')
    await Promise.all([exporter.end(), page.end()])
    await pool.end()
    postgres.close()
    await recorder.endAsync(true)
    for (const link of links) link.close()
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Until no router has said anything new for a while. */
  async function quiet(): Promise<void> {
    let before = ''
    let since = performance.now()
    await until(() => {
      const now = JSON.stringify([...statuses.values()].map(({ journal, conservation }) => [journal, conservation]))
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

  function aRouter(routerId: RouterId, buy: Buy): Router {
    const index = ids.indexOf(routerId)
    const stateDir = join(folder, routerId)
    mkdirSync(stateDir, { recursive: true })
    return createRouter({
      ...{ routerId, number: index + 1, buy, devices: 6, seed: 11, clock, link: linkOf(routerId) },
      flavour: (['nodogsplash', 'opennds', 'opennds-10'] as const)[index] ?? 'nodogsplash',
      env: {
        AGENT_MQTT_URL: `mqtt://127.0.0.1:${linkOf(routerId).port}`,
        ...{ AGENT_STATE_DIR: stateDir, AGENT_LINK_MBIT: '500' },
      },
      logFile: logOf(routerId),
    })
  }

  function logOf(routerId: RouterId): string {
    return join(folder, `${routerId}.log`)
  }

  function linkOf(routerId: RouterId): Link {
    const link = links[ids.indexOf(routerId)]
    if (!link) throw new Error(`${routerId} has no link`)
    return link
  }

  function note(some: readonly Event[]): void {
    for (const event of some) history.set(`${event.routerId} ${event.epoch} ${event.seq}`, event)
  }

  /** Whether the sink has all that the router has said: a full disk forgets what the broker has taken. */
  async function isWritten(routerId: string): Promise<boolean> {
    const [{ count }] = await rows(`select count(*)::int from tollgate.events where router_id = '${routerId}'`)
    return count >= (statuses.get(routerId)?.journal?.lastSeq ?? 0)
  }

  function hear(_topic: string, payload: Buffer): void {
    const status = JSON.parse(String(payload))
    statuses.set(status.routerId, status)
  }

  /** Under drawn faults. The sink is killed at moments of no meaning, and a router and its portal are switched off and on. */
  async function live(address: string): Promise<void> {
    const backend = createBackend({ url, folder: join(folder, 'backend') })
    await backend.open()
    const buyAt = (routerId: RouterId): Buy => {
      return async (mac, order) => {
        const result = await backend.buy(uuidv7(), routerId, { mac, ...order })
        if (result.outcome !== 'accepted') return { accepted: false }
        return { accepted: true, remaining: result.event.session?.remaining ?? {} }
      }
    }
    const routers = new Map(ids.map((routerId) => [routerId, aRouter(routerId, buyAt(routerId))]))
    const ports = { port: Number(new URL(url).port), wsPort: 0 }
    const injector = createInjector({
      routers: ids.map((routerId) => faultyRouter(routerId, routers)),
      broker: { drop: broker.close, comeBack: async () => void (await broker.open(ports)) },
      clock,
    })
    const faults = createDrawnFaults(injector, ids, 5, {
      // A sink has minutes for its question; at this speed the disk would be full, and healed, before it had asked.
      'fill-disk': isWritten,
    })
    for (const router of routers.values()) await router.open()
    await until(() => ids.every((id) => statuses.get(id)?.state === 'online'))
    for (const router of routers.values()) router.openCustomers()
    const stretch = (seconds * 1000) / (kills + 1)
    for (let kill = 0; kill < kills; kill++) {
      await faults.drawFor(stretch - 700)
      await sink.end('SIGKILL')
      await sleepFor(700)
      sink = startSink()
      if (kill === 0) await switchOffAndOn(RouterId.parse('r1'), routers, buyAt)
    }
    await faults.drawFor(stretch)
    await settle(routers, backend)
    metrics = (await (await fetch(address)).text()).split('\n')
    for (const [id, status] of statuses) books.set(id, status.conservation)
    shown.push(await shownBy(page))
    const late = startPage('--database', postgres.url)
    shown.push(await shownBy(late))
    await late.end()
    console.log(`faults: ${JSON.stringify(faults.counts)}`)
    // Another word of theirs may not come out in the time that a stop has at this speed.
    await Promise.all([...routers.values()].map((router) => router.stop('the watch is over')))
    await backend.close()
  }

  /** Whatever router stands there now. */
  function faultyRouter(routerId: RouterId, routers: ReadonlyMap<RouterId, Router>): FaultyRouter {
    const here = (): Router => {
      const router = routers.get(routerId)
      if (!router) throw new Error(`there is no ${routerId}`)
      return router
    }
    return {
      ...{ routerId, link: linkOf(routerId) },
      get portal() {
        return here().portal
      },
      get crowd() {
        return here().crowd
      },
      get machine() {
        return here().machine
      },
      async killAgent() {
        await here().killAgent()
        // Its log may lack the last of them.
        note(eventsOnDisk(join(folder, routerId)))
      },
      startAgent: () => here().startAgent(),
      setMachine: (changed) => here().setMachine(changed),
    }
  }

  async function switchOffAndOn(routerId: RouterId, routers: Map<RouterId, Router>, buyAt: (id: RouterId) => Buy) {
    await routers.get(routerId)?.stop('the power is gone')
    const router = aRouter(routerId, buyAt(routerId))
    routers.set(routerId, router)
    await router.open()
    router.openCustomers()
  }

  /** Every order has its answer, nobody uses anything any more, and all that was said is heard and written. */
  async function settle(routers: ReadonlyMap<RouterId, Router>, backend: ReturnType<typeof createBackend>) {
    await within(5000, Promise.all([...routers.values()].map((router) => router.stopBuying())))
    await until(() => backend.counts().pending === 0, 75_000)
    await Promise.all([...routers.values()].map((router) => router.stopCustomers()))
    await quiet()
    // Events that faults have kept from the sink come with replays.
    await until(
      async () => {
        await sleepFor(500)
        for (const routerId of ids) note([...loggedEvents(logOf(routerId)), ...eventsOnDisk(join(folder, routerId))])
        events = [...history.values()]
        const written = async () => (await rows('select count(*)::int as count from tollgate.events'))[0].count
        const before = await written()
        ;[sessions] = await rows(`
          select count(*)::int as sessions, count(opened)::int as opened, count(ended)::int as ended from tollgate.sessions`)
        return before === events.length && (await isEven()) && (await written()) === before
      },
      30_000 + 200 * seconds,
    )
  }

  async function shownBy(program: RunningProgram): Promise<{ routers: Table; sales: Table }> {
    const [, address] = await program.says(/the page is at (http:\S+\/)/)
    const routers = () => tableAt(`${address}routers.csv`)
    // A page that has just started has not heard everybody yet; what it says then is judged below.
    const [before] = shown
    const isSettled = async () =>
      !before || JSON.stringify((await routers()).map(figures)) === JSON.stringify(before.routers.map(figures))
    await until(isSettled, 15_000).catch(() => {})
    return { routers: await routers(), sales: await tableAt(`${address}sales.csv`) }
  }

  it('has in its tables what the routers said, once and in order, after three kills', async () => {
    const table = await rows('select router_id, epoch, seq::int, event from tollgate.events order by router_id, seq')
    for (const id of ids) {
      const journal = journalOf(id).sort((a, b) => Number(a.seq) - Number(b.seq))
      expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index + 1))
      // A router that is switched off at the end has one more word.
      const written = table.filter(({ router_id, seq }) => router_id === id && seq <= journal.length)
      expect(written.map(({ event }) => comparable(event))).toEqual(journal.map(comparable))
    }
    expect(await rows('select * from tollgate.lost')).toEqual([])
    expect(ofType('agent.started').filter(({ routerId }) => routerId === 'r1').length).toBeGreaterThan(1)
    console.log(`history: ${events.length} events of ${ids.length} routers after ${kills} kills of the sink`)
    expect(events.length).toBeGreaterThan(50)
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
    expect(sessions).toEqual({
      sessions: new Set(accepted.map(({ sessionId }) => sessionId)).size,
      opened: ofType('session.started').length,
      ended: ofType('session.ended').filter(({ part, parts }) => part === parts).length,
    })
    expect(sessions.ended).toBeGreaterThan(0)
  })

  it('and on the page, by what it saw or by the history', async () => {
    const inMoney = new Map<string, string>()
    for (const { router_id, unit, paid } of await rows(
      'select router_id, unit, paid::text from tollgate.money where paid is not null',
    )) {
      inMoney.set(router_id, `${paid} ${unit}`)
    }
    const open = new Map<string, number>()
    for (const { router_id, count } of await rows(
      'select router_id, count(*)::int from tollgate.sessions where ended is null group by 1',
    )) {
      open.set(router_id, count)
    }
    const sales = await rows(`
      select day::text, router_id, metric, coalesce(unit, '') as unit, coalesce(source, '') as source,
        purchases::text, allotment::text, coalesce(amount::text, '') as amount, coalesce(change::text, '') as change
      from tollgate.sales order by 1 desc, 2, 3, 4`)
    for (const { routers, sales: sold } of shown) {
      expect(routers.map(({ router_id }) => router_id).sort()).toEqual(ids)
      for (const row of routers) {
        const { bytes, milliseconds } = books.get(row.router_id ?? '') ?? {}
        expect(row).toMatchObject({
          sold_bytes: String(bytes?.sold),
          used_bytes: String(bytes?.used),
          sold_milliseconds: String(milliseconds?.sold),
          used_milliseconds: String(milliseconds?.used),
          money: inMoney.get(row.router_id ?? ''),
        })
        expect(Number(row.open) + Number(row.waiting) + Number(row.paused)).toBe(open.get(row.router_id ?? '') ?? 0)
      }
      expect(sold.map((row) => JSON.stringify(row)).sort()).toEqual(sales.map((row) => JSON.stringify(row)).sort())
    }
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
    const nowhere = aProgram(['sink', '--database', 'postgres://127.0.0.1:1/x'], { TOLLGATE_URL: url })
    expect(await nowhere.finished).toBe(3)
    expect(nowhere.output).toMatch(/^--database: .*ECONNREFUSED/)
  })
})

/** Without fields that hold a comma before those that are compared. */
async function tableAt(address: string): Promise<Table> {
  const [head = '', ...lines] = (await (await fetch(address)).text()).trimEnd().split('\r\n')
  const names = head.split(',')
  return lines.map((line) => {
    const values = line.split(',')
    return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
  })
}

function figures({ router_id, sold_bytes, open, waiting, paused }: Table[number]) {
  return [router_id, sold_bytes, open, waiting, paused]
}
