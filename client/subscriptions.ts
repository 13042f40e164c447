// The client's subscriptions, over all its connections: which filters have handlers, which of them a broker has granted, and
// which callers still wait for that.
import type { MqttClient } from 'mqtt'
import { backOff, type Clock } from './clock.ts'
import { FleetError } from './errors.ts'

/** A message as it came. A handler that returns a promise is waited for before the next message is read. */
export interface Incoming {
  topic: string
  payload: Uint8Array
  /** Stored by the broker before the subscription. */
  retained: boolean
  qos: number
}
export type Handler = (message: Incoming) => void | Promise<void>

// In MQTT 3.1.1 all that a broker says of a refusal: a cluster whose node has just died says it of what it grants a moment later.
const failure = 0x80
const triesAtFirst = 3
const firstPause = 1000
const longestPause = 15_000

interface Parts {
  /** The broker, for people. */
  name: string
  clock: Pick<Clock, 'sleep'>
  warn(warning: FleetError): void
}

export function createSubscriptions({ name, clock, warn }: Parts) {
  const handlersOf = new Map<string, Set<Handler>>()
  const waiting = new Map<string, { resolve(): void; reject(error: FleetError): void }[]>()
  const grantedBefore = new Set<string>()
  let connected: MqttClient | undefined

  /** Resolves when the broker has granted it, now or at the next connection; the returned function ends it. */
  function subscribe(filter: string, handler: Handler): Promise<() => void> {
    const handlers = handlersOf.get(filter) ?? new Set()
    const isNew = handlers.size === 0
    handlersOf.set(filter, handlers.add(handler))
    const leave = () => {
      handlers.delete(handler)
      if (handlers.size > 0 || handlersOf.get(filter) !== handlers) return
      handlersOf.delete(filter)
      connected?.unsubscribe(filter)
    }
    if (!isNew && !waiting.has(filter)) return Promise.resolve(leave)
    return new Promise((resolve, reject) => {
      waiting.set(filter, [...(waiting.get(filter) ?? []), { resolve: () => resolve(leave), reject }])
      if (isNew && connected) void grant(connected, [filter])
    })
  }

  async function grant(client: MqttClient, wanted: readonly string[], time = 1): Promise<void> {
    if (wanted.length === 0) return
    const codes = await answersOf(client, wanted)
    // A right that was taken away is asked for as well, as long as it is wanted.
    const isPassing = (filter: string) => grantedBefore.has(filter) || time < triesAtFirst
    const again = wanted.filter((filter, index) => codes[index] === failure && isPassing(filter))
    for (const [index, filter] of wanted.entries()) if (!again.includes(filter)) settle(filter, codes[index])
    if (time === 1) for (const filter of again) if (grantedBefore.has(filter)) warn(refusedAgain(name, filter))
    if (again.length > 0) void askAgain(client, again, time)
  }

  async function askAgain(client: MqttClient, filters: readonly string[], time: number): Promise<void> {
    await clock.sleep(backOff(time, firstPause, longestPause))
    // The next connection asks for everything.
    if (!client.connected) return
    await grant(
      client,
      filters.filter((filter) => handlersOf.has(filter)),
      time + 1,
    )
  }

  /** A broker that grants less than QoS 1 would lose what it was asked to keep. */
  function settle(filter: string, qos: number | undefined): void {
    // No answer at all is a lost connection: the next one asks again.
    if (qos === undefined) return
    const callers = waiting.get(filter) ?? []
    waiting.delete(filter)
    if (qos === 1 || qos === 2) {
      grantedBefore.add(filter)
      for (const { resolve } of callers) resolve()
      return
    }
    const error = refusedFor(name, filter, qos)
    if (callers.length === 0) warn(error)
    for (const { reject } of callers) reject(error)
    handlersOf.delete(filter)
  }

  /** Hands the message to its handlers, one after the other; a handler that fails must not stop the reading. */
  async function take(message: Incoming): Promise<void> {
    try {
      for (const [filter, handlers] of handlersOf) {
        if (!isMatch(filter, message.topic)) continue
        for (const handler of handlers) await handler(message)
      }
    } catch (cause) {
      warn(new FleetError('not-taken', `a message on ${name} could not be worked on`, cause))
    }
  }

  return {
    subscribe,
    /** Asks a new connection for every filter; those that come meanwhile are asked for when it is the connected one. */
    async resubscribe(client: MqttClient): Promise<() => void> {
      const asked = [...handlersOf.keys()]
      await grant(client, asked)
      return () => {
        connected = client
        const later = [...handlersOf.keys()].filter((filter) => !asked.includes(filter))
        void grant(client, later)
      }
    },
    disconnected(): void {
      connected = undefined
    },
    take,
    /** Rejects every caller that still waits. */
    close(): void {
      for (const { reject } of [...waiting.values()].flat()) reject(new FleetError('closed', 'the client was closed'))
      waiting.clear()
    },
  }
}

/** The broker's code for each filter; none where the connection is lost first. */
function answersOf(client: MqttClient, filters: readonly string[]): Promise<readonly number[]> {
  return new Promise((resolve) => {
    client.subscribe([...filters], { qos: 1 }, (_error, _subscriptions, answer) => {
      resolve((answer?.granted ?? []) as number[])
    })
  })
}

function refusedAgain(name: string, filter: string): FleetError {
  return new FleetError('not-taken', `${name} refuses what it granted before, and is asked again: ${filter}`)
}

function refusedFor(name: string, filter: string, code: number): FleetError {
  const why = code === 0 ? 'grants QoS 0 only' : 'refuses the subscription'
  return new FleetError('unauthorised', `${name} ${why}: ${filter}`)
}

function isMatch(filter: string, topic: string): boolean {
  if (filter === topic) return true
  if (!filter.includes('+')) return false
  const [wanted, levels] = [filter.split('/'), topic.split('/')]
  return wanted.length === levels.length && wanted.every((level, index) => level === '+' || level === levels[index])
}
