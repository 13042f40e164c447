// Proves that the sample backend sells once under its caller's key, refunds what is not used, and goes on where it was.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { type Backend, type BackendOptions, createBackend } from '../../../broker-dev/backend/backend.ts'
import { createBackendServer } from '../../../broker-dev/backend/backend-http.ts'
import { buyByHttp } from '../../../broker-dev/customers/http-buyer.ts'
import { aBroker } from '../../support/brokers/a-broker.ts'
import { accepted, aMac, aSession, ended, rejected, status } from '../../support/messages.ts'
import { type PaperRouter, paperRouter } from '../../support/paper-router.ts'

const order = { mac: aMac, amount: 31, unit: 'sat' }
const paid = { amount: 31, unit: 'sat', pricePerStep: 2, steps: 15, change: 1 }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

type Answers = NonNullable<Parameters<typeof paperRouter>[1]['purchase']>

async function aShop(purchase: Answers, options: Partial<BackendOptions> = {}) {
  const broker = await aBroker()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-backend-'))
  const heard: object[] = []
  const router = await paperRouter(broker.url, {
    purchase(message, before) {
      heard.push(message)
      return purchase(message, before)
    },
  })
  ends.push(broker.close, async () => rmSync(folder, { recursive: true }), router.close)
  const { backend } = await openBackend({ url: broker.url, folder, ...options })
  return { backend, router, heard, folder, url: broker.url }
}

async function openBackend(options: BackendOptions): Promise<{ backend: Backend }> {
  const backend = createBackend(options)
  await backend.open()
  ends.push(backend.close)
  return { backend }
}

const half = (seq: number) =>
  ended(seq, { purchases: [{ purchaseId: 'k1', metric: 'bytes', allotment: 1000, used: 500, unused: 500, paid }] })

describe('the sample backend', () => {
  it('sells under the key of its caller, and once', async () => {
    const { backend, heard } = await aShop(({ purchaseId }) => [accepted(1, { purchaseId })])
    const [one, other] = await Promise.all([backend.buy('k1', 'r1', order), backend.buy('k1', 'r1', order)])
    expect(one).toMatchObject({ outcome: 'accepted', purchaseId: 'k1', event: { allotment: 1000 } })
    expect(other).toEqual(one)
    expect(new Set(heard.map((purchase) => JSON.stringify(purchase))).size).toBe(1)
    await expect.poll(() => backend.counts()).toMatchObject({ purchases: 1, accepted: 1, pending: 0 })
  })

  it('gives back all of a refusal, and counts by code', async () => {
    const { backend } = await aShop(({ purchaseId }) => [
      { ...rejected({ purchaseId, paid: { amount: 31, unit: 'sat' } }), seq: 1 },
    ])
    expect(await backend.buy('k1', 'r1', order)).toMatchObject({ outcome: 'refused', code: 'below-minimum' })
    await expect.poll(() => backend.counts().rejected).toEqual({ 'below-minimum': 1 })
    await expect.poll(() => backend.order('k1')).toMatchObject({ refunds: [{ amount: '31', unit: 'sat' }] })
  })

  it('refunds what was not used with the change, once, also when the event comes again and after a restart', async () => {
    const { backend, router, folder, url } = await aShop(({ purchaseId }) => [accepted(1, { purchaseId }), half(2)])
    await backend.buy('k1', 'r1', order)
    await router.say('usage', half(2))
    const refund = { because: 'e1 2', amount: '16', unit: 'sat', unused: 500 }
    await expect.poll(async () => (await backend.order('k1')).refunds).toEqual([refund])
    await backend.close()
    router.keep([accepted(1, { purchaseId: 'k1' }), half(2), agentLine(3)])
    await router.say('status', status(3), true)
    const { backend: next } = await openBackend({ url, folder })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await next.order('k1')).toMatchObject({ outcome: 'accepted', refunds: [refund] })
  })

  it('says that nothing is known yet, goes on sending, and knows later', async () => {
    const { backend, router } = await aShop(() => [], { withinMilliseconds: 100 })
    expect(await backend.buy('k1', 'r1', order)).toEqual({ outcome: 'unknown', purchaseId: 'k1', refunds: [] })
    expect(backend.counts().pending).toBe(1)
    await router.say('usage', accepted(1, { purchaseId: 'k1' }))
    await expect.poll(async () => (await backend.order('k1')).outcome).toBe('accepted')
  })
})

