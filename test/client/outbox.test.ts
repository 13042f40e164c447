// Proves that a purchase is stored before it is sent, is sent until it is answered, and has one outcome.
import { describe, expect, it, test } from 'vitest'
import { FleetError } from '../../client/errors.ts'
import { createOutbox } from '../../client/outbox.ts'
import { memoryStore } from '../../client/stores/memory-store.ts'
import type { Store } from '../../client/stores/store.ts'
import { accepted, aMac, r1, rejected } from '../support/messages.ts'
import { aClock, fakeLink, settled } from './fakes.ts'

const order = { purchaseId: 'p1', mac: aMac, amount: 1, unit: 'sat' }
const usage = 'router/r1/usage'

function anOutbox(store: Store = memoryStore()) {
  const [link, clock] = [fakeLink(), aClock()]
  const warnings: FleetError[] = []
  const outbox = createOutbox({ link, clock, prefix: 'router', store, warn: (warning) => warnings.push(warning) })
  return { link, clock, outbox, warnings, store }
}

describe('a purchase', () => {
  it('has the outcome that the router gives', async () => {
    const { link, outbox } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    expect(link.published).toEqual([{ topic: 'router/r1/purchase', message: order }])
    await link.say(usage, accepted(1))
    expect(await result).toMatchObject({ outcome: 'accepted', purchaseId: 'p1', event: { seq: 1 } })
    expect(outbox.pending()).toEqual([])
  })

  it('gets an id when it has none, and each its own', async () => {
    const { link, outbox } = anOutbox()
    const { purchaseId: _, ...bare } = order
    void outbox.purchase(r1, bare)
    void outbox.purchase(r1, bare)
    await settled()
    expect(new Set(link.published.map(({ message }) => message.purchaseId)).size).toBe(2)
  })

  it('is sent again, the very same, until it is answered', async () => {
    const { link, clock, outbox } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    await clock.advance(20_000)
    expect(link.published.length).toBeGreaterThanOrEqual(3)
    expect(new Set(link.published.map((one) => JSON.stringify(one))).size).toBe(1)
    await link.say(usage, accepted(1))
    await result
    const sent = link.published.length
    await clock.advance(600_000)
    expect(link.published).toHaveLength(sent)
  })

  it('is unknown when nobody answers in time, is sent on, and the same call waits for the same outcome', async () => {
    const { link, clock, outbox } = anOutbox()
    const first = outbox.purchase(r1, order, { within: 1000 })
    await settled()
    await clock.advance(1000)
    expect(await first).toEqual({ outcome: 'unknown', purchaseId: 'p1' })
    const again = outbox.purchase(r1, order)
    await settled()
    await link.say(usage, rejected())
    expect(await again).toMatchObject({ outcome: 'refused', code: 'below-minimum' })
    expect(await outbox.purchase(r1, order)).toMatchObject({ outcome: 'refused' })
    expect(await outbox.outcome('p1')).toMatchObject({ outcome: 'refused' })
  })

  it('goes at once with a new connection', async () => {
    const { link, outbox } = anOutbox()
    link.setConnected(false)
    void outbox.purchase(r1, order)
    await settled()
    expect(link.published).toEqual([])
    link.setConnected(true)
    await settled()
    expect(link.published).toHaveLength(1)
    link.setConnected(true)
    await settled()
    expect(link.published).toHaveLength(2)
  })

  it('is not published in one flood: the broker takes some before it gets more', async () => {
    const { link, outbox } = anOutbox()
    let taken = 0
    link.publish = () => {
      taken++
      return new Promise(() => {})
    }
    for (let number = 0; number < 100; number++) void outbox.purchase(r1, { ...order, purchaseId: `p${number}` })
    await settled()
    expect(taken).toBe(32)
  })

  test.each(['storage-failure', 'too-many-purchases'] as const)(
    'is not refused by %s: it is sent again',
    async (code) => {
      const { link, clock, outbox } = anOutbox()
      const result = outbox.purchase(r1, order)
      await settled()
      await link.say(usage, rejected({ code, final: false, retry: true }))
      await clock.advance(4000)
      expect(link.published.length).toBeGreaterThan(1)
      await link.say(usage, accepted(2, { purchaseId: 'p1' }))
      expect(await result).toMatchObject({ outcome: 'accepted' })
    },
  )

  it('ends with an answer that the same again would not change', async () => {
    const { link, outbox } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    await link.say(usage, rejected({ code: 'conflict', final: false, retry: false, ofSeq: 2 }))
    expect(await result).toMatchObject({ outcome: 'refused', code: 'conflict' })
  })

  it('takes a repeated answer, with fields of a later version, for the outcome', async () => {
    const { link, outbox } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    const { seq: ofSeq, ...first } = accepted(7, { purchaseId: 'p1' })
    await link.say(usage, { ...first, duplicate: true, ofSeq, novelty: 1 })
    expect(await result).toMatchObject({ event: { ofSeq: 7, novelty: 1 } })
  })

  it('is not answered by another router, another purchase, or nonsense', async () => {
    const { link, clock, outbox } = anOutbox()
    const result = outbox.purchase(r1, order, { within: 5000 })
    await settled()
    link.filters.set('router/+/usage', link.filters.get(usage) as never)
    for (const message of ['{', '[]', { type: 'purchase.accepted', purchaseId: 'p1' }, accepted(2)]) {
      await link.say(usage, message)
    }
    await clock.advance(5000)
    expect(await result).toMatchObject({ outcome: 'unknown' })
  })
})

