// Proves the client against real brokers: it sells, asks, watches and listens, and lives through a broker that comes back
// without its memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { connectFleet, type Fleet, type FleetError, type FleetOptions, type Item } from '../../client/index.ts'
import { aedes, mosquitto, openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { accepted, aMac, aSession, ended, status, usage } from '../support/messages.ts'
import { type PaperRouter, paperRouter } from '../support/paper-router.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function aFleet(options: FleetOptions): Promise<Fleet> {
  const store = mkdtempSync(join(tmpdir(), 'tollgate-client-'))
  const fleet = await connectFleet({ store, ...options })
  ends.push(async () => rmSync(store, { recursive: true, force: true }), fleet.close)
  return fleet
}

async function aRouter(url: string, answers: Parameters<typeof paperRouter>[1] = {}): Promise<PaperRouter> {
  const router = await paperRouter(url, answers)
  ends.push(router.close)
  return router
}

const order = { purchaseId: 'p1', mac: aMac, amount: 1, unit: 'sat' }

describe.each([aedes, mosquitto])('on $name', ({ open, missing }) => {
  async function aBroker(): Promise<TestBroker> {
    const broker = await open()
    ends.push(broker.close)
    return broker
  }
  const needed = test.skipIf(missing)

  needed.each([4, 5] as const)('sells, asks and watches in MQTT version %s', async (mqttVersion) => {
    if (open === aedes.open && mqttVersion === 5) return
    const { url } = await aBroker()
    const router = await aRouter(url, {
      purchase: ({ purchaseId }) => [accepted(1, { purchaseId }), usage(1, [aSession()])],
      command: () => ({ status: 'ok', data: aSession() }),
    })
    await router.say('status', status(1), true)
    const fleet = await aFleet({ url, mqttVersion })
    expect(await fleet.purchase('r1', order)).toMatchObject({ outcome: 'accepted', event: { seq: 1 } })
    expect(await fleet.query('r1', { command: 'session', mac: aMac })).toMatchObject({
      status: 'ok',
      data: { mac: aMac },
    })
    expect(await fleet.routers()).toMatchObject([{ routerId: 'r1', state: 'online' }])
    await router.say('usage', usage(1, [aSession()]))
    expect(await fleet.usage()).toMatchObject([{ routerId: 'r1', sessions: [{ mac: aMac }] }])
  })

  needed('sends a purchase again to a broker that has forgotten it', async () => {
    const broker = await aBroker()
    const fleet = await aFleet({ url: broker.url })
    const result = fleet.purchase('r1', order)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await broker.stop()
    await broker.start()
    await aRouter(broker.url, { purchase: ({ purchaseId }) => [accepted(1, { purchaseId })] })
    expect(await result).toMatchObject({ outcome: 'accepted' })
  })

  needed('gives every event once over a gap, and goes on at a cursor', async () => {
    const { url } = await aBroker()
    const router = await aRouter(url)
    const journal = Array.from({ length: 300 }, (_, index) => ended(index + 1))
    router.keep(journal)
    await router.say('status', status(300), true)
    const fleet = await aFleet({ url })
    const seen: Item[] = []
    let saved = ''
    for await (const { item, cursor } of fleet.events()) {
      seen.push(item)
      if (seen.length === 250) saved = cursor
      if (seen.length === 300) break
    }
    expect(seen.map((item) => 'seq' in item && item.seq)).toEqual(journal.map(({ seq }) => seq))
    for await (const { item } of fleet.events({ from: saved })) {
      expect(item).toMatchObject({ seq: 251, historical: true })
      break
    }
  })
})

describe('what cannot be connected', () => {
  it('is unreachable where no broker is, and waits no longer than it may', async () => {
    const broker = await aedes.open()
    await broker.close()
    const connecting = connectFleet({ url: broker.url, within: 500 })
    await expect(connecting).rejects.toMatchObject({ name: 'FleetError', code: 'unreachable' })
  })

  test.skipIf(mosquitto.missing)('is unauthorised with a wrong password, at once', async () => {
    const broker = await openMosquitto({ user: { name: 'shop', password: 'secret' } })
    ends.push(broker.close)
    const from = performance.now()
    const wrong = connectFleet({ url: broker.url, username: 'shop', password: 'guess' })
    await expect(wrong).rejects.toMatchObject({ code: 'unauthorised' })
    expect(performance.now() - from).toBeLessThan(3000)
    await aFleet({ url: broker.url, username: 'shop', password: 'secret' })
  })

  test.each(['nonsense', 'http://127.0.0.1', 'mqtt://127.0.0.1,mqt://x'])(
    'is an address that is none: %s',
    async (url) => {
      await expect(connectFleet({ url })).rejects.toMatchObject({ code: 'invalid-argument' })
    },
  )

  it('takes the next of several addresses', async () => {
    const [gone, here] = [await aedes.open(), await aedes.open()]
    ends.push(here.close)
    await gone.close()
    await aFleet({ url: `${gone.url},${here.url}` })
  })
})

it('a lost connection is warned of, and nothing waits for it for ever', async () => {
  const broker = await aedes.open()
  const warnings: FleetError[] = []
  const fleet = await aFleet({ url: broker.url, onWarning: (warning) => warnings.push(warning) })
  await broker.close()
  await expect.poll(() => warnings.map(({ code }) => code)).toEqual(['not-taken'])
  expect(await fleet.purchase('r1', order, { within: 100 })).toEqual({ outcome: 'unknown', purchaseId: 'p1' })
  expect(await fleet.command('r1', { command: 'sessions' }, { within: 100 })).toMatchObject({ status: 'unknown' })
})

it('is closed by its signal, and by the end of a block', async () => {
  const broker = await aedes.open()
  ends.push(broker.close)
  const control = new AbortController()
  const fleet = await aFleet({ url: broker.url, signal: control.signal })
  control.abort()
  await expect(fleet.purchase('r1', order)).rejects.toMatchObject({ code: 'closed' })
  expect(fleet[Symbol.asyncDispose]).toBeTypeOf('function')
})
