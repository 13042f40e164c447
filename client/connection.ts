// One MQTT connection, from its first byte to its end. Nothing on it waits for ever: a publish has a limit and ends with the
// connection.
import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import type { Address, Addresses } from './address.ts'
import type { Clock } from './clock.ts'
import { FleetError } from './errors.ts'
import type { CallOptions } from './options.ts'
import { renewal } from './renewal.ts'
import type { Incoming } from './subscriptions.ts'

export interface Connection {
  readonly client: MqttClient
  /** Resolves with true when connected, and with nothing when it ended before that. */
  readonly up: Promise<true | undefined>
  /** Rejects when it has ended. */
  readonly lost: Promise<never>
  /** Why it ended or never came about, where anything said so. */
  readonly fault: Error | undefined
  /** It was left in order, for one with other credentials. */
  readonly isRenewed: boolean
}

interface Way {
  addresses: Addresses
  /** Which of the addresses, counted round and round. */
  turn: number
  /** One id for all connections of a link: when it comes back, a cluster drops what a dead node kept for it. */
  clientId: string
  /** The broker, for people. */
  name: string
  clock: Clock
}

/** `take` is waited for before the next message is read, and must not throw. */
export function connectTo(
  { addresses, turn, clientId, name, clock }: Way,
  take: (message: Incoming) => Promise<void>,
): Connection {
  const address = () => addressAt(addresses(), turn)
  const used = address()
  const client = connect({
    ...used,
    // Messages missed while away are asked for again, so the broker need keep nothing.
    ...{ clientId, clean: true },
    ...{ reconnectPeriod: 0, resubscribe: false, connectTimeout: 5000, keepalive: 30, queueQoSZero: false },
    // Otherwise MQTT.js keeps a Buffer of each number up to 65,535, some 10 MB.
    writeCache: false,
  })
  let fault: Error | undefined
  let isRenewed = false
  client.on('error', (error) => {
    fault = error
  })
  const ended = new Promise<undefined>((resolve) => client.once('close', () => resolve(undefined)))
  const connected = new Promise<true>((resolve) => client.once('connect', () => resolve(true)))
  const lost = ended.then((): never => {
    throw new FleetError('not-taken', `the connection to ${name} was lost`, fault)
  })
  lost.catch(() => {})
  client.once('connect', () => {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
  })
  client.handleMessage = (packet, done) => void take(incomingOf(packet)).then(() => done())
  void renewal(used, address, clock, ended).then(() => {
    isRenewed = true
    return leave(client, clock)
  })
  return {
    client,
    up: Promise.race([connected, ended]),
    lost,
    get fault() {
      return fault
    },
    get isRenewed() {
      return isRenewed
    },
  }
}

const addressAt = (all: readonly Address[], turn: number): Address => all[turn % all.length] as Address

interface Packet {
  cmd: string
  topic?: string
  payload?: unknown
  retain?: boolean
  qos?: number
}

function incomingOf({ topic = '', payload, retain = false, qos = 0 }: Packet): Incoming {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : (payload as Uint8Array)
  return { topic, payload: bytes, retained: retain, qos }
}

interface Publication {
  topic: string
  message: object
  /** The broker, for people. */
  name: string
  clock: Clock
}

/** QoS 1; resolves when the broker has it. */
export async function publishOn(
  { client, lost }: Connection,
  { topic, message, name, clock }: Publication,
  { signal, within }: CallOptions & { within: number },
): Promise<void> {
  const over = new AbortController()
  const late = tooLate(clock, within, over.signal, `${name} has not taken a message on ${topic} within ${within} ms`)
  const taken = new Promise<void>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
    client.publish(topic, JSON.stringify(message), { qos: 1 }, (error) => {
      if (error) reject(new FleetError('not-taken', `${name} does not take a message on ${topic}`, error))
      else resolve()
    })
  })
  await Promise.race([taken, lost, late]).finally(() => over.abort())
}

const leavesWithin = 1000

/** In order, after what is under way; a broker that does not answer is left all the same. */
export async function leave(client: MqttClient, clock: Clock): Promise<void> {
  await Promise.race([client.endAsync(), clock.sleep(leavesWithin)]).catch(() => {})
  client.end(true)
}

/** Rejects when the time is over; does nothing when the signal aborts first. */
export function tooLate(clock: Clock, milliseconds: number, signal: AbortSignal, why: string): Promise<never> {
  const late = clock.sleep(milliseconds, signal).then((): never => {
    throw new FleetError('not-taken', why)
  })
  late.catch(() => {})
  return late
}