describe('what throws', () => {
  it('is an id that is none', async () => {
    const { outbox } = anOutbox()
    await expect(outbox.purchase(r1, { ...order, purchaseId: 'a b' })).rejects.toMatchObject({
      code: 'invalid-argument',
    })
  })

  it.each([
    { what: 'other content', routerId: r1, other: { ...order, amount: 2 } },
    { what: 'another router', routerId: 'r2' as typeof r1, other: order },
  ])('is an id that was used for $what', async ({ routerId, other }) => {
    const { outbox, link } = anOutbox()
    void outbox.purchase(r1, order)
    await settled()
    await expect(outbox.purchase(routerId, other)).rejects.toMatchObject({ code: 'conflict' })
    expect(link.published).toHaveLength(1)
  })

  it('is a store that refuses, and then nothing was sent', async () => {
    const { outbox, link } = anOutbox({
      ...memoryStore(),
      put: () => Promise.reject(new Error('ENOSPC')),
    })
    await expect(outbox.purchase(r1, order)).rejects.toMatchObject({
      code: 'store-failure',
      cause: new Error('ENOSPC'),
    })
    expect(link.published).toEqual([])
  })

  it('is the reason of a signal, and the purchase is sent on', async () => {
    const { outbox } = anOutbox()
    const control = new AbortController()
    const result = outbox.purchase(r1, order, { signal: control.signal })
    await settled()
    control.abort(new Error('the customer left'))
    await expect(result).rejects.toThrow('the customer left')
    expect(outbox.pending()).toHaveLength(1)
  })
})

describe('a process that comes after', () => {
  it('sends what had no answer, and knows what had one', async () => {
    const store = memoryStore()
    const before = anOutbox(store)
    void before.outbox.purchase(r1, order)
    const answered = before.outbox.purchase(r1, { ...order, purchaseId: 'p2' })
    await settled()
    await before.link.say(usage, accepted(2))
    await answered
    await before.outbox.close()

    const after = anOutbox(store)
    await after.outbox.resume()
    await settled()
    expect(after.link.published).toEqual([{ topic: 'router/r1/purchase', message: order }])
    expect(await after.outbox.outcome('p2')).toMatchObject({ outcome: 'accepted' })
    const result = after.outbox.purchase(r1, order)
    await settled()
    await after.link.say(usage, accepted(1))
    expect(await result).toMatchObject({ outcome: 'accepted' })
  })

  it('stops when it is closed, and whoever waits is told that nothing is known', async () => {
    const { outbox, clock, link } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    await outbox.close()
    expect(await result).toMatchObject({ outcome: 'unknown' })
    await clock.advance(600_000)
    expect(link.published).toHaveLength(1)
    await expect(outbox.purchase(r1, order)).rejects.toMatchObject({ code: 'closed' })
  })

  it('stops sending what is forgotten', async () => {
    const { outbox, clock, link } = anOutbox()
    const result = outbox.purchase(r1, order)
    await settled()
    await outbox.forget('p1')
    expect(await result).toMatchObject({ outcome: 'unknown' })
    await clock.advance(600_000)
    expect(link.published).toHaveLength(1)
  })
})

it('an outcome that cannot be stored is told all the same, and warned of', async () => {
  const { outbox, link, warnings } = anOutbox({ ...memoryStore(), settle: () => Promise.reject(new Error('EIO')) })
  const result = outbox.purchase(r1, order)
  await settled()
  await link.say(usage, accepted(1))
  expect(await result).toMatchObject({ outcome: 'accepted' })
  expect(warnings).toEqual([expect.any(FleetError)])
})
