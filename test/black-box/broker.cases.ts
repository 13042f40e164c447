// The same cases for every broker: the agent as a process, as a backend, a monitor and a customer see it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BrokerKind, TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router, type RouterOptions } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const megabytes = 1_000_000
const phone = mac(1)
// More than the looks of the case; the agent's own tests have hundreds.
const sessions = 15

export function casesOn({ name, open, missing }: BrokerKind): void {
  describe.skipIf(missing)(missing ? `on ${name}, skipped: ${missing}` : `on ${name}`, () => {
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
    async function aRouter(options: Omit<RouterOptions, 'url'> = {}): Promise<Router> {
      const router = await openRouter({ url: broker.url, ...options })
      routers.push(router)
      await router.start()
      return router
    }
    const bytes = (purchaseId: string, allotment: number, device = phone) => ({
      purchaseId,
      mac: device,
      metric: 'bytes',
      allotment,
    })
    const time = (purchaseId: string, allotment: number) => ({
      purchaseId,
      mac: phone,
      metric: 'milliseconds',
      allotment,
    })
    const acknowledged = (router: Router) => {
      const status = router.statuses.at(-1)
      return status && 'journal' in status ? (status.journal?.acknowledgedSeq ?? 0) : 0
    }
    const used = (router: Router) => router.ofType('usage').at(-1)?.sessions[0]?.used.bytes

    it('sells 682,622,976 bytes for 31 sat and opens the gate', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish({
        purchaseId: 'p1',
        mac: phone.toUpperCase(),
        amount: 31,
        unit: 'sat',
        reference: 'invoice-7781',
      })
      const [accepted] = await router.hears('purchase.accepted')
      await router.hears('session.started')
      expect(accepted).toMatchObject({ allotment: 682_622_976, mac: phone, reference: 'invoice-7781', final: true })
      expect(router.portal.gateOpen(phone)).toBe(true)
    })

    it('adds a second purchase and forgives nothing', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish(bytes('p1', 10 * megabytes))
      await router.hears('session.started')
      router.portal.transfer(phone, { downloaded: 8 * megabytes, uploaded: megabytes })
      await until(() => used(router) === 9 * megabytes)
      await router.publish(bytes('p2', 10 * megabytes))
      await router.hears('purchase.accepted', 2)
      await until(() => router.ofType('usage').at(-1)?.sessions[0]?.allotment.bytes === 20 * megabytes)
      const session = router.ofType('usage').at(-1)?.sessions[0]
      expect(session?.remaining.bytes).toBe(11 * megabytes)
      expect(router.calls.filter((call) => call.startsWith('auth'))).toHaveLength(1)
    })

    it('closes at four seconds when two were bought and two more at one', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish(time('p1', 2000))
      await router.hears('session.started')
      const opened = performance.now()
      await until(() => performance.now() - opened >= 1000)
      await router.publish(time('p2', 2000))
      const [ended] = await router.hears('session.ended')
      const stayed = performance.now() - opened
      // The start may be heard late; two seconds would show all the same.
      expect(stayed).toBeGreaterThan(3000)
      // How soon after the fourth second depends on how fast this machine starts ndsctl; what was charged does not.
      expect(ended?.used).toEqual({ milliseconds: 4000 })
      expect(ended).toMatchObject({ reason: 'allotment-used', terminateCause: { name: 'Session-Timeout', number: 5 } })
      expect(ended?.purchases.map((purchase) => purchase.unused)).toEqual([0, 0])
    })

    it('grants a purchase that comes three times at once only once', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await Promise.all([1, 2, 3].map(() => router.publish(bytes('p1', 10 * megabytes))))
      // Whether a repetition is answered by the first answer alone depends on whether the broker had that by then.
      await until(() => router.statuses.at(-1)?.state === 'online' && acknowledged(router) >= 2)
      await router.publish(bytes('p1', 10 * megabytes))
      await until(() => router.ofType('purchase.accepted').some((answer) => answer.duplicate))
      const answers = router.ofType('purchase.accepted')
      const first = answers.filter((answer) => answer.seq !== undefined)
      expect(first).toHaveLength(1)
      expect(answers[0]).toEqual(first[0])
      expect(answers.slice(1).every(({ duplicate, ofSeq }) => duplicate && ofSeq === first[0]?.seq)).toBe(true)
      await until(() => router.ofType('usage').at(-1)?.sessions[0]?.allotment.bytes === 10 * megabytes)
    })

    it('refuses another purchase under a used id, and junk, and goes on', async () => {
      const router = await aRouter()
      await router.publish(bytes('p1', 10 * megabytes))
      await router.publish(bytes('p1', 11 * megabytes))
      await router.publish('{"purchaseId":')
      await router.publish({ purchaseId: 'p2', mac: phone, amount: 31, unit: 'eur' })
      const refusals = await router.hears('purchase.rejected', 3)
      expect(refusals.map(({ code, seq }) => [code, typeof seq])).toEqual([
        ['conflict', 'undefined'],
        ['invalid-message', 'undefined'],
        ['unknown-price', 'number'],
      ])
    })

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

    it('asks nodogsplash once a look, however many sessions are open', async () => {
      const router = await aRouter()
      const devices = Array.from({ length: sessions }, (_, index) => index + 1)
      for (const device of devices) router.browse(mac(device), ip(device))
      await Promise.all(devices.map((device) => router.publish(bytes(`p${device}`, 500 * megabytes, mac(device)))))
      await router.hears('session.started', sessions, 60_000)
      const before = router.calls.length
      const reports = router.ofType('usage').length
      await router.hears('usage', reports + 4)
      const calls = router.calls.slice(before)
      // A report comes with a look of its own; a look interval may fall between two of them.
      expect(calls.every((call) => call === 'json')).toBe(true)
      expect(calls.length).toBeLessThanOrEqual(2 * 5 + 1)
    }, 90_000)

    it('opens and meters on openNDS in its own units', async () => {
      const router = await aRouter({ flavour: 'opennds' })
      router.browse(phone, ip(1))
      await router.publish(bytes('p1', 10 * megabytes))
      await router.hears('session.started')
      router.portal.transfer(phone, { downloaded: 2048 * 1024, uploaded: 1024 * 1024 })
      await until(() => used(router) === 3072 * 1024)
      expect(router.statuses.at(-1)).toMatchObject({
        portal: { kind: 'opennds', version: '9.10.0', state: 'reachable' },
      })
    })

    it('lets a paid device wait for the portal, and survives a portal that restarts', async () => {
      const router = await aRouter()
      await router.publish(bytes('p1', 10 * megabytes))
      await router.hears('purchase.accepted')
      router.browse(phone, ip(1))
      await router.hears('session.started')
      router.portal.restart()
      await router.hears('gate.drift')
      router.browse(phone, ip(1))
      await until(() => router.portal.gateOpen(phone))
      expect(router.ofType('session.started')).toHaveLength(1)
    })

    it('answers commands and ends a session by command', async () => {
      const router = await aRouter()
      router.browse(phone, ip(1))
      await router.publish(bytes('p1', 10 * megabytes))
      await router.hears('session.started')
      const sessions = await router.command({ command: 'sessions' })
      const end = await router.command({ command: 'session.end', mac: phone })
      expect(sessions).toMatchObject({ status: 'ok', data: { sessions: [{ mac: phone, state: 'open' }] } })
      expect(end).toMatchObject({ status: 'ok', data: { reason: 'ended-by-command', terminateCause: { number: 6 } } })
      expect(router.portal.gateOpen(phone)).toBe(false)
    })

    it('answers every question on the query topic, below the reply topic where it is asked to', async () => {
      const router = await aRouter()
      await router.publish(bytes('p1', 10 * megabytes))
      const [accepted] = await router.hears('purchase.accepted')
      const answers: { transaction: string; status?: string; historical?: boolean; error?: { code: string } }[] = []
      const desk = `router/${router.id}/reply/desk-3`
      await router.client.subscribeAsync(desk, { qos: 1 })
      router.client.on('message', (topic, payload) => topic === desk && answers.push(JSON.parse(payload.toString())))
      const about = { mac: phone, purchaseId: 'p1', epoch: accepted?.epoch, fromSeq: 1, toSeq: 2, replyTo: 'desk-3' }

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
      expect(router.replies).toEqual([])
      const { data } = await router.command({ command: 'session', mac: phone }).then((reply) => Object(reply))
      expect(data).toMatchObject({ state: 'waiting' })
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
