// Input of backend, monitors and page: messages of routers, of which one may be in a thief's hands; cursors; what a browser asks for.

import { describeEvent } from '../../cli/describe.ts'
import { addressesOf } from '../../client/address.ts'
import { positionsOf } from '../../client/cursor.ts'
import { FleetError } from '../../client/errors.ts'
import { eventsOf, type Item } from '../../client/events.ts'
import type { Handler, Link } from '../../client/link.ts'
import { createOutbox } from '../../client/outbox.ts'
import { jsonOf } from '../../client/reading.ts'
import { memoryStore } from '../../client/stores/memory-store.ts'
import { createWatching, type Report } from '../../client/watching.ts'
import { exposed } from '../../metrics/exposition.ts'
import { familiesOf } from '../../metrics/families.ts'
import { count, newTally } from '../../metrics/tally.ts'
import { routerRowsOf, rowsOf, storable } from '../../monitor/storable.ts'
import { createActs } from '../../page/server/acts.ts'
import { refusalOf } from '../../page/server/admission.ts'
import { createPicture } from '../../page/server/picture.ts'
import { RouterId } from '../../protocol/index.ts'
import { examples } from './at-the-router.ts'
import { jsonsOf, promise, type Target, textsOf, throwsOnly } from './target.ts'

const r1 = RouterId.parse('r1')
const never = (signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal?.aborted) resolve()
    signal?.addEventListener('abort', () => resolve())
  })
let ticks = 0
const clock = { now: () => (ticks += 100), sleep: (_: number, signal?: AbortSignal) => never(signal) }
const wall = () => Date.parse('2026-11-22T10:00:00.000Z')

/** A link on which that is said, once all are subscribed. */
function aLink() {
  const heard = new Map<string, Handler>()
  const link: Link = {
    connected: true,
    open: async () => {},
    close: async () => {},
    publish: async () => {
      throw new FleetError('not-taken', 'nobody is there')
    },
    async subscribe(filter, handler) {
      heard.set(filter, handler)
      return () => {}
    },
    onConnected: () => {},
  }
  const say = async (channel: string, payload: Uint8Array) => {
    for (const filter of ['+', 'r1'].map((router) => `router/${router}/${channel}`)) {
      await heard.get(filter)?.({ topic: `router/r1/${channel}`, payload, retained: false, qos: 1 })
    }
  }
  return { link, say }
}

async function itemsOf(payload: Uint8Array): Promise<Item[]> {
  const { link, say } = aLink()
  const closed = new AbortController()
  const items: Item[] = []
  const parts = { openLink: async () => link, clock, prefix: 'router', closed: closed.signal, warn: () => {} }
  await new Promise<void>((resolve, reject) => {
    const read = async () => {
      for await (const { item } of eventsOf(parts, { from: 'now', onListening: resolve })) items.push(item)
    }
    read().catch(reject)
  })
  await say('usage', payload)
  await new Promise((resolve) => setImmediate(resolve))
  closed.abort()
  return items
}

/** PostgreSQL refuses these. */
const isStorable = (text: string) => !/\\u(0000|d[89a-f])/i.test(text)

const ofR1 = (event: object) => ({ ...event, routerId: 'r1' })
const events: Target = {
  name: 'events',
  samples: jsonsOf(...examples('agent.', 'gate.', 'session.', 'purchase.accepted', 'purchase.rejected').map(ofR1), {
    ...ofR1(examples('agent.started')[0] ?? {}),
    type: 'of.tomorrow',
    more: { strange: ['\0', '\ud800'] },
  }),
  async check(input) {
    const items = await itemsOf(input)
    const { events: rows } = rowsOf(items)
    promise(
      items.every(({ routerId }) => routerId === r1),
      'a router speaks for itself alone',
    )
    promise(
      rows.every((row) => row.router_id === r1 && isStorable(storable(row.event))),
      'a history takes every event',
    )
    const [tally, picture] = [newTally(), createPicture({ now: () => 0, wall })]
    for (const item of items) {
      count(tally, item)
      picture.seeItem(item)
      if (item.type !== 'lost' && item.type !== 'unrecognised') describeEvent(item)
    }
    JSON.stringify([picture.since(-1), picture.detailSince(-1, r1), picture.sales()])
    promise(
      [...exposed(familiesOf([{ routerId: r1, state: 'online', tally }]), 'classic')].length > 0,
      'metrics are told',
    )
  },
}

