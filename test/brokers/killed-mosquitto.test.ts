// Proves what the shipped Mosquitto keeps when it is killed right after its last PUBACK: the session of a router that is away, its
// retained status, and its purchases. A few kills in npm test, as many as MOSQUITTO_KILLS says otherwise. Mosquitto acknowledges
// first and saves in the same turn of its loop, so that a kill in the very millisecond may cost the last purchase, which the client's
// outbox then sends again; 20 ms later all of them are there.
import { readFileSync } from 'node:fs'
import { setTimeout as sleepFor } from 'node:timers/promises'
import mqtt, { type IConnackPacket } from 'mqtt'
import { expect, it } from 'vitest'
import { mosquitto, openMosquitto } from '../support/brokers/brokers.ts'
import { until } from '../support/until.ts'

const kills = Number(process.env.MOSQUITTO_KILLS ?? 4)
const purchases = Array.from({ length: 20 }, (_, index) => `purchase ${index + 1}`)

it.skipIf(mosquitto.missing).each([
  { when: 'right after', after: 0, mayMiss: 1 },
  { when: '20 ms after', after: 20, mayMiss: 0 },
])('killed $when the last PUBACK misses $mayMiss of 20 purchases at most', { timeout: 120_000 }, async (how) => {
  const { after: wait, mayMiss } = how
  const settings = readFileSync('deploy/mosquitto/mosquitto.conf', 'utf8').split('\n')
  const broker = await openMosquitto({ settings })
  const kept: { session: boolean; purchases: string[]; status: string[] }[] = []
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const topic = (channel: string) => `router/r${kill}/${channel}`
      const router = { clientId: `tollgate-r${kill}`, clean: false, reconnectPeriod: 0 }
      const before = await mqtt.connectAsync(broker.url, router)
      await before.subscribeAsync(topic('purchase'), { qos: 1 })
      await before.endAsync()
      const others = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })
      await others.publishAsync(topic('status'), 'online', { qos: 1, retain: true })
      await Promise.all(purchases.map((text) => others.publishAsync(topic('purchase'), text, { qos: 1 })))
      await sleepFor(wait)
      await broker.kill()
      others.end(true)
      await broker.start()
      const heard = { purchase: [] as string[], status: [] as string[] }
      // A broker that has just started may not listen yet.
      const after = mqtt.connect(broker.url, { ...router, reconnectPeriod: 100 })
      after.on('message', (name, payload) =>
        heard[name.endsWith('status') ? 'status' : 'purchase'].push(String(payload)),
      )
      const { sessionPresent } = await new Promise<IConnackPacket>((resolve) => after.once('connect', resolve))
      await after.subscribeAsync(topic('status'), { qos: 1 })
      await until(() => heard.status.length > 0 && heard.purchase.length >= purchases.length, 500).catch(() => {})
      await after.endAsync(true)
      kept.push({ session: sessionPresent, purchases: heard.purchase, status: heard.status })
    }
  } finally {
    await broker.close()
  }

  expect(kept).toEqual(kept.map((one) => ({ session: true, purchases: one.purchases, status: ['online'] })))
  for (const one of kept) expect(one.purchases).toEqual(purchases.slice(0, one.purchases.length))
  expect(Math.min(...kept.map((one) => one.purchases.length))).toBeGreaterThanOrEqual(purchases.length - mayMiss)
  expect(kept).toHaveLength(kills)
})
