// The uplink: one MQTT connection at a time, made again for as long as the agent lives.
// Every connection has a client of its own, so MQTT.js's store is always empty: the journal is the outbox.
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { type Channel, type RouterId, type Status, topicOf } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'

export interface UplinkHandlers {
  /** Resolves when the purchase may be acknowledged; when it rejects, the broker keeps it and delivers it again. */
  purchase(payload: Uint8Array): Promise<void>
  /** Must not be waited for; what it answers goes to `reply`. */
  command(payload: Uint8Array, reply: (message: object) => void): void
  /** Subscribed: what waits may be published. */
  connected(): void
}

export interface Uplink {
  readonly connected: boolean
  /** Connects, and again whenever the connection is lost. `lastWill` is what the broker says when the agent vanishes. */
  open(handlers: UplinkHandlers, lastWill: Status): void
  /** Publishes with QoS 1. Resolves when the broker has it; rejects when it is not connected or lost before. */
  publish(channel: Channel, message: object, options?: { retain?: boolean }): Promise<void>
  close(): Promise<void>
}

type Settings = Pick<Config, 'mqtt' | 'topicPrefix'> & { routerId: RouterId }

// Between two tries to connect: doubling from the first to the last, and never the whole fleet at once.
const firstPause = 500
const longestPause = 15_000

export function createUplink({ mqtt: broker, routerId, topicPrefix }: Settings, clock: Clock, log: Log): Uplink {
  const topic = (channel: Channel) => topicOf(routerId, channel, topicPrefix)
  const closing = new AbortController()
  let connection: { client: MqttClient; lost: Promise<never> } | undefined
  let ended: Promise<void> = Promise.resolve()

  async function keepConnected(handlers: UplinkHandlers, lastWill: Status): Promise<void> {
    let pause = firstPause
    while (!closing.signal.aborted) {
      const wasUp = await connectOnce(handlers, lastWill).catch((err) => {
        log.warn({ err, broker: withoutSecrets(broker.url) }, 'the broker cannot be reached, trying again')
        return false
      })
      pause = wasUp ? firstPause : Math.min(pause * 2, longestPause)
      await clock.sleep(pause * (0.5 + Math.random() / 2), closing.signal)
    }
  }

  // Resolves when the connection is over, with whether it ever was up.
  async function connectOnce(handlers: UplinkHandlers, lastWill: Status): Promise<boolean> {
    const options = await optionsFor(lastWill)
    return new Promise((resolve, reject) => {
      let lose: (cause: Error) => void = () => {}
      const lost = new Promise<never>((_, failed) => {
        lose = failed
      })
      lost.catch(() => {})
      let fault: Error | undefined
      const client = mqtt.connect(broker.url, options)
      const drop = (cause: Error) => {
        fault ??= cause
        client.end(true)
      }
      client.handleMessage = (packet, acknowledge) => receive(packet, handlers, client, drop, acknowledge)
      client.on('error', drop)
      client.on('connect', () => {
        // Nagle's algorithm would hold every acknowledgement back for 40 ms.
        if (client.stream instanceof Socket) client.stream.setNoDelay(true)
        client.subscribe([topic('purchase'), topic('command')], { qos: 1 }, (err, granted) => {
          const refused = granted?.find((grant) => grant.qos > 2)
          if (err || refused) return drop(err ?? new Error(`the broker refuses a subscription to ${refused?.topic}`))
          connection = { client, lost }
          log.info({ broker: withoutSecrets(broker.url) }, 'connected to the broker')
          handlers.connected()
        })
      })
      client.on('close', () => {
        const wasUp = connection?.client === client
        if (wasUp) connection = undefined
        client.end(true)
        lose(fault ?? new Error('the connection to the broker was lost'))
        if (wasUp && !closing.signal.aborted) log.warn({ err: fault }, 'the connection to the broker was lost')
        if (wasUp || !fault) resolve(wasUp)
        else reject(fault)
      })
    })
  }

  async function optionsFor(lastWill: Status): Promise<IClientOptions> {
    const { passwordFile, caFile, certFile, keyFile, username, version } = broker
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
      // Saves 14 MB of buffers that MQTT.js would make beforehand.
      writeCache: false,
      ...(username !== undefined && { username }),
      ...(passwordFile && { password: (await readFile(passwordFile, 'utf8')).trim() }),
      ...(caFile && { ca: await readFile(caFile) }),
      ...(certFile && { cert: await readFile(certFile) }),
      ...(keyFile && { key: await readFile(keyFile) }),
    }
  }

  // While a purchase is not acknowledged nothing else comes in: only the disk may be waited for in here.
  function receive(
    packet: IPublishPacket,
    handlers: UplinkHandlers,
    client: MqttClient,
    drop: (cause: Error) => void,
    acknowledge: (error?: Error) => void,
  ): void {
    const payload = Buffer.from(packet.payload)
    if (packet.topic !== topic('purchase')) {
      if (packet.topic === topic('command')) handlers.command(payload, (message) => reply(client, packet, message))
      acknowledge()
      return
    }
    handlers.purchase(payload).then(
      () => acknowledge(),
      // Only a broken connection makes the broker deliver again. What was answered leaves first.
      (err) => clock.sleep(200, closing.signal).then(() => drop(err)),
    )
  }

  function reply(client: MqttClient, { properties }: IPublishPacket, message: object): void {
    const payload = JSON.stringify(message)
    const failed = (err?: Error | null) => err && log.warn({ err }, 'a reply could not be sent')
    client.publish(topic('reply'), payload, { qos: 1 }, failed)
    const { responseTopic, correlationData } = properties ?? {}
    if (!responseTopic) return
    client.publish(responseTopic, payload, { qos: 1, properties: correlationData ? { correlationData } : {} }, failed)
  }

  return {
    get connected() {
      return connection !== undefined
    },
    open(handlers, lastWill) {
      ended = keepConnected(handlers, lastWill)
    },
    async publish(channel, message, { retain = false } = {}) {
      if (!connection) throw new Error('there is no connection to the broker')
      const { client, lost } = connection
      await Promise.race([client.publishAsync(topic(channel), JSON.stringify(message), { qos: 1, retain }), lost])
    },
    async close() {
      closing.abort()
      await connection?.client.endAsync()
      await ended
    },
  }
}

function withoutSecrets(url: string): string {
  const address = new URL(url)
  address.username = ''
  address.password = ''
  return address.href
}
