// The link to the broker: one connection at a time, which comes back by itself. A subscription counts when the broker grants
// it, and a handler that is slow to take a message holds up the reading.
import { randomUUID } from 'node:crypto'
import type { Addresses } from './address.ts'
import { backOff, type Clock } from './clock.ts'
import { type Connection, connectTo, leave, publishOn, tooLate } from './connection.ts'
import { FleetError } from './errors.ts'
import type { CallOptions } from './options.ts'
import { refusalBy } from './refusals.ts'
import { manyListen, sharedControl } from './signals.ts'
import { createSubscriptions, type Handler } from './subscriptions.ts'

export type { Handler, Incoming } from './subscriptions.ts'

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
  /** At least one, with the credentials as they are at the time. */
  addresses: Addresses
  /** The addresses for people. */
  name: string
  clock: Clock
  warn(warning: FleetError): void
}

const firstPause = 250
const longestPause = 15_000
const takenWithin = 10_000

export function createLink({ addresses, name, clock, warn }: LinkParts): Link {
  const subscriptions = createSubscriptions({ name, clock, warn })
  const clientId = `tollgate-client-${randomUUID()}`
  const listeners = new Set<() => void>()
  const closing = sharedControl()
  let current: Connection | undefined
  let refusal: FleetError | undefined
  let running: Promise<void> | undefined
  let firstConnected: (() => void) | undefined

  async function run(): Promise<void> {
    for (let failures = 0, turn = 0; !closing.signal.aborted; turn++) {
      const wasUp = await connectOnce(turn)
      failures = wasUp ? 0 : failures + 1
      await clock.sleep(backOff(failures, firstPause, longestPause), closing.signal)
    }
  }

  /** Resolves when the connection has ended, with whether there was one. */
  async function connectOnce(turn: number): Promise<boolean> {
    const connection = connectTo({ addresses, turn, clientId, name, clock }, subscriptions.take)
    const isUp = await connection.up
    if (isUp && !closing.signal.aborted) await serve(connection).catch(refuse)
    else if (connection.fault) refuse(connection.fault)
    const wasUp = current !== undefined
    current = undefined
    subscriptions.disconnected()
    connection.client.end(true)
    if (wasUp && !connection.isRenewed && !closing.signal.aborted) {
      warn(new FleetError('not-taken', `the connection to ${name} was lost`, connection.fault))
    }
    return wasUp
  }

  /** Resolves when the connection has ended; throws when it never was of use. */
  async function serve(connection: Connection): Promise<void> {
    const { client, lost } = connection
    const late = tooLate(clock, takenWithin, closing.signal, `${name} leaves a subscription unanswered`)
    const granted = await Promise.race([subscriptions.resubscribe(client), lost, late])
    current = connection
    refusal = undefined
    firstConnected?.()
    for (const told of listeners) told()
    granted()
    await lost.catch(() => {})
  }

  function refuse(fault: unknown): void {
    refusal = refusalBy(fault, name)
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
    const isUp = await Promise.race([connected, refused, aborted(signal)])
    over.abort()
    if (isUp === true) return
    await close()
    signal?.throwIfAborted()
    throw refusal ?? new FleetError('unreachable', `no connection to ${name} within ${within} ms`)
  }

  async function publish(topic: string, message: object, options: CallOptions = {}): Promise<void> {
    manyListen(options.signal)?.throwIfAborted()
    if (!current) throw new FleetError('not-taken', `there is no connection to ${name} now`)
    await publishOn(current, { topic, message, name, clock }, { within: takenWithin, ...options })
  }

  async function close(): Promise<void> {
    closing.abort()
    subscriptions.close()
    if (current) await leave(current.client, clock)
    await Promise.race([running, clock.sleep(1000)])
  }

  return {
    open,
    publish,
    subscribe: subscriptions.subscribe,
    close,
    onConnected: (told) => listeners.add(told),
    get connected() {
      return current !== undefined
    },
  }
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
}
