// One MQTT connection exactly as asked for, which does not come back: for finding out what a broker does.
import { connect, type IClientOptions, type IConnackPacket, type MqttClient } from 'mqtt'
import type { Address } from '../client/address.ts'

export interface RawClient {
  client: MqttClient
  connack: IConnackPacket
  /** The messages that came, in order. */
  heard: { topic: string; text: string; retained: boolean }[]
  /** QoS 1; resolves when the broker has it, rejects when it is refused or the connection ends. */
  publish(topic: string, payload: string | Buffer, options?: { retain?: boolean }): Promise<void>
  /** The QoS that was granted, or 128 and more for a refusal. */
  subscribe(filter: string): Promise<number>
  /** Leaves in order. */
  leave(): Promise<void>
  /** The socket is gone without a word. */
  vanish(): void
}

const patience = 5000

export async function rawClient(address: Address, options: IClientOptions): Promise<RawClient> {
  const client = connect({ ...address, reconnectPeriod: 0, connectTimeout: patience, ...options })
  const heard: RawClient['heard'] = []
  client.on('message', (topic, payload, { retain }) => heard.push({ topic, text: String(payload), retained: retain }))
  const connack = await new Promise<IConnackPacket>((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
    client.once('close', () => reject(new Error('the connection was closed')))
  })
  client.on('error', () => {})
  const ended = new Promise<never>((_resolve, reject) =>
    client.once('close', () => reject(new Error('the connection was closed'))),
  )
  ended.catch(() => {})

  function limited<T>(work: Promise<T>): Promise<T> {
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      limit = setTimeout(() => reject(new Error('no answer')), patience)
    })
    return Promise.race([work, ended, late]).finally(() => clearTimeout(limit))
  }

  return {
    client,
    connack,
    heard,
    publish: async (topic, payload, { retain = false } = {}) => {
      await limited(client.publishAsync(topic, payload, { qos: 1, retain }))
    },
    subscribe: (filter) =>
      limited(
        new Promise<number>((resolve) => {
          client.subscribe(filter, { qos: 1 }, (_error, _subscriptions, packet) =>
            resolve(Number(packet?.granted[0] ?? 128)),
          )
        }),
      ),
    leave: () => client.endAsync().catch(() => {}),
    vanish: () => client.stream.destroy(),
  }
}
