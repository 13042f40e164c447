// One MQTT connection of the development side: subscribed again at every connect, and never slowed by Nagle.
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import { addressOf } from '../agent/uplink/address.ts'

export interface LinkOptions {
  url: string
  /** The client id is this name and something random. */
  name: string
  topics: string[]
  onMessage(topic: string, payload: Uint8Array): void
  onDisconnect?(): void
}

export interface Link {
  /** Resolves when first connected and subscribed; it keeps trying until it is closed. */
  open(): Promise<void>
  readonly connected: boolean
  /** QoS 1; resolves when the broker has it. */
  publish(topic: string, message: object): Promise<void>
  close(): Promise<void>
}

export function createLink({ url, name, topics, onMessage, onDisconnect }: LinkOptions): Link {
  let client: MqttClient | undefined

  function open(): Promise<void> {
    // A clean session: what was missed while away is asked for again, so nothing need be kept for us.
    const asWhom = { clientId: `${name}-${randomUUID()}`, clean: true, resubscribe: false }
    const opened = connect({ ...addressOf(url), ...asWhom, reconnectPeriod: 1000, connectTimeout: 5000 })
    client = opened
    opened.on('message', (topic, payload) => onMessage(topic, payload))
    // It connects again by itself; who waits for an answer has a limit of its own.
    opened.on('error', () => {})
    opened.on('close', () => onDisconnect?.())
    return new Promise((resolve) => {
      opened.on('connect', () => {
        if (opened.stream instanceof Socket) opened.stream.setNoDelay(true)
        opened.subscribe(topics, { qos: 1 }, (error) => {
          if (!error) resolve()
        })
      })
    })
  }

  async function publish(topic: string, message: object): Promise<void> {
    await client?.publishAsync(topic, JSON.stringify(message), { qos: 1 })
  }

  async function close(): Promise<void> {
    // Without a connection there is nobody to say goodbye to, and a polite end would wait for one.
    await client?.endAsync(!client.connected)
  }

  return {
    open,
    publish,
    close,
    get connected() {
      return client?.connected === true
    },
  }
}
