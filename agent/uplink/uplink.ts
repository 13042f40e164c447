// The uplink: one MQTT connection at a time, made again for as long as the agent lives.
// Every connection has a client of its own, so MQTT.js's store is always empty: the journal is the outbox.
import { readFile } from 'node:fs/promises'
import { type IClientOptions, type IPublishPacket, MqttClient } from 'mqtt'
import { type Channel, type RouterId, type Status, topicOf } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { exactJson } from '../exact-json.ts'
import type { Log } from '../log.ts'
import { addressOf } from './address.ts'
import { streamTo, type Trust } from './stream.ts'

/** A message as it came in. */
export interface Incoming {
  payload: Uint8Array
  /** Stored at the broker before this subscription, or sent to be stored: nothing that acts may follow from it. */
  retained: boolean
}

/**
 * What becomes of a message at the broker: `acknowledge`, and it forgets it; `keep`, and it delivers it again on another
 * connection. What is kept holds nothing up on this one.
 */
export type Receipt = 'acknowledge' | 'keep'

export interface UplinkHandlers {
  /** Only the disk may be waited for: until it resolves nothing else comes in. */
  purchase(message: Incoming): Promise<Receipt>
  /** Must not be waited for; what it answers goes to `reply`, which resolves when the broker has it. */
  command(payload: Uint8Array, reply: (message: object) => void | Promise<void>): void
  /** Subscribed: what waits may be published. */
  connected(): void
}

export interface Uplink {
  readonly connected: boolean
  /** How many purchases of this connection the broker was left to keep. */
  readonly kept: number
  /** Leaves in order, without a last will, and comes back: what the broker keeps is delivered again. */
  rejoin(): void
  /** Connects, and again whenever the connection is lost. `lastWill` is what the broker says when the agent vanishes. */
  open(handlers: UplinkHandlers, lastWill: Status): void
  /** Publishes with QoS 1. Resolves when the broker has it; rejects when it is not connected or lost before. */
  publish(channel: Channel, message: object, options?: { retain?: boolean }): Promise<void>
  close(): Promise<void>
}

type Settings = Pick<Config, 'mqtt' | 'topicPrefix'> & { routerId: RouterId }

// Between two tries to connect: doubling from the first to the longest, and never the whole fleet at once.
const firstPause = 500
const longestPause = 15_000
// A connection that lasted so long was a good one.
const goodConnection = 10_000

