// The same cases for every broker: the agent as a process, as a backend, a monitor and a customer see it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BrokerKind, TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

type Told = Router['heard'][number]

const megabytes = 1_000_000
const phone = mac(1)

export function casesOn(kind: BrokerKind): void {
  const { name, open, missing } = kind
  describe.skipIf(missing)(missing ? `on ${name}, skipped: ${missing}` : `on ${name}`, () => {
    describe('one agent', () => casesOfCustomers(kind))

    let broker: TestBroker
    let routers: Router[] = []
    beforeEach(async () => {
      broker = await open()
    })
    afterEach(async () => {
      await Promise.all(routers.map((router) => router.close()))
      routers = []
      await broker.close()
    })
    async function aRouter(): Promise<Router> {
      const router = await openRouter({ url: broker.url })
      routers.push(router)
      await router.start()
      return router
    }
    const time = (purchaseId: string, allotment: number) => ({
      purchaseId,
      mac: phone,
      metric: 'milliseconds',
      allotment,
    })
    const used = (router: Router) => router.ofType('usage').at(-1)?.sessions[0]?.used.bytes

    it('goes on at the right figure after SIGKILL and charges what was used meanwhile', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish(bytes('p1', 20 * megabytes))
      await router.hears('session.started')
      router.portal.transfer(phone, { downloaded: 5 * megabytes, uploaded: 0 })
      await until(() => used(router) === 5 * megabytes)
      await router.kill()
      router.portal.transfer(phone, { downloaded: 3 * megabytes, uploaded: megabytes })
      await router.start()
      await until(() => used(router) === 9 * megabytes)
      router.portal.transfer(phone, { downloaded: 11 * megabytes, uploaded: 0 })
      const [ended] = await router.hears('session.ended')
      expect(ended).toMatchObject({ downloaded: 19 * megabytes, uploaded: megabytes, used: { bytes: 20 * megabytes } })
      expect(router.portal.gateOpen(phone)).toBe(false)
    })

    it('applies a purchase published while it was down, once', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.stop()
      await router.publish(bytes('p1', 10 * megabytes))
      await router.start()
      await router.hears('session.started')
      expect(router.ofType('purchase.accepted')).toHaveLength(1)
    })

    it('closes on time while the broker is away, and tells everything afterwards, in order', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      // Long enough for the broker to be gone before it ends, also on a machine that is busy.
      await router.publish(time('p1', 3000))
      await router.hears('session.started')
      await broker.stop()
      await until(() => !router.portal.gateOpen(phone))
      await broker.start()
      await router.hears('session.ended')
      const numbers = [...new Set(router.heard.flatMap((message) => ('seq' in message ? [message.seq] : [])))]
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    })

    it('stops on SIGTERM with code 0, says so, and leaves paid gates open', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish(bytes('p1', 10 * megabytes))
      await router.hears('session.started')
      expect(await router.stop()).toBe(0)
      await until(() => router.statuses.at(-1)?.state === 'offline')
      expect(router.ofType('agent.stopped')).toHaveLength(1)
      expect(router.portal.gateOpen(phone)).toBe(true)
    })

    it('is offline by its last will when it vanishes', async () => {
      const router = await aRouter()
      await router.kill()
      await until(() => router.statuses.at(-1)?.state === 'offline')
    })
  })
}

