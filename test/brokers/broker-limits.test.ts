// Proves that a broker's limits, other fleets and messages without measure stall no router: the agent as a process, at a real
// Mosquitto.
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, test } from 'vitest'
import { mosquitto, openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { limitedFiles } from '../support/processes/full-disks.ts'
import { openWatchedAgent, type WatchedAgent } from '../support/processes/watched-agent.ts'
import { mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const part of open.splice(0).reverse()) await part.close()
})

async function aBroker(...settings: string[]): Promise<TestBroker> {
  const broker = await openMosquitto({ settings })
  open.push(broker)
  return broker
}

async function aRouter(broker: TestBroker, env: Record<string, string> = {}): Promise<Router> {
  const router = await openRouter({ url: broker.url, env })
  open.push(router)
  await router.start()
  return router
}

const grant = (n: number) => ({ purchaseId: `p${n}`, mac: mac(n), metric: 'bytes', allotment: 1000 })

describe.skipIf(mosquitto.missing)(mosquitto.missing ?? 'at Mosquitto', () => {
  it('two fleets with a router of the same id hear all of their own', async () => {
    const broker = await aBroker()
    const fleets: WatchedAgent[] = []
    for (const prefix of ['north', 'south']) {
      const agent = await openWatchedAgent({ broker, prefix, id: 'r1', env: { AGENT_NDSCTL: '/bin/false' } })
      open.push(agent)
      fleets.push(agent)
      await agent.start('degraded')
    }
    for (let n = 1; n <= 20; n++) for (const fleet of fleets) await fleet.publish({ ...grant(n), purchaseId: `${n}` })
    const outcomes = await Promise.all(fleets.map((fleet) => fleet.hears('purchase.accepted', 20)))

    expect(outcomes.flat()).toHaveLength(40)
    expect(fleets.map((fleet) => fleet.ofType('agent.started').length)).toEqual([1, 1])
    expect(fleets.map((fleet) => fleet.log().includes('lost'))).toEqual([false, false])
  })

  test.each(['4', '5'])('max_packet_size 10000 and 180 sessions: MQTT %s gets it all across', async (version) => {
    const broker = await aBroker('max_packet_size 10000')
    const router = await aRouter(broker, { AGENT_MQTT_VERSION: version, AGENT_USAGE_INTERVAL_MS: '2000' })
    for (let n = 1; n <= 180; n++) await router.publish(grant(n))
    await router.hears('purchase.accepted', 180, 60_000)
    const before = router.ofType('usage').length
    await until(
      () =>
        router
          .ofType('usage')
          .slice(before)
          .some(({ part, parts }) => parts > 5 && part === parts),
      60_000,
    )
    await router.client.publishAsync(`router/${router.id}/command`, '{"transaction":"all","command":"sessions"}', {
      qos: 1,
    })
    const parts = () => router.replies.filter(({ transaction }) => transaction === 'all')
    await until(() => parts().some((reply) => 'part' in reply && reply.part === reply.parts), 20_000)
    const sessions = parts().flatMap((reply) =>
      'data' in reply ? (reply.data as { sessions: object[] }).sessions : [],
    )

    expect(sessions).toHaveLength(180)
    expect(router.statuses.at(-1)?.state).toBe('online')
  })

  it.skipIf(limitedFiles.missing)(
    '30 purchases wait while the disk refuses: a command is answered within 2 s',
    async () => {
      const broker = await aBroker()
      const router = await aRouter(broker)
      const disk = limitedFiles.open()
      const pid = router.pid() ?? 0
      process.kill(pid, 'SIGSTOP')
      disk.fill(pid)
      for (let n = 1; n <= 30; n++) await router.publish(grant(n))
      process.kill(pid, 'SIGCONT')
      const asked = performance.now()
      const reply = await router.command({ command: 'sessions' })
      const took = performance.now() - asked
      await router.hears('purchase.rejected', 30)
      await until(() => router.statuses.at(-1)?.state === 'degraded')
      disk.free(pid)
      await router.hears('purchase.accepted', 8, 40_000)

      expect(reply.status).toBe('ok')
      expect(took).toBeLessThan(2000)
      await until(() => router.statuses.at(-1)?.state === 'online')
    },
  )

  test.each(['4', '5'])('a message of 60 MB takes no memory and stops nothing, over MQTT %s', async (version) => {
    const broker = await aBroker()
    const router = await aRouter(broker, { AGENT_MQTT_VERSION: version })
    await until(() => router.ofType('usage').length > 5, 30_000)
    const idle = peakMemory(router.pid())
    await router.publish('x'.repeat(60_000_000))
    const sent = performance.now()
    await router.publish(grant(1))
    await router.hears('purchase.accepted', 1, 30_000)
    const took = performance.now() - sent
    const answers = version === '4' ? await router.hears('purchase.rejected') : []

    expect(peakMemory(router.pid()) / idle).toBeLessThanOrEqual(1.6)
    expect(took).toBeLessThan(10_000)
    // An MQTT 5 broker is told how much fits, and drops what is larger by itself.
    expect(answers.map(({ code }) => code)).toEqual(version === '4' ? ['invalid-message'] : [])
  })
})

/** In kilobytes, the most that the process has held so far. */
function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s*(\d+)/.exec(status)?.[1])
}
