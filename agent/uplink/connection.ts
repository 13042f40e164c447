// One connection to the broker, from CONNECT to its end: what the broker allows, what it refuses, and what is under way.
import type { Duplex } from 'node:stream'
import { type IClientOptions, type IConnackPacket, type IPublishPacket, MqttClient } from 'mqtt'
import type { Clock } from '../clock.ts'
import { guardedStream } from './guarded-stream.ts'
import { NotTaken } from './not-taken.ts'
import { faultInWords, reasonOf, takenOver } from './reasons.ts'
import { createSendWindow, type SendWindow, type Urgency } from './send-window.ts'
import type { Warnings } from './warnings.ts'

/** How a connection ended. */
export interface Ended {
  reason: string
  /** The broker's reason code, where it gave one. */
  code?: number
  /** The broker closed it, without a word, after it had let the agent in. */
  byBroker: boolean
  /** Another client came with the same name. */
  takenOver: boolean
  /** The largest message that was under way, and whether the broker had taken a large one before. */
  largestUnderWay: number
  hasTakenLarge: boolean
}

export interface Connection {
  /** Let in, and every subscription answered. */
  readonly isJoined: boolean
  /** The largest packet the broker takes. */
  readonly mostBytes: number
  readonly canRetain: boolean
  readonly isSlow: boolean
  /** Resolves when the broker has it; rejects with {@link NotTaken}. */
  publish(topic: string, payload: string, options: PublishOptions): Promise<void>
  unsubscribe(topic: string): void
  /** Asks for one more topic, of which nothing is expected. */
  watch(topic: string): void
  /** In order: the broker forgets the last will. */
  leave(): Promise<void>
  drop(cause: Error): void
  readonly ended: Promise<Ended>
}

export interface PublishOptions {
  urgency: Urgency
  retain?: boolean
  correlationData?: Buffer | undefined
}

export interface ConnectionParts {
  openStream: () => Duplex
  options: IClientOptions
  clock: Clock
  warnings: Warnings
  /** Every group is one SUBSCRIBE: what one waits for holds the others up no longer than the broker does. */
  subscriptions: readonly (readonly string[])[]
  /** `bytes`: how long its payload was, which may have been cut. Resolves with whether to acknowledge it. */
  received(packet: IPublishPacket, bytes: number): boolean | Promise<boolean>
  joined(): void
}

/** How long the broker may take to answer, in milliseconds. */
export const patience = { connect: 60_000, subscribe: 10_000, publish: 30_000, publishPerKibibyte: 1000 }
// What the broker did not allow it may allow later.
const subscribeAgainAfter = 60_000
// A broker that acknowledges nothing is left all the same.
const leavesWithin = 3000
const mostPacketBytes = 64 * 1024