/** Each customer has a device of its own, so that one agent serves them all: a start costs a machine more than a sale. */
function casesOfCustomers({ open }: BrokerKind): void {
  let broker: TestBroker
  let router: Router
  beforeAll(async () => {
    broker = await open()
    router = await openRouter({ url: broker.url })
    await router.start()
  })
  afterAll(async () => {
    await router?.close()
    await broker?.close()
  })

  let customers = 0

  /** A device on the LAN, and what is said of it. */
  function aCustomer() {
    const number = ++customers
    const device = mac(number)
    const ofType = <T extends Told['type']>(type: T) =>
      router.ofType(type).filter((message) => 'mac' in message && message.mac === device)
    return {
      device,
      id: (purchase: string) => `${purchase}-${number}`,
      browse: () => router.browse(device, ip(number)),
      ofType,
      async hears<T extends Told['type']>(type: T, count = 1) {
        await until(() => ofType(type).length >= count, 15_000)
        return ofType(type)
      },
      session: () =>
        router
          .ofType('usage')
          .at(-1)
          ?.sessions.find((session) => session.mac === device),
    }
  }

  it('sells 682,622,976 bytes for 31 sat and opens the gate', async () => {
    const { device, id, browse, hears } = aCustomer()
    browse()
    await router.publish({
      purchaseId: id('p1'),
      mac: device.toUpperCase(),
      amount: 31,
      unit: 'sat',
      reference: 'invoice-7781',
    })
    const [accepted] = await hears('purchase.accepted')
    await hears('session.started')
    expect(accepted).toMatchObject({ allotment: 682_622_976, mac: device, reference: 'invoice-7781', final: true })
    expect(router.portal.gateOpen(device)).toBe(true)
  })

  it('adds a second purchase and forgives nothing', async () => {
    const { device, id, browse, hears, session } = aCustomer()
    const opened = () => router.calls.filter((call) => call.startsWith('auth')).length
    const before = opened()
    browse()
    await router.publish(bytes(id('p1'), 10 * megabytes, device))
    await hears('session.started')
    router.portal.transfer(device, { downloaded: 8 * megabytes, uploaded: megabytes })
    await until(() => session()?.used.bytes === 9 * megabytes)
    await router.publish(bytes(id('p2'), 10 * megabytes, device))
    await hears('purchase.accepted', 2)
    await until(() => session()?.allotment.bytes === 20 * megabytes)
    expect(session()?.remaining.bytes).toBe(11 * megabytes)
    expect(opened()).toBe(before + 1)
  })

  it('grants a purchase that comes three times at once only once', async () => {
    const { device, id, browse, ofType, session } = aCustomer()
    const first = () => ofType('purchase.accepted').filter((answer) => answer.seq !== undefined)
    browse()
    await Promise.all([1, 2, 3].map(() => router.publish(bytes(id('p1'), 10 * megabytes, device))))
    // Whether a repetition is answered by the first answer alone depends on whether the broker had that by then.
    await until(
      () => router.statuses.at(-1)?.state === 'online' && acknowledged(router) >= (first()[0]?.seq ?? Infinity),
    )
    await router.publish(bytes(id('p1'), 10 * megabytes, device))
    await until(() => ofType('purchase.accepted').some((answer) => answer.duplicate))
    const answers = ofType('purchase.accepted')
    expect(first()).toHaveLength(1)
    expect(answers[0]).toEqual(first()[0])
    expect(answers.slice(1).every(({ duplicate, ofSeq }) => duplicate && ofSeq === first()[0]?.seq)).toBe(true)
    await until(() => session()?.allotment.bytes === 10 * megabytes)
  })

  it('refuses another purchase under a used id, and junk, and goes on', async () => {
    const { device, id } = aCustomer()
    const before = router.ofType('purchase.rejected').length
    await router.publish(bytes(id('p1'), 10 * megabytes, device))
    await router.publish(bytes(id('p1'), 11 * megabytes, device))
    await router.publish('{"purchaseId":')
    await router.publish({ purchaseId: id('p2'), mac: device, amount: 31, unit: 'eur' })
    const refusals = (await router.hears('purchase.rejected', before + 3)).slice(before)
    expect(refusals.map(({ code, seq }) => [code, typeof seq])).toEqual([
      ['conflict', 'undefined'],
      ['invalid-message', 'undefined'],
      ['unknown-price', 'number'],
    ])
  })

  it('answers commands and ends a session by command', async () => {
    const { device, id, browse, hears } = aCustomer()
    browse()
    await router.publish(bytes(id('p1'), 10 * megabytes, device))
    await hears('session.started')
    const sessions = await router.command({ command: 'sessions' })
    const end = await router.command({ command: 'session.end', mac: device })
    const listed = expect.arrayContaining([expect.objectContaining({ mac: device, state: 'open' })])
    expect(sessions).toMatchObject({ status: 'ok', data: { sessions: listed } })
    expect(end).toMatchObject({ status: 'ok', data: { reason: 'ended-by-command', terminateCause: { number: 6 } } })
    expect(router.portal.gateOpen(device)).toBe(false)
  })

  it('answers every question on the query topic, below the reply topic where it is asked to', async () => {
    const { device, id, hears } = aCustomer()
    const replies = router.replies.length
    await router.publish(bytes(id('p1'), 10 * megabytes, device))
    const [accepted] = await hears('purchase.accepted')
    const answers: { transaction: string; status?: string; historical?: boolean; error?: { code: string } }[] = []
    const desk = `router/${router.id}/reply/${id('desk')}`
    await router.client.subscribeAsync(desk, { qos: 1 })
    router.client.on('message', (topic, payload) => topic === desk && answers.push(JSON.parse(payload.toString())))
    const { epoch } = accepted ?? {}
    const about = { mac: device, purchaseId: id('p1'), epoch, fromSeq: 1, toSeq: 2, replyTo: id('desk') }

    // A report that is due by itself at that moment makes `usage` busy: it is asked for again.
    async function ask(command: string, time = 1): Promise<string | undefined> {
      const transaction = `${command}.${time}`
      const question = JSON.stringify({ transaction, command, ...about })
      await router.client.publishAsync(`router/${router.id}/query`, question, { qos: 1 })
      const reply = () => answers.find((answer) => answer.transaction === transaction && answer.status !== undefined)
      await until(() => reply() !== undefined)
      const { status, error } = reply() ?? {}
      return error?.code === 'busy' && time < 20 ? ask(command, time + 1) : status
    }

    const questions = ['sessions', 'session', 'purchase.explain', 'events.replay', 'usage', 'config']
    const statuses: (string | undefined)[] = []
    for (const command of [...questions, 'session.end']) statuses.push(await ask(command))
    expect(statuses).toEqual([...questions.map(() => 'ok'), 'error'])
    expect(answers.filter(({ historical }) => historical).map(({ transaction }) => transaction)).toEqual([
      'events.replay.1',
      'events.replay.1',
    ])
    expect(router.replies.slice(replies)).toEqual([])
    const { data } = await router.command({ command: 'session', mac: device }).then((reply) => Object(reply))
    expect(data).toMatchObject({ state: 'waiting' })
  })
}

const bytes = (purchaseId: string, allotment: number, device = phone) => ({
  purchaseId,
  mac: device,
  metric: 'bytes',
  allotment,
})

const acknowledged = (router: Router) => {
  const status = router.statuses.at(-1)
  return status && 'journal' in status ? (status.journal?.acknowledgedSeq ?? 0) : 0
}
