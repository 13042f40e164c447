// One MQTT.js client for one connection: behind the guarded stream, acknowledging only what is taken, and left in peace by its
// own keep-alive while a long message is dropped.
import type { Duplex } from 'node:stream'
import { type IClientOptions, type IPublishPacket, MqttClient } from 'mqtt'
import { guardedStream } from './guarded-stream.ts'
import type { Heard } from './line.ts'

interface Parts {
  openStream: () => Duplex
  options: IClientOptions
  heard: Heard
  /** `bytes`: how long its payload was, which may have been cut. Resolves with whether to acknowledge it. */
  received(packet: IPublishPacket, bytes: number): boolean | Promise<boolean>
  drop(cause: Error): void
}

const connectPatience = 60_000

export function createMqttClient({ openStream, options, heard, received, drop }: Parts): MqttClient {
  const cutBytes = new Map<number, number>()
  const guarded = () =>
    guardedStream(
      openStream(),
      options.protocolVersion === 5,
      ({ packetId, bytes }) => cutBytes.set(packetId, bytes),
      heard.piece,
    )
  const client = new MqttClient(guarded, { ...options, connectTimeout: connectPatience })
  keepAliveWhileDropping(client, heard)
  client.handleMessage = (packet, acknowledge) => {
    const bytes = cutBytes.get(packet.messageId ?? 0) ?? packet.payload.length
    cutBytes.delete(packet.messageId ?? 0)
    // MQTT.js sends no PUBACK after an error, and goes on.
    const settle = (isTaken: boolean) => (isTaken ? acknowledge() : acknowledge(new Error('left to the broker')))
    const receipt = received(packet, bytes)
    if (typeof receipt === 'boolean') settle(receipt)
    else receipt.then(settle, drop)
  }
  return client
}

/** A long message that is dropped while it comes in delays the broker's answer to a ping. */
function keepAliveWhileDropping(client: MqttClient, heard: Heard): void {
  const timedOut = client.onKeepaliveTimeout.bind(client)
  client.onKeepaliveTimeout = () => {
    if (!heard.isDropping) return timedOut()
    client.sendPing()
    client.reschedulePing(true)
  }
}