export function createUplink({ mqtt: broker, routerId, topicPrefix }: Settings, clock: Clock, log: Log): Uplink {
  const topic = (channel: Channel) => topicOf(routerId, channel, topicPrefix)
  const closing = new AbortController()
  // The client of the present try, and the same once the broker has let it in.
  let current: MqttClient | undefined
  let connection: MqttClient | undefined
  let isSubscribed = false
  let kept = 0
  const unacknowledged = new Set<(cause: Error) => void>()
  let stopped = false
  let ended: Promise<void> = Promise.resolve()

  async function keepConnected(handlers: UplinkHandlers, lastWill: Status): Promise<void> {
    let pause = firstPause
    while (!stopped) {
      const from = clock.monotonic()
      await connectOnce(handlers, lastWill).catch((err) => {
        if (!stopped) log.warn({ err, broker: withoutSecrets(broker.url) }, 'no connection to the broker, trying again')
      })
      if (clock.monotonic() - from >= goodConnection) pause = firstPause
      await clock.sleep(pause * (0.5 + Math.random() / 2), closing.signal)
      pause = Math.min(pause * 2, longestPause)
    }
  }

  /** Rejects when the connection is over, or could not be made. */
  async function connectOnce(handlers: UplinkHandlers, lastWill: Status): Promise<never> {
    const openStream = await streamTo(broker.url, await trustOf(broker))
    const options = await optionsFor(lastWill)
    return new Promise<never>((_, reject) => {
      let fault: Error | undefined
      const client = new MqttClient(openStream, options)
      current = client
      const drop = (cause: Error) => {
        fault ??= cause
        client.end(true)
      }
      client.handleMessage = (packet, acknowledge) => receive(packet, handlers, client, acknowledge)
      client.on('error', drop)
      client.stream.on('error', drop)
      client.on('connect', () => {
        // What waited at the broker comes before the subscription is confirmed, and is answered.
        connection = client
        client.subscribe([topic('purchase'), topic('command')], { qos: 1 }, (err, granted) => {
          const refused = granted?.find((grant) => grant.qos > 2)
          if (err || refused) return drop(err ?? new Error(`the broker refuses a subscription to ${refused?.topic}`))
          isSubscribed = true
          log.info({ broker: withoutSecrets(broker.url) }, 'connected to the broker')
          handlers.connected()
        })
      })
      client.on('close', () => {
        connection = undefined
        isSubscribed = false
        kept = 0
        client.end(true)
        const cause = fault ?? new Error('the connection to the broker was lost')
        for (const lose of unacknowledged) lose(cause)
        unacknowledged.clear()
        reject(cause)
      })
    })
  }

  async function optionsFor(lastWill: Status): Promise<IClientOptions> {
    const { passwordFile, username, version } = broker
    const inUrl = addressOf(broker.url)
    return {
      clientId: `tollgate-${routerId}`,
      clean: false,
      protocolVersion: version,
      // A broker that speaks MQTT 5 keeps what is sent to us only for as long as we ask: here, for ever.
      ...(version === 5 && { properties: { sessionExpiryInterval: 0xffffffff } }),
      will: { topic: topic('status'), payload: Buffer.from(JSON.stringify(lastWill)), qos: 1, retain: true },
      reconnectPeriod: 0,
      resubscribe: false,
      connectTimeout: 10_000,
      keepalive: 30,
      // Its timers for browsers are not in the bundle.
      timerVariant: 'native',
      // Saves 14 MB of buffers that MQTT.js would make beforehand.
      writeCache: false,
      ...(inUrl.username !== undefined && { username: inUrl.username }),
      ...(inUrl.password !== undefined && { password: inUrl.password }),
      ...(username !== undefined && { username }),
      ...(passwordFile && { password: (await readFile(passwordFile, 'utf8')).trim() }),
    }
  }

  // While a purchase is not acknowledged nothing else comes in: only the disk may be waited for in here.
  function receive(
    packet: IPublishPacket,
    handlers: UplinkHandlers,
    client: MqttClient,
    acknowledge: (error?: Error) => void,
  ): void {
    const payload = Buffer.from(packet.payload)
    if (packet.topic !== topic('purchase')) {
      if (packet.topic === topic('command')) handlers.command(payload, (message) => reply(client, packet, message))
      acknowledge()
      return
    }
    const keep = (why: Error) => {
      if (client === connection) kept++
      // MQTT.js sends no PUBACK then, and goes on.
      acknowledge(why)
    }
    handlers.purchase({ payload, retained: packet.retain }).then(
      (receipt) => (receipt === 'acknowledge' ? acknowledge() : keep(new Error('left to the broker'))),
      (err) => {
        log.error({ err }, 'a purchase failed; the broker keeps it')
        keep(err)
      },
    )
  }

  async function reply(client: MqttClient, { properties }: IPublishPacket, message: object): Promise<void> {
    const payload = JSON.stringify(message)
    const { responseTopic, correlationData } = properties ?? {}
    const toWhoAsked = { qos: 1 as const, properties: correlationData ? { correlationData } : {} }
    await Promise.all([
      acknowledged((taken) => client.publish(topic('reply'), payload, { qos: 1 }, taken)),
      ...(responseTopic ? [acknowledged((taken) => client.publish(responseTopic, payload, toWhoAsked, taken))] : []),
    ])
  }

  // MQTT.js says nothing of what was under way when its connection ends: that is said here.
  function acknowledged(publish: (taken: (err?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      unacknowledged.add(reject)
      publish((err) => {
        unacknowledged.delete(reject)
        if (err) reject(err)
        else resolve()
      })
    })
  }

  return {
    get connected() {
      return isSubscribed
    },
    get kept() {
      return kept
    },
    rejoin() {
      connection?.end()
    },
    open(handlers, lastWill) {
      ended = keepConnected(handlers, lastWill)
    },
    async publish(channel, message, { retain = false } = {}) {
      const client = connection
      if (!client) throw new Error('there is no connection to the broker')
      const payload = exactJson(message)
      await acknowledged((taken) => client.publish(topic(channel), payload, { qos: 1, retain }, taken))
    },
    async close() {
      stopped = true
      await connection?.endAsync()
      current?.end(true)
      closing.abort()
      await ended
    },
  }
}

async function trustOf({ caFile, certFile, keyFile }: Config['mqtt']): Promise<Trust> {
  return {
    ...(caFile && { ca: await readFile(caFile) }),
    ...(certFile && { cert: await readFile(certFile) }),
    ...(keyFile && { key: await readFile(keyFile) }),
  }
}

function withoutSecrets(url: string): string {
  const address = new URL(url)
  address.username = ''
  address.password = ''
  return address.href
}