const agentLine = (seq: number) => accepted(seq, { purchaseId: 'another' })

it('a webhook is told of every outcome and refund until it has answered', async () => {
  const told: { event: { type: string }; refunds: object[] }[] = []
  let refusals = 1
  const hook = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    if (refusals-- > 0) return void response.writeHead(500).end()
    told.push(JSON.parse(text))
    response.end()
  }).listen(0, '127.0.0.1')
  await once(hook, 'listening')
  ends.push(async () => hook.close())
  const webhook = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`
  const { backend } = await aShop(({ purchaseId }) => [accepted(1, { purchaseId }), half(2)], { webhook })
  await backend.buy('k1', 'r1', order)
  await expect
    .poll(() => told.map(({ event, refunds }) => [event.type, refunds.length]), { timeout: 5000 })
    .toEqual([
      ['purchase.accepted', 0],
      ['session.ended', 1],
    ])
})

describe('the front door of the sample backend', () => {
  async function aDoor(answers: Answers, options: Partial<BackendOptions> = {}) {
    const shop = await aShop(answers, options)
    const server = createBackendServer(shop.backend).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => {
      server.close()
      server.closeAllConnections()
    })
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const post = (body: unknown, key: string | undefined = 'k1') => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return fetch(`${url}/buy`, { method: 'POST', body: text, headers: key === '' ? {} : { 'idempotency-key': key } })
    }
    return { ...shop, url, post }
  }

  it('answers with the outcome, and tells it later', async () => {
    const { post, url } = await aDoor(({ purchaseId }) => [accepted(1, { purchaseId })])
    const response = await post({ router: 'r1', ...order })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ outcome: 'accepted', event: { mac: aMac }, refunds: [] })
    expect(await (await fetch(`${url}/orders/k1`)).json()).toMatchObject({ outcome: 'accepted' })
  })

  it('answers 202 while nobody knows the outcome, and 409 when the key was used for something else', async () => {
    const { post } = await aDoor(() => [], { withinMilliseconds: 50 })
    expect((await post({ router: 'r1', ...order })).status).toBe(202)
    expect((await post({ router: 'r1', ...order, amount: 32 })).status).toBe(409)
  })

  test.each([
    { body: 'not JSON', problem: 'the body is not JSON' },
    { body: { ...order }, problem: 'router: ' },
    { body: { router: 'r1', amount: 1, unit: 'sat' }, problem: 'mac: ' },
    { body: { router: 'r1', mac: aMac, metric: 'pages', allotment: 1 }, problem: 'metric: ' },
    { body: { router: 'r 1', ...order }, problem: 'router: ' },
    { body: { router: 'r1', ...order }, key: '', problem: 'Idempotency-Key' },
  ])('names what is wrong in $body', async ({ body, key, problem }) => {
    const { post } = await aDoor(() => [])
    const response = await post(body, key)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(problem)
  })

  it('says how it is doing', async () => {
    const { url } = await aDoor(() => [])
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok', purchases: 0 })
  })

  it('lets a customer know what is left, also one that had to wait', async () => {
    const session = aSession({ allotment: { bytes: 1000 } })
    const router: { say?: PaperRouter['say'] } = {}
    const shop = await aDoor(
      ({ purchaseId }) => {
        setTimeout(() => void router.say?.('usage', accepted(1, { purchaseId, session })), 150)
        return []
      },
      { withinMilliseconds: 50 },
    )
    router.say = shop.router.say
    expect(await buyByHttp(shop.url, 'r1', 50)(aMac, { amount: 1, unit: 'sat' })).toEqual({
      accepted: true,
      remaining: { bytes: 1000 },
    })
  })
})
