import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, test } from 'vitest'
import { type Backend, type BackendOptions, createBackend } from '../../broker-dev/backend.ts'
import { createBackendServer } from '../../broker-dev/backend-http.ts'
import { buyByHttp } from '../../broker-dev/http-buyer.ts'
import { accepted, aMac, aSession, r1, rejected } from './builders.ts'
import { aBroker, type FakeAgent, fakeAgent } from './fake-agent.ts'

const order = { mac: aMac, amount: 1, unit: 'sat' }
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A clock that stands still until it is told to go on. */
function aClock() {
  const sleepers = new Set<() => void>()
  return {
    sleep: (_milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        sleepers.add(resolve)
        signal?.addEventListener('abort', () => resolve())
        if (signal?.aborted) resolve()
      }),
    pass() {
      for (const wake of sleepers) wake()
      sleepers.clear()
    },
  }
}

async function aShop(
  answers: Parameters<typeof fakeAgent>[1],
  options: Partial<BackendOptions> = {},
): Promise<{ backend: Backend; agent: FakeAgent; url: string }> {
  const broker = await aBroker()
  const agent = await fakeAgent(broker.url, answers)
  const backend = createBackend({ url: broker.url, ...options })
  await backend.open()
  ends.push(broker.close, agent.close, backend.close)
  return { backend, agent, url: broker.url }
}

describe('the sample backend', () => {
  it('sells, and counts what was accepted', async () => {
    const { backend } = await aShop(({ purchaseId }) => [accepted(1, { purchaseId })])
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'accepted', event: { allotment: 1000 } })
    expect(backend.counts()).toMatchObject({ purchases: 1, accepted: 1, pending: 0, withoutOutcome: 0 })
  })

  it('tells why a purchase was refused, and counts by code', async () => {
    const { backend } = await aShop(({ purchaseId }) => [rejected({ purchaseId })])
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'rejected', event: { code: 'below-minimum' } })
    expect(backend.counts().rejected).toEqual({ 'below-minimum': 1 })
  })

  it('gives every purchase an id of its own', async () => {
    const { backend, agent } = await aShop(({ purchaseId }) => [accepted(1, { purchaseId })])
    await Promise.all([backend.buy(r1, order), backend.buy(r1, order)])
    expect(new Set(agent.heard.map((purchase) => (purchase as { purchaseId: string }).purchaseId)).size).toBe(2)
  })

  it('sends the very same purchase again when no outcome comes', async () => {
    const clock = aClock()
    const { backend, agent } = await aShop(
      ({ purchaseId }, before) => {
        if (before > 0) return [accepted(1, { purchaseId })]
        setImmediate(clock.pass)
        return []
      },
      { clock },
    )
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'accepted' })
    expect(agent.heard).toHaveLength(2)
    expect(agent.heard[1]).toEqual(agent.heard[0])
    expect(backend.counts().sentAgain).toBe(1)
  })

  it('does not take an answer that is not final for the outcome', async () => {
    const clock = aClock()
    const { backend } = await aShop(
      ({ purchaseId }, before) => {
        if (before > 0) return [accepted(1, { purchaseId })]
        const { seq: _, ...event } = {
          ...rejected({ purchaseId, code: 'storage-failure', final: false }),
          seq: undefined,
        }
        setImmediate(clock.pass)
        return [event]
      },
      { clock },
    )
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'accepted' })
  })

  it('takes a repeated answer for the outcome', async () => {
    const { backend } = await aShop(({ purchaseId }) => {
      const { seq: ofSeq, ...first } = accepted(1, { purchaseId })
      return [{ ...first, duplicate: true, ofSeq }]
    })
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'accepted' })
  })

  it('gives up in the end, and says how often it tried', async () => {
    const clock = aClock()
    const { backend } = await aShop(
      () => {
        setImmediate(clock.pass)
        return []
      },
      { clock, tries: 3 },
    )
    expect(await backend.buy(r1, order)).toMatchObject({ outcome: 'no-outcome', sent: 3 })
    expect(backend.counts()).toMatchObject({ withoutOutcome: 1, pending: 0 })
  })

  it('is not confused by what is no JSON, or the outcome of another purchase', async () => {
    const { backend, agent } = await aShop(({ purchaseId }) => [
      ['no event'],
      accepted(1, { purchaseId: 'another' }),
      accepted(2, { purchaseId }),
    ])
    await agent.say(['nonsense'])
    expect(await backend.buy(r1, order)).toMatchObject({ event: { seq: 2 } })
  })
})

describe('the front door of the sample backend', () => {
  async function aDoor(answers: Parameters<typeof fakeAgent>[1], options: Partial<BackendOptions> = {}) {
    const { backend } = await aShop(answers, options)
    const server = createBackendServer(backend).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(async () => server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const post = (body: unknown) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return fetch(`${url}/buy`, { method: 'POST', body: text, headers: { connection: 'close' } })
    }
    return { url, post }
  }

  it('answers with the outcome', async () => {
    const { post } = await aDoor(({ purchaseId }) => [accepted(1, { purchaseId })])
    const response = await post({ router: 'r1', ...order })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ outcome: 'accepted', event: { mac: aMac } })
  })

  it('answers 504 when nobody knows the outcome', async () => {
    const clock = aClock()
    const nothing = () => {
      setImmediate(clock.pass)
      return []
    }
    const { post } = await aDoor(nothing, { clock, tries: 1 })
    expect((await post({ router: 'r1', ...order })).status).toBe(504)
  })

  test.each([
    { body: 'not JSON', problem: 'the body is not JSON' },
    { body: { ...order }, problem: 'router: ' },
    { body: { router: 'r1', amount: 1, unit: 'sat' }, problem: 'mac: ' },
    { body: { router: 'r1', mac: aMac, metric: 'pages', allotment: 1 }, problem: 'metric: ' },
    { body: { router: 'r 1', ...order }, problem: 'router: ' },
  ])('names what is wrong in $body', async ({ body, problem }) => {
    const { post } = await aDoor(() => [])
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(problem)
  })

  it('says how it is doing', async () => {
    const { url } = await aDoor(() => [])
    const response = await fetch(`${url}/health`, { headers: { connection: 'close' } })
    expect(await response.json()).toMatchObject({ status: 'ok', purchases: 0 })
  })

  it('lets a customer know what is left', async () => {
    const session = aSession({ allotment: { bytes: 1000 } })
    const { url } = await aDoor(({ purchaseId }) => [accepted(1, { purchaseId, session })])
    const buy = buyByHttp(url, 'r1')
    expect(await buy(aMac, { amount: 1, unit: 'sat' })).toEqual({ accepted: true, remaining: { bytes: 1000 } })
  })
})
