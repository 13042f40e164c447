// Proves that 25 purchases are each accepted and granted exactly once although the real agent is killed five times at
// random moments meanwhile, on Mosquitto. CRASH_SEED repeats a run.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mulberry32 } from '../../broker-dev/random.ts'
import { mosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'
import { type Ear, listen, liveOf, ofType } from './ear.ts'
import { wrongNumbers } from './verdict.ts'

const devices = 5
const purchases = 25
const kills = 5
const allotment = 1_000_000
const everyMilliseconds = 120

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000)

describe.skipIf(mosquitto.missing)(mosquitto.missing ?? `with seed ${seed}`, () => {
  let broker: TestBroker
  let ear: Ear
  let router: Router
  beforeEach(async () => {
    broker = await mosquitto.open()
    ear = await listen(broker.url)
    router = await openRouter({ url: broker.url })
    for (let device = 1; device <= devices; device++) router.browse(mac(device), ip(device))
    await router.start()
  })
  afterEach(async () => {
    await router.close()
    await ear.close()
    await broker.close()
  })

  const passed = async (started: number, milliseconds: number) =>
    until(() => performance.now() - started >= milliseconds)

  async function buyAll(): Promise<void> {
    const started = performance.now()
    for (let number = 0; number < purchases; number++) {
      await passed(started, number * everyMilliseconds)
      const device = mac((number % devices) + 1)
      await router.publish({ purchaseId: `p${number}`, mac: device, metric: 'bytes', allotment })
    }
  }

  async function killAtRandom(): Promise<number[]> {
    const random = mulberry32(seed)
    const started = performance.now()
    const moments = Array.from({ length: kills }, () => random() * purchases * everyMilliseconds).sort((a, b) => a - b)
    for (const moment of moments) {
      await passed(started, moment)
      await router.kill()
      await router.start()
    }
    return moments
  }

  it('sells each of 25 purchases once, through five SIGKILLs', { timeout: 40_000 }, async () => {
    const [moments] = await Promise.all([killAtRandom(), buyAll()])
    console.log(`seed ${seed}: killed after ${moments.map(Math.round).join(', ')} ms`)
    const voice = ear.of(router.id)
    await until(() => ofType(voice, 'purchase.accepted').length >= purchases)
    await until(() => Array.from({ length: devices }, (_, n) => mac(n + 1)).every(router.portal.gateOpen))
    for (let device = 1; device <= devices; device++) {
      router.portal.transfer(mac(device), { downloaded: (allotment * purchases) / devices, uploaded: 0 })
    }
    await until(() => ofType(voice, 'session.ended').length >= devices)
    await router.stop()
    await until(() => voice.statuses.at(-1)?.state === 'offline')

    const sold = ofType(voice, 'purchase.accepted').map((event) => event.purchaseId)
    const granted = ofType(voice, 'session.ended').flatMap((event) => event.purchases)
    expect(wrongNumbers(voice)).toEqual([])
    expect(sold.toSorted()).toEqual(Array.from({ length: purchases }, (_, n) => `p${n}`).toSorted())
    expect(granted.map((lot) => lot.purchaseId).toSorted()).toEqual(sold.toSorted())
    expect(granted.every((lot) => lot.used === allotment && lot.unused === 0)).toBe(true)
    expect(ofType(voice, 'agent.started').map((event) => event.why)).toEqual([
      'first-start',
      ...Array(kills).fill('after-crash'),
    ])
    expect(liveOf(voice).every((status) => status.conservation.bytes.difference === 0)).toBe(true)
    expect(liveOf(voice).at(-1)?.conservation.bytes).toMatchObject({ sold: purchases * allotment, remaining: 0 })
  })

  it('answers what came while it was dead, also when that was answered before', async () => {
    const purchase = { purchaseId: 'p1', mac: mac(1), metric: 'bytes', allotment }
    await router.publish(purchase)
    await router.hears('session.started')
    // The broker's acknowledgements are on disk with the next checkpoint: only then is a repetition answered by itself.
    await passed(performance.now(), 3000)
    await router.kill()
    await router.publish(purchase)
    await router.publish({ ...purchase, allotment: allotment + 1 })
    await router.start()
    await until(() => ear.of(router.id).answers.length >= 2)

    expect(ear.of(router.id).answers).toMatchObject([
      { type: 'purchase.accepted', duplicate: true },
      { type: 'purchase.rejected', code: 'conflict' },
    ])
  })
})
