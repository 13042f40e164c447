// One MQTT connection that comes back by itself. Nothing on it waits for ever: a publish has a limit and ends with its
// connection, a subscription counts when the broker grants it, and who is slow to take a message holds up the reading.
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { connect, type MqttClient } from 'mqtt'
import type { Address } from './address.ts'
import { backOff, type Clock } from './clock.ts'
import { FleetError } from './errors.ts'
import type { CallOptions } from './options.ts'
import { manyListen, sharedControl } from './signals.ts'

/** A message as it came. A handler that returns a promise is waited for before the next message is read. */
export interface Incoming {
  topic: string
  payload: Uint8Array
  /** Stored by the broker before the subscription. */
  retained: boolean
  qos: number
}
export type Handler = (message: Incoming) => void | Promise<void>

export interface Link {
  readonly connected: boolean
  /** Resolves when first connected; throws when the broker refuses, or none answers in time. */
  open(options: CallOptions): Promise<void>
  /** QoS 1; resolves when the broker has it. */
  publish(topic: string, message: object, options?: CallOptions): Promise<void>
  /** Resolves when the broker has granted it, now or at the next connection; the returned function ends it. */
  subscribe(filter: string, handler: Handler): Promise<() => void>
  /** Called after each connection, when everything is subscribed again. */
  onConnected(told: () => void): void
  close(): Promise<void>
}

export interface LinkParts {
  /** At least one. */
  addresses: readonly Address[]
  /** The addresses for people. */
  name: string
  clock: Clock
  warn(warning: FleetError): void
}

const firstPause = 250
const longestPause = 15_000
const takenWithin = 10_000