const reports: Target = {
  name: 'reports',
  samples: jsonsOf(...examples('status.', 'usage').map(ofR1)),
  async check(input) {
    const { link, say } = aLink()
    const closed = new AbortController()
    const watching = createWatching({ link, clock, prefix: 'router', closed: closed.signal, keepReports: true })
    const told: Report[] = []
    const read = async () => {
      for await (const report of watching.reports()) told.push(report)
    }
    const reading = read()
    // Nobody waits for statuses that are not there.
    await new Promise((resolve) => setImmediate(resolve))
    await Promise.all([say('status', input), say('usage', input)])
    closed.abort()
    await reading
    const picture = createPicture({ now: () => 0, wall })
    for (const report of told) picture.seeReport(report)
    promise(
      told.every(({ routerId }) => routerId === r1),
      'a router speaks for itself alone',
    )
    const rows = routerRowsOf(told)
    promise(
      rows.every(({ status, report }) => isStorable(storable([status, report]))),
      'a history takes every report',
    )
    JSON.stringify([picture.since(-1), picture.detailSince(-1, r1)])
    const facts = told.flatMap((one) => ('status' in one && one.status.state !== 'offline' ? [one.status] : []))
    const told1 = facts.map((status) => ({ routerId: r1, state: status.state, status, tally: newTally() }))
    promise([...exposed(familiesOf(told1), 'openmetrics')].length > 0, 'metrics are told')
  },
}

const order = { purchaseId: 'p1', mac: 'ac:e0:10:12:2d:75', amount: 1, unit: 'sat' }
const answers: Target = {
  name: 'answers',
  samples: jsonsOf(
    ...examples('purchase.accepted', 'purchase.rejected').map((event) => ({ ...ofR1(event), purchaseId: 'p1' })),
  ),
  async check(input) {
    const { link, say } = aLink()
    const outbox = createOutbox({ link, clock, prefix: 'router', store: memoryStore(), warn: () => {} })
    const buying = outbox.purchase(r1, order)
    await new Promise((resolve) => setImmediate(resolve))
    await say('usage', input)
    const isPending = outbox.pending().length > 0
    await outbox.close()
    const { outcome } = await buying
    promise(isPending === (outcome === 'unknown'), 'what has no outcome is sent on')
    promise(outcome === 'unknown' || Buffer.from(input).includes('p1'), 'an outcome is that of this purchase')
  },
}

const cursor: Target = {
  name: 'cursor',
  samples: jsonsOf({ version: 1, routers: { r1: { epoch: 'e', seq: 7 }, r2: { epoch: 'f', seq: 1 } } }),
  check(input) {
    throwsOnly(() => positionsOf(Buffer.from(input).toString()).toString(), FleetError)
  },
}

const page: Target = {
  name: 'page',
  samples: jsonsOf(
    { router: 'r1', ...order },
    { router: 'r1', purchaseId: 'p1', mac: order.mac, metric: 'bytes', allotment: 5 },
    { router: 'r1', command: 'session.end', transaction: 't', mac: order.mac },
    { router: 'r1', command: 'session.move', transaction: 't', from: order.mac, to: 'ac:e0:10:12:2d:76' },
    { router: 'r1', purchaseId: 'p1' },
  ),
  async check(input) {
    const asked: string[] = []
    const ask = async (router: string) => {
      asked.push(router)
      return {} as never
    }
    const acts = createActs({ fleet: { purchase: ask, command: ask, query: ask }, isReadOnly: false })
    const content = jsonOf(input) ?? {}
    for (const path of ['/api/buy', '/api/act', '/api/explain', '/api/fault', '/api/__proto__']) {
      const answer = await acts(path, content)
      promise(answer === undefined || [200, 400, 404].includes(answer.status), 'a browser gets an answer')
    }
    promise(
      asked.every((router) => RouterId.safeParse(router).success),
      'a router is asked that can be one',
    )
  },
}

const rules = { host: '127.0.0.1', port: 8090, names: [], token: 'a-token-of-the-fuzz' }
const admission: Target = {
  name: 'admission',
  samples: jsonsOf(
    { host: '127.0.0.1:8090', authorization: `Bearer ${rules.token}`, 'content-type': 'application/json' },
    { host: 'localhost', cookie: `a=b; tollgate_8090=${rules.token}`, origin: 'http://localhost' },
  ),
  check(input) {
    // HTTP gives each as text.
    const headers = Object.fromEntries(
      Object.entries(jsonOf(input) ?? {}).map(([name, value]) => [name, JSON.stringify(value).replaceAll('"', '')]),
    )
    const isIn = refusalOf({ method: 'POST', headers }, rules, false) === undefined
    promise(!isIn || JSON.stringify(headers).includes(rules.token), 'nobody is let in without the token')
  },
}

const texts: Target = {
  name: 'broker-url',
  samples: textsOf(
    'mqtt://127.0.0.1:1883',
    'mqtts://user:pass%20word@broker.example/x?y',
    'wss://[::1]:1',
    'mqtt+unix:///tmp/x',
  ),
  check(input) {
    const url = new TextDecoder().decode(input)
    throwsOnly(() => addressesOf({ url }, () => {})(), FleetError)
  },
}

export const atTheBackend = [events, reports, answers, cursor, page, admission, texts]
