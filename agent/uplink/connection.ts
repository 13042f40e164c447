// One connection to the broker, from CONNECT to its end: what the broker allows, what it refuses, and what is under way.
import type { Duplex } from 'node:stream'
import type { IClientOptions, IConnackPacket, IPublishPacket } from 'mqtt'
import type { Clock } from '../time/clock.ts'
import type { Warnings } from './broker-warnings.ts'
import { createHeard, createWaits, type Line } from './line.ts'
import { createMqttClient } from './mqtt-client.ts'
import { NotTaken } from './not-taken.ts'
import { codeOf, isReset, packetBytes } from './packets.ts'
import { createSender, type PublishOptions } from './publishing.ts'
import { faultInWords, reasonOf, takenOver } from './reasons.ts'
import { createSendWindow, type SendWindow } from './send-window.ts'
import { subscribe } from './subscribing.ts'

/** How a connection ended. */
export interface Ended {
  reason: string
  /** The broker's reason code, where it gave one. */
  code?: number
  /** The agent left in order, to come back. */
  left: boolean
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
  /** Asks for one more topic, from which nothing need come. */
  watch(topic: string): void
  /** In order: the broker forgets the last will. */
  leave(): Promise<void>
  drop(cause: Error): void
  readonly ended: Promise<Ended>
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

// A broker that acknowledges nothing is left all the same.
const leavesWithin = 3000
const mostPacketBytes = 64 * 1024

export function openConnection(parts: ConnectionParts): Connection {
  const { clock, warnings } = parts
  const over = new AbortController()
  const waits = createWaits()
  const heard = createHeard(clock)
  const limits = { mostBytes: mostPacketBytes, canRetain: true }
  const state: State = { isLetIn: false, isLeaving: false }
  let isJoined = false

  const client = createMqttClient({ ...parts, heard, drop })
  const line: Line = { client, clock, warnings, heard, waits, over: over.signal, drop }
  const send = createSender(line)
  client.on('error', drop)
  client.stream.on('error', drop)
  client.on('connect', (packet) => join(packet).catch(drop))
  client.on('disconnect', ({ reasonCode }) => Object.assign(state, { refusal: reasonCode }))
  const ended = new Promise<Ended>((resolve) => {
    client.on('close', () => {
      if (!over.signal.aborted) resolve(end())
    })
  })

  function drop(cause: Error): void {
    state.fault ??= cause
    client.end(true)
    // A client that is leaving already would wait for its last packets.
    client.stream.destroy()
  }

  async function join({ properties }: IConnackPacket): Promise<void> {
    state.isLetIn = true
    if (properties?.maximumQoS === 0)
      throw new Error('the broker takes QoS 0 only, which loses messages: it is not used')
    limits.mostBytes = Math.min(mostPacketBytes, properties?.maximumPacketSize ?? mostPacketBytes)
    limits.canRetain = properties?.retainAvailable !== false
    state.window = createSendWindow(properties?.receiveMaximum ?? 65_535, clock)
    await Promise.all(parts.subscriptions.map((topics) => subscribe(line, topics)))
    if (over.signal.aborted) return
    isJoined = true
    parts.joined()
  }

  function end(): Ended {
    over.abort()
    waits.endAll()
    client.end(true)
    isJoined = false
    const how = endedHow(state)
    state.window?.close(new NotTaken('no-connection', how.reason, state.fault))
    return how
  }

  async function publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    const { window } = state
    if (!window || over.signal.aborted) throw new NotTaken('no-connection', 'there is no connection to the broker')
    const bytes = packetBytes(topic, payload, options.correlationData)
    if (bytes > limits.mostBytes) {
      throw new NotTaken('too-large', `the message has ${bytes} bytes, and the broker takes ${limits.mostBytes}`)
    }
    const retain = options.retain === true && limits.canRetain
    await window.pass(options.urgency, bytes, () => send(topic, payload, { ...options, retain }, window.bytesUnderWay))
  }

  async function leave(): Promise<void> {
    state.isLeaving = true
    void clock.sleep(leavesWithin, over.signal).then(() => {
      if (!over.signal.aborted) drop(new Error('the broker did not let the agent leave'))
    })
    await client.endAsync()
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
      return state.window?.isSlow ?? true
    },
    publish,
    unsubscribe: (topic) => client.unsubscribe(topic),
    watch: (topic) => client.subscribe(topic, { qos: 0 }),
    leave,
    drop,
    ended,
  }
}

interface State {
  fault?: Error
  /** The broker's reason code in its DISCONNECT. */
  refusal?: number
  isLetIn: boolean
  isLeaving: boolean
  window?: SendWindow
}

function endedHow({ fault, refusal, isLetIn, isLeaving, window }: State): Ended {
  const code = refusal ?? codeOf(fault)
  const { largestUnderWay = 0, hasTakenLarge = false } = window ?? {}
  return {
    reason: reasonInWords(fault, refusal, isLetIn),
    ...(code !== undefined && { code }),
    left: isLeaving && !fault && code === undefined,
    byBroker: isLetIn && !isLeaving && code === undefined && (!fault || isReset(fault)),
    takenOver: refusal === takenOver,
    largestUnderWay,
    hasTakenLarge,
  }
}

function reasonInWords(fault: Error | undefined, refusal: number | undefined, isLetIn: boolean): string {
  if (refusal !== undefined && refusal !== 0) return reasonOf(refusal)
  if (fault) return faultInWords(fault)
  return isLetIn ? 'the broker closed the connection' : 'the broker closed the connection before it let the agent in'
}
