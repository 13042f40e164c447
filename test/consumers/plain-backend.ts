// A small backend written from the contract alone, without the client; with one mistake, when it is told to make one.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectAsync } from 'mqtt'
import { uuidv7 } from 'uuidv7'

export type Mistake =
  | 'sends once'
  | 'a new id for each try'
  | 'ids of its own'
  | 'retained'
  | 'takes retry for a refusal'
  | 'gives up'
  | 'ignores repetitions'
  | 'never stops'
  | 'keeps the money of refusals'
  | 'refunds a conflict'
  | 'keeps the rest'
  | 'refunds every copy'
  | 'keeps the money of no-shows'
  | 'reads the last part only'
  | 'believes in no gap'
  | 'believes in one epoch'
  | 'stops at the unknown'

type Json = Record<string, unknown>

interface Order {
  routerId: string
  purchase: Json
  ids: Set<unknown>
  outcome: 'unknown' | 'accepted' | 'refused'
  code?: unknown
  refunds: { amount: number; unit: string }[]
  timer?: NodeJS.Timeout
}

interface Journal {
  epoch: unknown
  seq: number
  ahead: Map<number, Json>
}

const again = 400

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one small backend, to be read as one.
export async function plainBackend(
  url: string,
  prefix: string,
  mistake?: Mistake,
): Promise<{ url: string; close(): Promise<void> }> {
  const client = await connectAsync(url)
  const orders = new Map<string, Order>()
  const journals = new Map<string, Journal>()
  const stuck = new Set<string>()
  const has = (one: Mistake) => mistake === one
  const publish = (topic: string, message: object, retain = false) =>
    void client.publishAsync(`${prefix}/${topic}`, JSON.stringify(message), { qos: 1, retain }).catch(() => {})

  function buy(key: string, { router, ...what }: Json): Order {
    const known = orders.get(key)
    if (known && !has('ids of its own')) return known
    const purchase = { purchaseId: has('ids of its own') ? uuidv7() : key, ...what } as Json
    const order: Order = known ?? {
      routerId: String(router),
      purchase,
      ids: new Set(),
      outcome: 'unknown',
      refunds: [],
    }
    orders.set(key, order)
    order.purchase = purchase
    if (order.outcome === 'unknown' || has('ids of its own')) send(order, 0)
    return order
  }

  function send(order: Order, tries: number): void {
    if (has('a new id for each try') && tries > 0) order.purchase = { ...order.purchase, purchaseId: uuidv7() } as Json
    order.ids.add(order.purchase.purchaseId)
    publish(`${order.routerId}/purchase`, order.purchase, has('retained'))
    if (has('gives up') && tries === 3) {
      order.outcome = 'refused'
      return
    }
    if (has('sends once') && !order.refunds.length) return
    order.timer = setTimeout(() => send(order, tries + 1), again)
  }

  function answer(event: Json): void {
    const order = [...orders.values()].find(({ ids }) => ids.has(event.purchaseId))
    if (order?.outcome !== 'unknown') return
    const isFinal = event.final === true || event.retry === false
    if (has('ignores repetitions') && event.duplicate) return
    if (!isFinal && !has('takes retry for a refusal')) {
      if (has('sends once')) send(order, 0)
      return
    }
    order.outcome = event.type === 'purchase.accepted' ? 'accepted' : 'refused'
    order.code = event.code
    if (!has('never stops')) clearTimeout(order.timer)
    const isOwed = order.outcome === 'refused' && (event.final === true || has('refunds a conflict'))
    if (isOwed && !has('keeps the money of refusals')) refund(order, 1)
  }

  function refund(order: Order, share: number): void {
    order.refunds.push({ amount: Number(order.purchase.amount) * share, unit: String(order.purchase.unit) })
  }

  /** In order, each once; what is missing is asked for. */
  function hear(routerId: string, event: Json): void {
    const { epoch, seq } = event
    if (typeof seq !== 'number') return
    const known = journals.get(routerId)
    const isOther = known?.epoch !== epoch && !has('believes in one epoch')
    const journal = known && !isOther ? known : { epoch, seq: 0, ahead: new Map() }
    journals.set(routerId, journal)
    if (seq <= journal.seq && has('refunds every copy')) take(routerId, event)
    if (seq <= journal.seq) return
    if (has('believes in no gap')) {
      journal.seq = seq
      take(routerId, event)
      return
    }
    journal.ahead.set(seq, event)
    for (let next = journal.ahead.get(journal.seq + 1); next; next = journal.ahead.get(journal.seq + 1)) {
      journal.ahead.delete(++journal.seq)
      take(routerId, next)
    }
    if (journal.ahead.size === 0) return
    const range = { epoch, fromSeq: journal.seq + 1, toSeq: Math.min(...journal.ahead.keys()) - 1 }
    publish(`${routerId}/query`, { transaction: uuidv7(), command: 'events.replay', ...range, replyTo: 'plain' })
  }

  function take(routerId: string, event: Json): void {
    if (has('stops at the unknown') && String(event.type).startsWith('session.b')) stuck.add(routerId)
    if (event.type !== 'session.ended') return
    if (stuck.has(routerId)) return
    if (has('keeps the money of no-shows') && event.reason === 'abandoned') return
    if (has('reads the last part only') && event.part !== event.parts) return
    for (const { purchaseId, unused, allotment } of event.purchases as unknown as {
      purchaseId: string
      unused: number
      allotment: number
    }[]) {
      const order = [...orders.values()].find(({ ids }) => ids.has(purchaseId))
      const isKept = has('keeps the rest') && unused < allotment
      if (order && unused > 0 && !isKept) refund(order, unused / allotment)
    }
  }

  client.on('message', (topic, payload) => {
    const [routerId = '', channel] = topic.slice(prefix.length + 1).split('/')
    const event = JSON.parse(String(payload)) as Json
    if (channel === 'usage' && String(event.type).startsWith('purchase.')) answer(event)
    if (event.type !== 'usage') hear(routerId, event)
  })
  await client.subscribeAsync([`${prefix}/+/usage`, `${prefix}/+/reply/plain`], { qos: 1 })

  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    const key = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const order =
      request.method === 'POST' ? buy(String(request.headers['idempotency-key']), JSON.parse(text)) : orders.get(key)
    const { outcome = 'unknown', code, refunds = [] } = order ?? {}
    response.end(JSON.stringify({ outcome, code, refunds }))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const { timer } of orders.values()) clearTimeout(timer)
      server.close()
      server.closeAllConnections()
      await client.endAsync(true)
    },
  }
}
