// The uplink: one MQTT connection at a time, made again for as long as the agent lives.
// Every connection has a client of its own, so MQTT.js's store is always empty: the journal is the outbox.
import { type Channel, type Status, topicOf } from '../../protocol/index.ts'
import { exactJson } from '../exact-json.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import { createWarnings } from './broker-warnings.ts'
import { type Settings, wayTo } from './connect-options.ts'
import { type Connection, openConnection } from './connection.ts'
import { createCredentials } from './credentials.ts'
import type { UplinkHandlers } from './messages.ts'
import { clientIdOf } from './names.ts'
import { NotTaken } from './not-taken.ts'
import { createOutages } from './outages.ts'
import { packetOverhead } from './packets.ts'
import type { Place } from './places.ts'
import { faultInWords, retainNotSupported } from './reasons.ts'
import { createReceiver, type Receiver } from './receiver.ts'
import { keepConnected } from './reconnecting.ts'
import { smallPart, type Urgency } from './send-window.ts'
import { createSizeLimit } from './size-limit.ts'
import { createTakeOvers } from './take-overs.ts'

export type { Incoming, IncomingCommand, Receipt, Reply, UplinkHandlers } from './messages.ts'
export { NotTaken } from './not-taken.ts'
export type { Urgency } from './send-window.ts'

/** A status for the broker to keep, not yet as JSON: its sums may be larger than a number holds. */
export type LastWill = Pick<Status, 'epoch' | 'bootId'>

export interface Uplink {
  readonly connected: boolean
  /** How many purchases of this connection the broker was left to keep. */
  readonly kept: number
  /** Troubles with the broker, in words for a person. */
  readonly warnings: readonly string[]
  /** The bytes of JSON that fit into one message, on every topic. */
  readonly mostBytes: number
  /** The bytes that a part should have at most: fewer where acknowledgements come slowly. */
  readonly partBytes: number
  /** Connects, and again whenever the connection is lost. `lastWill`, asked for each time, is what the broker says when the agent vanishes. */
  open(handlers: UplinkHandlers, lastWill: () => LastWill): void
  /** Publishes with QoS 1, events first. Resolves when the broker has it; rejects with {@link NotTaken}. */
  publish(channel: Channel, message: object, options?: { retain?: boolean; urgency?: Urgency }): Promise<void>
  /** Leaves in order, without a last will, and comes back: the broker then delivers again what it keeps. */
  rejoin(): void
  close(): Promise<void>
}

export function createUplink(settings: Settings, clock: Clock, log: Log): Uplink {
  const { mqtt, routerId, topicPrefix } = settings
  const topic = (channel: Channel) => topicOf(routerId, channel, topicPrefix)
  const warnings = createWarnings(clock, log)
  const outages = createOutages(clock, log, warnings)
  const takeOvers = createTakeOvers(clock, warnings, clientIdOf(routerId, topicPrefix))
  const sizeLimit = createSizeLimit(warnings)
  const files = createCredentials(mqtt, clock, log)
  // Brokers that refused a retained last will.
  const withoutRetain = new Set<string>()
  const closing = new AbortController()
  let current: { connection: Connection; receiver: Receiver } | undefined
  let finished: Promise<void> = Promise.resolve()

  /** Resolves when the connection is over; rejects where it could not be made. */
  async function connectOnce(place: Place, handlers: UplinkHandlers, lastWill: () => LastWill): Promise<void> {
    const will = lastWill()
    const way = await wayTo(place, { settings, files, lastWill: will, canRetain: !withoutRetain.has(place.url) })
    if (closing.signal.aborted) return
    const from = clock.monotonic()
    const ownStatus = (payload: Uint8Array) => takeOvers.saw(payload, will)
    const receiver = createReceiver({ settings, handlers, log, warnings, ownStatus })
    const connection = openConnection({
      ...{ ...way, clock, warnings },
      subscriptions: [[topic('purchase')], [topic('command'), topic('query')]],
      received: (packet, bytes) => receiver.receive(connection, packet, bytes),
      joined: () => joined(place, connection, handlers),
    })
    current = { connection, receiver }
    const ended = await connection.ended
    current = undefined
    takeOvers.ended(ended, clock.monotonic() - from)
    sizeLimit.ended(ended)
    if (ended.code === retainNotSupported) withoutRetain.add(place.url)
    if (!ended.left && !closing.signal.aborted) outages.away(place, ended.reason)
  }

  function joined(place: Place, connection: Connection, handlers: UplinkHandlers): void {
    outages.over(place, connection.canRetain)
    if (takeOvers.isSuspected) connection.watch(topic('status'))
    handlers.connected()
  }

  function rejoin(): void {
    current?.connection.leave().catch((err) => log.debug({ err }, 'the connection was over already'))
  }

  // The longest topic is a reply's, with a level of 64 characters below it.
  function mostBytes(): number {
    const most = Math.min(current?.connection.mostBytes ?? 64 * 1024, sizeLimit.bytes - 1)
    return most - Buffer.byteLength(topic('reply')) - 65 - packetOverhead
  }

  return {
    get connected() {
      return current?.connection.isJoined === true
    },
    get kept() {
      return current?.receiver.kept ?? 0
    },
    get warnings() {
      return [...warnings.list, ...files.warnings]
    },
    get mostBytes() {
      return mostBytes()
    },
    get partBytes() {
      const isSmall = sizeLimit.isSuspected || current?.connection.isSlow !== false
      return isSmall ? Math.min(smallPart, mostBytes()) : mostBytes()
    },
    open(handlers, lastWill) {
      void files.follow(rejoin, closing.signal)
      finished = keepConnected({
        ...{ urls: mqtt.urls, clock, leastPause: () => takeOvers.pause, closing: closing.signal },
        connect: (place) =>
          connectOnce(place, handlers, lastWill).catch((err) => outages.away(place, faultInWords(err))),
      })
    },
    async publish(channel, message, { retain = false, urgency = 'event' } = {}) {
      // The connection is set before SUBACK: queued messages come earlier, and answering them needs it.
      if (!current) throw new NotTaken('no-connection', 'there is no connection to the broker')
      const payload = exactJson(message)
      if (Buffer.byteLength(payload) > mostBytes()) {
        throw new NotTaken('too-large', `the message has ${Buffer.byteLength(payload)} bytes; ${mostBytes()} fit`)
      }
      await current.connection.publish(topic(channel), payload, { urgency, retain })
      if (channel === 'status') takeOvers.told()
    },
    rejoin,
    async close() {
      closing.abort()
      const last = current?.connection
      await last?.leave().catch(() => {})
      last?.drop(new Error('the agent is stopped'))
      await finished
    },
  }
}
