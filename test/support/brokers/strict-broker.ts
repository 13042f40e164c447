// A broker that keeps the letter of MQTT 5 (and speaks 3.1.1): it states limits, and ends the connection of a client that
// does not keep them. One client with a session at a time; the test sends to it and sees what it published.
import { type AddressInfo, createServer, type Socket } from 'node:net'
import * as mqtt from 'mqtt-packet'

export interface Limits {
  receiveMaximum?: number
  maximumPacketSize?: number
  retainAvailable?: boolean
  maximumQoS?: 0 | 1
}

export interface Publication {
  topic: string
  message: Record<string, unknown>
  retain: boolean
  bytes: number
  correlationData?: string
}

/** The answer to a PUBLISH: its PUBACK, a reason code in it, or nothing at all. */
export type Verdict = 'acknowledge' | 'silence' | number

export interface StrictBroker {
  readonly port: number
  /** Everything taken from the client, in order; what was not acknowledged too. */
  readonly published: Publication[]
  /** Why connections were ended, as MQTT 5 reason codes. */
  readonly ended: number[]
  readonly connects: mqtt.IConnectPacket[]
  /** Packet ids that the client has acknowledged. */
  readonly acknowledged: number[]
  readonly mostUnderWay: number
  /** Delivered at QoS 1 while the client is there, and again on its next connection until it is acknowledged. */
  send(topic: string, payload: string | Buffer, options?: { retain?: boolean; properties?: object }): void
  disconnect(reasonCode: number): void
  close(): Promise<void>
}

export interface StrictBrokerOptions extends Limits {
  version?: 4 | 5
  /** Whether SUBSCRIBE is answered, and with which code for a topic. */
  grant?: (topic: string) => number | 'silence'
  judge?: (publication: Publication) => Verdict
  /** Acknowledges only so much later, so that what is under way adds up. */
  acknowledgeAfter?: number
}

interface Waiting {
  packetId: number
  topic: string
  payload: Buffer
  retain: boolean
  properties: object
}

const [packetTooLarge, receiveMaximumExceeded, retainNotSupported, qosNotSupported] = [0x95, 0x93, 0x9a, 0x9b]

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one broker with one session.
export async function strictBroker(options: StrictBrokerOptions = {}): Promise<StrictBroker> {
  const { version = 5, judge = () => 'acknowledge', grant = () => 1, acknowledgeAfter = 0 } = options
  const { receiveMaximum, maximumPacketSize, retainAvailable, maximumQoS } = options
  const published: Publication[] = []
  const ended: number[] = []
  const connects: mqtt.IConnectPacket[] = []
  const acknowledged: number[] = []
  const waiting: Waiting[] = []
  const sockets = new Set<Socket>()
  let current: Socket | undefined
  let isSubscribed = false
  let packetIds = 0
  let mostUnderWay = 0

  const write = (socket: Socket, packet: mqtt.Packet) => {
    if (!socket.destroyed) socket.write(mqtt.generate(packet, { protocolVersion: version }))
  }

  function end(socket: Socket, reasonCode: number): void {
    ended.push(reasonCode)
    if (version === 5) write(socket, { cmd: 'disconnect', reasonCode })
    socket.end()
  }

  function deliver(socket: Socket, { packetId, properties, ...rest }: Waiting): void {
    write(socket, { cmd: 'publish', qos: 1, dup: false, messageId: packetId, ...rest, properties })
  }

  function admit(socket: Socket, packet: mqtt.IConnectPacket): void {
    connects.push(packet)
    const refusal =
      packet.will?.retain && retainAvailable === false
        ? retainNotSupported
        : (packet.will?.qos ?? 0) > (maximumQoS ?? 1)
          ? qosNotSupported
          : 0
    const limits = { receiveMaximum, maximumPacketSize, retainAvailable, maximumQoS }
    const properties = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
    const granted = version === 5 ? { reasonCode: refusal, properties } : { returnCode: refusal && 2 }
    write(socket, { cmd: 'connack', sessionPresent: connects.length > 1, ...granted } as mqtt.IConnackPacket)
    if (refusal) {
      socket.end()
      return
    }
    current?.destroy()
    current = socket
    isSubscribed = connects.length > 1
    if (isSubscribed) for (const message of waiting) deliver(socket, message)
  }

  function offenceOf(packet: mqtt.IPublishPacket, underWay: number): number | undefined {
    if (packet.retain && retainAvailable === false) return retainNotSupported
    if (packet.qos > (maximumQoS ?? 1)) return qosNotSupported
    return underWay > (receiveMaximum ?? 65_535) ? receiveMaximumExceeded : undefined
  }

  function take(socket: Socket, packet: mqtt.IPublishPacket, bytes: number, underWay: Set<number>): void {
    const messageId = packet.messageId ?? 0
    underWay.add(messageId)
    mostUnderWay = Math.max(mostUnderWay, underWay.size)
    const offence = offenceOf(packet, underWay.size)
    if (offence !== undefined) {
      end(socket, offence)
      return
    }
    const { correlationData } = packet.properties ?? {}
    const publication = {
      topic: packet.topic,
      message: JSON.parse(packet.payload.toString()),
      retain: packet.retain,
      bytes,
      ...(correlationData && { correlationData: correlationData.toString() }),
    }
    published.push(publication)
    const verdict = judge(publication)
    if (verdict === 'silence') return
    const answer = () => {
      underWay.delete(messageId)
      write(socket, { cmd: 'puback', messageId, ...(typeof verdict === 'number' && { reasonCode: verdict }) })
    }
    if (acknowledgeAfter > 0) setTimeout(answer, acknowledgeAfter)
    else answer()
  }

  function subscribe(socket: Socket, { messageId, subscriptions }: mqtt.ISubscribePacket): void {
    const answers = subscriptions.map(({ topic }) => grant(topic))
    if (answers.includes('silence')) return
    isSubscribed = true
    write(socket, { cmd: 'suback', messageId: messageId ?? 0, granted: answers as number[] })
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    const underWay = new Set<number>()
    const parser = mqtt.parser({ protocolVersion: version })
    socket.setNoDelay()
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => parser.parse(chunk))
    parser.on('error', () => end(socket, 0x81))
    parser.on('packet', (packet) => {
      const bytes = (packet.length ?? 0) + 5
      if (maximumPacketSize !== undefined && bytes > maximumPacketSize) return end(socket, packetTooLarge)
      if (packet.cmd === 'connect') admit(socket, packet)
      if (packet.cmd === 'publish') take(socket, packet, bytes, underWay)
      if (packet.cmd === 'subscribe') subscribe(socket, packet)
      if (packet.cmd === 'unsubscribe')
        write(socket, { cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [0] })
      if (packet.cmd === 'pingreq') write(socket, { cmd: 'pingresp' })
      if (packet.cmd === 'disconnect') socket.end()
      if (packet.cmd !== 'puback') return
      acknowledged.push(packet.messageId ?? 0)
      const index = waiting.findIndex(({ packetId }) => packetId === packet.messageId)
      if (index >= 0) waiting.splice(index, 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    published,
    ended,
    connects,
    acknowledged,
    get mostUnderWay() {
      return mostUnderWay
    },
    send(topic, payload, { retain = false, properties = {} } = {}) {
      const message = { packetId: ++packetIds, topic, payload: Buffer.from(payload), retain, properties }
      waiting.push(message)
      if (current && isSubscribed) deliver(current, message)
    },
    disconnect(reasonCode) {
      if (current) end(current, reasonCode)
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