export function createLink({ addresses, name, clock, warn }: LinkParts): Link {
  const filters = new Map<string, Set<Handler>>()
  const waiting = new Map<string, { resolve(): void; reject(error: FleetError): void }[]>()
  const listeners = new Set<() => void>()
  const closing = sharedControl()
  let current: { client: MqttClient; lost: Promise<never> } | undefined
  let refusal: FleetError | undefined
  let running: Promise<void> | undefined
  let firstConnected: (() => void) | undefined

  async function run(): Promise<void> {
    for (let failures = 0, turn = 0; !closing.signal.aborted; turn++) {
      const wasUp = await connectOnce(addresses[turn % addresses.length] as Address)
      failures = wasUp ? 0 : failures + 1
      await clock.sleep(backOff(failures, firstPause, longestPause), closing.signal)
    }
  }

  /** Resolves when the connection has ended, with whether there was one. */
  async function connectOnce(address: Address): Promise<boolean> {
    const client = connect({
      ...address,
      // Messages missed while away are asked for again, so the broker need keep nothing.
      ...{ clientId: `tollgate-client-${randomUUID()}`, clean: true },
      ...{ reconnectPeriod: 0, resubscribe: false, connectTimeout: 5000, keepalive: 30, queueQoSZero: false },
    })
    let fault: Error | undefined
    client.on('error', (error) => {
      fault = error
    })
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()))
    const lost = ended.then((): never => {
      throw new FleetError('not-taken', `the connection to ${name} was lost`, fault)
    })
    lost.catch(() => {})
    client.handleMessage = (packet, done) => {
      // A handler that fails must not stop the reading.
      void take(packet)
        .catch((cause) => warn(new FleetError('not-taken', `a message on ${name} could not be worked on`, cause)))
        .then(() => done())
    }
    const up = await Promise.race([new Promise<true>((resolve) => client.once('connect', () => resolve(true))), ended])
    if (up && !closing.signal.aborted) await serve(client, lost).catch(refuse)
    else if (fault) refuse(fault)
    const wasUp = current !== undefined
    current = undefined
    client.end(true)
    if (wasUp && !closing.signal.aborted) warn(new FleetError('not-taken', `the connection to ${name} was lost`, fault))
    return wasUp
  }

  async function serve(client: MqttClient, lost: Promise<never>): Promise<void> {
    if (client.stream instanceof Socket) client.stream.setNoDelay(true)
    const all = [...filters.keys()]
    const granted = grant(client, all)
    const late = clock.sleep(takenWithin, closing.signal).then(() => {
      throw new FleetError('not-taken', `${name} leaves a subscription unanswered`)
    })
    late.catch(() => {})
    await Promise.race([granted, lost, late])
    current = { client, lost }
    refusal = undefined
    firstConnected?.()
    for (const told of listeners) told()
    // Topics that were subscribed meanwhile.
    void grant(
      client,
      [...filters.keys()].filter((filter) => !all.includes(filter)),
    )
    await lost.catch(() => {})
  }

  /** A broker that grants less than QoS 1 would lose what it was asked to keep. */
  async function grant(client: MqttClient, wanted: readonly string[]): Promise<void> {
    if (wanted.length === 0) return
    const codes = await new Promise<readonly number[]>((resolve) => {
      client.subscribe([...wanted], { qos: 1 }, (_error, _subscriptions, answer) => {
        resolve((answer?.granted ?? []) as number[])
      })
    })
    const qosOf = new Map(wanted.map((filter, index) => [filter, codes[index]]))
    for (const filter of wanted) {
      const qos = qosOf.get(filter)
      // No answer at all is a lost connection: the next one asks again.
      if (qos === undefined) continue
      const settled = waiting.get(filter) ?? []
      waiting.delete(filter)
      if (qos === 1 || qos === 2) for (const { resolve } of settled) resolve()
      else {
        const why = qos === 0 ? 'grants QoS 0 only' : 'refuses the subscription'
        const error = new FleetError('unauthorised', `${name} ${why}: ${filter}`)
        if (settled.length === 0) warn(error)
        for (const { reject } of settled) reject(error)
        filters.delete(filter)
      }
    }
  }

  function refuse(fault: unknown): void {
    const code = (fault as { code?: unknown }).code
    const isRefused = typeof code === 'number' && [4, 5, 134, 135].includes(code)
    refusal = isRefused
      ? new FleetError('unauthorised', `${name} does not let this user in`, fault)
      : new FleetError('unreachable', `no connection to ${name}: is the broker running there?`, fault)
  }

  async function take(packet: {
    cmd: string
    topic?: string
    payload?: unknown
    retain?: boolean
    qos?: number
  }): Promise<void> {
    const { topic = '', payload, retain = false, qos = 0 } = packet
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : (payload as Uint8Array)
    for (const [filter, handlers] of filters) {
      if (!isMatch(filter, topic)) continue
      for (const handler of handlers) await handler({ topic, payload: bytes, retained: retain, qos })
    }
  }

  async function open({ signal, within = takenWithin }: CallOptions): Promise<void> {
    signal?.throwIfAborted()
    const connected = new Promise<true>((resolve) => {
      firstConnected = () => resolve(true)
    })
    running = run()
    const over = new AbortController()
    const refused = (async () => {
      const end = clock.now() + within
      while (clock.now() < end && !over.signal.aborted && refusal?.code !== 'unauthorised') {
        await clock.sleep(Math.min(50, within), over.signal)
      }
    })()
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    const isUp = await Promise.race([connected, refused, aborted])
    over.abort()
    if (isUp === true) return
    await close()
    signal?.throwIfAborted()
    throw refusal ?? new FleetError('unreachable', `no connection to ${name} within ${within} ms`)
  }

  async function publish(topic: string, message: object, options: CallOptions = {}): Promise<void> {
    const { signal, within = takenWithin } = options
    manyListen(signal)?.throwIfAborted()
    if (!current) throw new FleetError('not-taken', `there is no connection to ${name} now`)
    const { client, lost } = current
    const over = new AbortController()
    const late = clock.sleep(within, over.signal).then(() => {
      throw new FleetError('not-taken', `${name} has not taken a message on ${topic} within ${within} ms`)
    })
    const taken = new Promise<void>((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
      client.publish(topic, JSON.stringify(message), { qos: 1 }, (error) => {
        if (error) reject(new FleetError('not-taken', `${name} does not take a message on ${topic}`, error))
        else resolve()
      })
    })
    late.catch(() => {})
    await Promise.race([taken, lost, late]).finally(() => over.abort())
  }

  function subscribe(filter: string, handler: Handler): Promise<() => void> {
    const handlers = filters.get(filter) ?? new Set()
    const isNew = handlers.size === 0
    filters.set(filter, handlers.add(handler))
    const leave = () => {
      handlers.delete(handler)
      if (handlers.size > 0 || filters.get(filter) !== handlers) return
      filters.delete(filter)
      current?.client.unsubscribe(filter)
    }
    if (!isNew && !waiting.has(filter)) return Promise.resolve(leave)
    return new Promise((resolve, reject) => {
      waiting.set(filter, [...(waiting.get(filter) ?? []), { resolve: () => resolve(leave), reject }])
      if (isNew && current) void grant(current.client, [filter])
    })
  }

  async function close(): Promise<void> {
    closing.abort()
    const client = current?.client
    for (const [, settled] of waiting) {
      for (const { reject } of settled) reject(new FleetError('closed', 'the client was closed'))
    }
    waiting.clear()
    if (client) await Promise.race([client.endAsync(), clock.sleep(1000)]).catch(() => {})
    await Promise.race([running, clock.sleep(1000)])
  }

  return {
    open,
    publish,
    subscribe,
    close,
    onConnected: (told) => listeners.add(told),
    get connected() {
      return current !== undefined
    },
  }
}

function isMatch(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (!filter.includes('+')) return false
  const [wanted, levels] = [filter.split('/'), topic.split('/')]
  return wanted.length === levels.length && wanted.every((level, index) => level === '+' || level === levels[index])
}