export function openConnection(parts: ConnectionParts): Connection {
  const { options, clock, warnings, subscriptions } = parts
  const over = new AbortController()
  const waits = new Set<AbortController>()
  const refused = new Set<string>()
  const cutBytes = new Map<number, number>()
  const limits = { mostBytes: mostPacketBytes, canRetain: true }
  let window: SendWindow | undefined
  let isJoined = false
  let isLetIn = false
  let lastReceived = clock.monotonic()
  let lastOfALongOne: number | undefined
  let fault: Error | undefined
  let refusal: number | undefined

  const openStream = () =>
    guardedStream(
      parts.openStream(),
      options.protocolVersion === 5,
      ({ packetId, bytes }) => cutBytes.set(packetId, bytes),
      (isOfALongOne) => {
        lastReceived = clock.monotonic()
        if (isOfALongOne) lastOfALongOne = lastReceived
      },
    )
  const client = new MqttClient(openStream, { ...options, connectTimeout: patience.connect })
  keepAliveWhileDropping()

  const drop = (cause: Error) => {
    fault ??= cause
    client.end(true)
    // A client that is leaving already would wait for its last packets.
    client.stream.destroy()
  }

  client.handleMessage = (packet, acknowledge) => {
    const bytes = cutBytes.get(packet.messageId ?? 0) ?? packet.payload.length
    cutBytes.delete(packet.messageId ?? 0)
    // MQTT.js sends no PUBACK after an error, and goes on.
    const settle = (isTaken: boolean) => (isTaken ? acknowledge() : acknowledge(new Error('left to the broker')))
    const receipt = parts.received(packet, bytes)
    if (typeof receipt === 'boolean') settle(receipt)
    else receipt.then(settle, drop)
  }
  client.on('error', drop)
  client.stream.on('error', drop)
  client.on('connect', (packet) => join(packet).catch(drop))
  client.on('disconnect', ({ reasonCode }) => {
    refusal = reasonCode
  })

  const ended = new Promise<Ended>((resolve) => {
    client.on('close', () => {
      if (over.signal.aborted) return
      over.abort()
      for (const waiting of waits) waiting.abort()
      client.end(true)
      const code = refusal ?? codeOf(fault)
      const reason = endReason()
      const { largestUnderWay = 0, hasTakenLarge = false } = window ?? {}
      window?.close(new NotTaken('no-connection', reason, fault))
      isJoined = false
      resolve({
        reason,
        ...(code !== undefined && { code }),
        byBroker: isLetIn && code === undefined && (!fault || isReset(fault)),
        takenOver: refusal === takenOver,
        largestUnderWay,
        hasTakenLarge,
      })
    })
  })

  async function join({ properties }: IConnackPacket): Promise<void> {
    isLetIn = true
    if (properties?.maximumQoS === 0)
      throw new Error('the broker takes QoS 0 only, which loses messages: it is not used')
    limits.mostBytes = Math.min(mostPacketBytes, properties?.maximumPacketSize ?? mostPacketBytes)
    limits.canRetain = properties?.retainAvailable !== false
    window = createSendWindow(properties?.receiveMaximum ?? 65_535, clock)
    await Promise.all(subscriptions.map((topics) => subscribe(topics)))
    if (over.signal.aborted) return
    isJoined = true
    parts.joined()
  }

  async function subscribe(topics: readonly string[]): Promise<void> {
    const waiting = beginWaiting()
    void limitSilence(waiting.signal)
    const granted = await new Promise<readonly number[]>((resolve) => {
      client.subscribe([...topics], { qos: 1 }, (err, subscribed, packet) => {
        const codes = packet && 'granted' in packet ? (packet.granted as number[]) : undefined
        resolve(codes ?? (err ? [] : (subscribed ?? []).map(({ qos }) => qos)))
      })
    })
    endWaiting(waiting)
    const denied = topics.filter((topic, index) => !isGranted(topic, granted[index]))
    if (denied.length === 0 || over.signal.aborted) return
    void subscribeLater(denied)
  }

  // For an answer of the broker; over at the latest with the connection.
  function beginWaiting(): AbortController {
    const waiting = new AbortController()
    waits.add(waiting)
    return waiting
  }

  function endWaiting(waiting: AbortController): void {
    waits.delete(waiting)
    waiting.abort()
  }

  async function subscribeLater(topics: readonly string[]): Promise<void> {
    await clock.sleep(subscribeAgainAfter, over.signal)
    if (!over.signal.aborted) await subscribe(topics)
  }

  function isGranted(topic: string, code: number | undefined): boolean {
    if (code === undefined) return false
    if (code === 0) drop(new Error(`the broker grants QoS 0 only on ${topic}, which loses messages: it is not used`))
    if (code < 0x80) warnings.clear(`subscription ${topic}`)
    else
      warnings.raise(
        `subscription ${topic}`,
        `no messages from ${topic} arrive: ${reasonOf(code)}; asked again each minute`,
      )
    return code < 0x80
  }

  /** While a broker still delivers what it kept, its answer is on the way. */
  async function limitSilence(signal: AbortSignal): Promise<void> {
    const asked = clock.monotonic()
    while (!signal.aborted) {
      const left = Math.max(asked, lastReceived) + patience.subscribe - clock.monotonic()
      if (left <= 0) return drop(new Error(`the broker did not answer SUBSCRIBE within ${patience.subscribe / 1000} s`))
      await clock.sleep(left, signal)
    }
  }

  async function limitPublish(topic: string, signal: AbortSignal): Promise<void> {
    const kibibytes = Math.ceil((window?.bytesUnderWay ?? 0) / 1024)
    const most = patience.publish + patience.publishPerKibibyte * kibibytes
    await clock.sleep(most, signal)
    // An acknowledgement may stand behind a message that is too long and still comes in.
    while (!signal.aborted && isDropping()) await clock.sleep(patience.subscribe, signal)
    if (!signal.aborted) drop(new Error(`the broker did not acknowledge a message on ${topic} within ${most / 1000} s`))
  }

  const isDropping = () => lastOfALongOne !== undefined && clock.monotonic() - lastOfALongOne < 1000

  function send(topic: string, payload: string, publishing: PublishOptions): Promise<void> {
    const { retain = false, correlationData, urgency } = publishing
    // What one kind of message may, another on the same topic may not.
    const about = `publish ${topic} ${urgency}`
    const waiting = beginWaiting()
    void limitPublish(topic, waiting.signal)
    return new Promise<void>((resolve, reject) => {
      const isRetained = retain && limits.canRetain
      const properties = correlationData ? { correlationData } : {}
      client.publish(topic, payload, { qos: 1, retain: isRetained, properties }, (err) => {
        endWaiting(waiting)
        const code = codeOf(err)
        if (!err) {
          settleRefusal(about, payload, urgency)
          resolve()
        } else if (code === undefined) reject(new NotTaken('no-connection', faultInWords(err), err))
        else {
          if (urgency === 'event') refused.add(payload)
          warnings.raise(about, `the broker refuses messages on ${topic}: ${reasonOf(code)}; tried again`)
          reject(new NotTaken('refused', reasonOf(code), err))
        }
      })
    })
  }

  // An event that was refused comes again as it was, and others before it show nothing; all else is new each time.
  function settleRefusal(about: string, payload: string, urgency: Urgency): void {
    refused.delete(payload)
    if (urgency !== 'event' || refused.size === 0) warnings.clear(about)
  }

  /** A long message that is dropped while it comes in delays the broker's answer to a ping. */
  function keepAliveWhileDropping(): void {
    const timedOut = client.onKeepaliveTimeout.bind(client)
    client.onKeepaliveTimeout = () => {
      if (!isDropping()) return timedOut()
      client.sendPing()
      client.reschedulePing(true)
    }
  }

  function endReason(): string {
    if (refusal !== undefined && refusal !== 0) return reasonOf(refusal)
    if (fault) return faultInWords(fault)
    return isLetIn ? 'the broker closed the connection' : 'the broker closed the connection before it let the agent in'
  }

  return {
    get isJoined() {
      return isJoined
    },
    get mostBytes() {
      return limits.mostBytes
    },
    get canRetain() {
      return limits.canRetain
    },
    get isSlow() {
      return window?.isSlow ?? true
    },
    async publish(topic, payload, publishing) {
      if (!window || over.signal.aborted) throw new NotTaken('no-connection', 'there is no connection to the broker')
      const bytes = packetBytes(topic, payload, publishing.correlationData)
      if (bytes > limits.mostBytes) {
        throw new NotTaken('too-large', `the message has ${bytes} bytes, and the broker takes ${limits.mostBytes}`)
      }
      await window.pass(publishing.urgency, bytes, () => send(topic, payload, publishing))
    },
    unsubscribe: (topic) => client.unsubscribe(topic),
    watch: (topic) => client.subscribe(topic, { qos: 0 }),
    async leave() {
      void clock.sleep(leavesWithin, over.signal).then(() => {
        if (!over.signal.aborted) drop(new Error('the broker did not let the agent leave'))
      })
      await client.endAsync()
    },
    drop,
    ended,
  }
}

/** Fixed header, topic, packet id and properties. */
export const packetOverhead = 16

export function packetBytes(topic: string, payload: string, correlationData?: Buffer): number {
  return Buffer.byteLength(payload) + Buffer.byteLength(topic) + packetOverhead + (correlationData?.length ?? 0)
}

function codeOf(err: unknown): number | undefined {
  const code = (err as { code?: unknown } | null | undefined)?.code
  return typeof code === 'number' && code > 0 ? code : undefined
}

const isReset = (err: Error): boolean => ['ECONNRESET', 'EPIPE'].includes(String((err as { code?: unknown }).code))
