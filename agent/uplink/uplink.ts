// The uplink: one MQTT connection at a time, made again for as long as the agent lives.
// Every connection has a client of its own, so MQTT.js's store is always empty: the journal is the outbox.
import { readFile } from 'node:fs/promises'
import type { IClientOptions, IPublishPacket } from 'mqtt'
import { type Channel, type RouterId, replyTopicOf, type Status, topicOf } from '../../protocol/index.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { exactJson } from '../exact-json.ts'
import type { Log } from '../log.ts'
import { addressOf } from './address.ts'
import { type Connection, type Ended, openConnection, packetOverhead } from './connection.ts'
import { clientIdOf, isReplyTopic, withoutSecrets } from './names.ts'
import { NotTaken } from './not-taken.ts'
import { type Place, placesOf } from './places.ts'
import { faultInWords, retainNotSupported } from './reasons.ts'
import { smallPart, type Urgency } from './send-window.ts'
import { streamTo, type Trust } from './stream.ts'
import { createTakeOvers } from './take-overs.ts'
import { createWarnings } from './warnings.ts'

export { NotTaken } from './not-taken.ts'
export type { Urgency } from './send-window.ts'

/** A message as it came in. */
export interface Incoming {
  /** At most 32 KiB; of a longer message only the beginning. */
  payload: Uint8Array
  /** How long it was. */
  bytes: number
  /** Stored at the broker before this subscription, or sent to be stored: nothing that acts may follow from it. */
  retained: boolean
}

export interface IncomingCommand extends Incoming {
  channel: 'command' | 'query'
  /** Its Response Topic is none that this router answers on. */
  isMisdirected: boolean
}

/**
 * What becomes of a message at the broker: `acknowledge`, and it forgets it; `keep`, and it delivers it again on another
 * connection. What is kept holds nothing up on this one.
 */
export type Receipt = 'acknowledge' | 'keep'

/**
 * Sends one message to whoever asked: below the reply topic where `to` says so, else on the reply topic and the Response
 * Topic. Resolves when the broker has it; rejects with {@link NotTaken}.
 */
export type Reply = (message: object, how?: { to?: string | undefined; urgency?: Urgency }) => Promise<void>

export interface UplinkHandlers {
  /** Only the disk may be waited for: until it resolves nothing else comes in. */
  purchase(message: Incoming): Promise<Receipt>
  /** Must not be waited for. */
  command(message: IncomingCommand, reply: Reply): void
  /** Subscribed: what waits may be published. */
  connected(): void
}

/** A status for the broker to keep, not yet as JSON: its sums may be larger than a number holds. */
export type LastWill = Pick<Status, 'epoch' | 'bootId'>

export interface Uplink {
  readonly connected: boolean
  /** How many purchases of this connection the broker was left to keep. */
  readonly kept: number
  /** What a person should know about the broker, in words. */
  readonly warnings: readonly string[]
  /** So many bytes of JSON fit into one message, on every topic. */
  readonly mostBytes: number
  /** So many bytes a part should have at most: fewer where acknowledgements come slowly. */
  readonly partBytes: number
  /** Connects, and again whenever the connection is lost. `lastWill`, asked for each time, is what the broker says when the agent vanishes. */
  open(handlers: UplinkHandlers, lastWill: () => LastWill): void
  /** Publishes with QoS 1, events first. Resolves when the broker has it; rejects with {@link NotTaken}. */
  publish(channel: Channel, message: object, options?: { retain?: boolean; urgency?: Urgency }): Promise<void>
  /** Leaves in order, without a last will, and comes back: what the broker keeps is delivered again. */
  rejoin(): void
  close(): Promise<void>
}

type Settings = Pick<Config, 'mqtt' | 'topicPrefix'> & { routerId: RouterId }

// Between two tries to connect: doubling from the first to the longest, and never the whole fleet at once.
const firstPause = 500
const longestPause = 15_000
// Between two addresses of one broker.
const nextPlacePause = 100
// A connection that lasted so long was a good one.
const goodConnection = 10_000
// So many messages of topics that are not this agent's, and so many purchases, are left to the broker on one connection.
const mostForeign = 8
const mostKept = 8
// MQTT 3.1.1 does not tell why a connection ends. After so many ends with a large message under way parts are made small;
// after so many with the same message it is taken for one that the broker will never take.
const suspicious = 2
const hopeless = 5

export function createUplink({ mqtt: broker, routerId, topicPrefix }: Settings, clock: Clock, log: Log): Uplink {
  const topic = (channel: Channel) => topicOf(routerId, channel, topicPrefix)
  const channels = new Map((['purchase', 'command', 'query'] as const).map((channel) => [topic(channel), channel]))
  const warnings = createWarnings(clock, log)
  const takeOvers = createTakeOvers(clock, warnings, clientIdOf(routerId, topicPrefix))
  const closing = new AbortController()
  // Learned from connections that ended.
  const withoutRetain = new Set<string>()
  const large = { losses: 0, size: Number.POSITIVE_INFINITY }
  let connection: Connection | undefined
  let kept = 0
  let foreign = new Map<string, number>()
  let awayWith: { reason: string; since: number } | undefined
  let finished: Promise<void> = Promise.resolve()

  async function keepConnected(handlers: UplinkHandlers, lastWill: () => LastWill): Promise<void> {
    let pause = firstPause
    while (!closing.signal.aborted) {
      for (const place of await placesOf(broker.urls)) {
        if (closing.signal.aborted) return
        const from = clock.monotonic()
        await connectOnce(place, handlers, lastWill)
        if (clock.monotonic() - from >= goodConnection) {
          pause = firstPause
          break
        }
        await clock.sleep(nextPlacePause, closing.signal)
      }
      await clock.sleep(Math.max(pause, takeOvers.pause) * (0.5 + Math.random() / 2), closing.signal)
      pause = Math.min(pause * 2, longestPause)
    }
  }

  /** Resolves when the connection is over, or could not be made. */
  async function connectOnce(place: Place, handlers: UplinkHandlers, lastWill: () => LastWill): Promise<void> {
    try {
      const openStream = await streamTo(place, await trustOf(broker))
      const will = lastWill()
      const options = await optionsFor(place, will)
      if (closing.signal.aborted) return
      const from = clock.monotonic()
      const opened = openConnection({
        ...{ openStream, options, clock, warnings },
        subscriptions: [[topic('purchase')], [topic('command'), topic('query')]],
        received: (packet, bytes) => receive(opened, packet, bytes, handlers, will),
        joined: () => joined(place, opened, handlers),
      })
      connection = opened
      const ended = await opened.ended
      connection = undefined
      kept = 0
      foreign = new Map()
      learn(place, ended, clock.monotonic() - from)
      if (!closing.signal.aborted) away(place, ended.reason)
    } catch (err) {
      away(place, faultInWords(err))
    }
  }

  function joined(place: Place, opened: Connection, handlers: UplinkHandlers): void {
    const where = { broker: withoutSecrets(place.url), ...(place.address && { address: place.address }) }
    const awayMilliseconds = awayWith && clock.monotonic() - awayWith.since
    log.info({ ...where, ...(awayMilliseconds !== undefined && { awayMilliseconds }) }, 'connected to the broker')
    awayWith = undefined
    if (opened.canRetain) warnings.clear('retain')
    else
      warnings.raise(
        'retain',
        `${where.broker} keeps no retained messages: the status is seen by those who listen only`,
      )
    if (takeOvers.isSuspected) opened.watch(topic('status'))
    handlers.connected()
  }

  // One line for an outage, and another when its reason changes.
  function away({ url, address }: Place, reason: string): void {
    const where = { broker: withoutSecrets(url), ...(address && { address }) }
    const isNew = awayWith?.reason !== reason
    awayWith = { reason, since: awayWith?.since ?? clock.monotonic() }
    log[isNew ? 'warn' : 'debug']({ ...where, reason }, 'no connection to the broker, trying again')
    // Whoever reads the status afterwards learns why the router was away.
    if (isNew) warnings.raise('connection', `the connection to ${where.broker} was lost or not made: ${reason}`)
  }

  function learn({ url }: Place, ended: Ended, lasted: number): void {
    takeOvers.ended(ended, lasted)
    if (ended.code === retainNotSupported) withoutRetain.add(url)
    if (ended.hasTakenLarge) large.losses = 0
    if (!ended.byBroker || ended.largestUnderWay <= smallPart) return
    large.losses++
    if (large.losses < hopeless) return
    large.losses = suspicious
    large.size = Math.min(large.size, ended.largestUnderWay)
    const what = `messages of ${large.size} bytes and more are not sent: the broker ends the connection at each`
    warnings.raise('size', `${what}; raise its limit (Mosquitto: max_packet_size) or set AGENT_MQTT_VERSION=5`)
  }

  async function optionsFor({ url }: Place, lastWill: LastWill): Promise<IClientOptions> {
    const { passwordFile, username, version } = broker
    const inUrl = addressOf(url)
    const payload = Buffer.from(exactJson(lastWill))
    return {
      clientId: clientIdOf(routerId, topicPrefix),
      clean: false,
      protocolVersion: version,
      // A broker that speaks MQTT 5 keeps what is sent to us only for as long as we ask: here, for ever.
      ...(version === 5 && { properties: { sessionExpiryInterval: 0xffffffff, maximumPacketSize: 64 * 1024 } }),
      will: { topic: topic('status'), payload, qos: 1, retain: !withoutRetain.has(url) },
      reconnectPeriod: 0,
      resubscribe: false,
      keepalive: 30,
      // Its timers for browsers are not in the bundle.
      timerVariant: 'native',
      // Saves 14 MB of buffers that MQTT.js would make beforehand.
      writeCache: false,
      ...(inUrl.username !== undefined && { username: inUrl.username }),
      ...(inUrl.password !== undefined && { password: inUrl.password }),
      ...(username !== undefined && { username }),
      ...(passwordFile && { password: (await readFile(passwordFile, 'utf8')).trim() }),
    }
  }

  function receive(
    from: Connection,
    packet: IPublishPacket,
    bytes: number,
    handlers: UplinkHandlers,
    own: LastWill,
  ): boolean | Promise<boolean> {
    const channel = channels.get(packet.topic)
    const message = { payload: Buffer.from(packet.payload), bytes, retained: packet.retain }
    if (channel === 'purchase') return sold(from, handlers.purchase(message))
    if (channel !== undefined) {
      const { responseTopic } = packet.properties ?? {}
      const isMisdirected = responseTopic !== undefined && !isReplyTopic(responseTopic, routerId, topicPrefix)
      handlers.command({ ...message, channel, isMisdirected }, replyOn(from, packet, isMisdirected))
      return true
    }
    if (packet.topic !== topic('status')) return isForeignTaken(from, packet.topic)
    takeOvers.saw(message.payload, own)
    from.unsubscribe(packet.topic)
    return true
  }

  async function sold(from: Connection, receipt: Promise<Receipt>): Promise<boolean> {
    try {
      if ((await receipt) === 'acknowledge') return true
    } catch (err) {
      log.error({ err }, 'a purchase failed; the broker keeps it')
    }
    // More would stop all that comes in behind them.
    if (from !== connection || kept >= mostKept) return true
    kept++
    return false
  }

  // Another agent may wait for it: acknowledged, it would be lost to everybody.
  function isForeignTaken(from: Connection, name: string): boolean {
    if (!foreign.has(name)) {
      from.unsubscribe(name)
      const why = 'an older agent of this client id may have subscribed to it'
      log.error({ topic: name }, `a message of a topic that is not this router's is left to the broker: ${why}`)
      warnings.raise(`foreign ${name}`, `messages of ${name} arrive here and are left to the broker: ${why}`)
    }
    foreign.set(name, (foreign.get(name) ?? 0) + 1)
    return [...foreign.values()].reduce((sum, count) => sum + count, 0) > mostForeign
  }

  function replyOn(from: Connection, { properties }: IPublishPacket, isMisdirected: boolean): Reply {
    const { responseTopic, correlationData } = properties ?? {}
    return async (message, { to, urgency = 'reply' } = {}) => {
      const payload = JSON.stringify(message)
      const own = to === undefined ? topic('reply') : replyTopicOf(routerId, to, topicPrefix)
      const asked = to === undefined && !isMisdirected ? (responseTopic ?? own) : own
      const topics = new Set([own, asked])
      await Promise.all(
        [...topics].map((name) =>
          from.publish(name, payload, { urgency, correlationData: name === asked ? correlationData : undefined }),
        ),
      )
    }
  }

  // The longest topic is a reply's, with a level of 64 characters below it.
  function mostBytes(): number {
    const most = Math.min(connection?.mostBytes ?? 64 * 1024, large.size - 1)
    return most - Buffer.byteLength(topic('reply')) - 65 - packetOverhead
  }

  return {
    get connected() {
      return connection?.isJoined === true
    },
    get kept() {
      return kept
    },
    get warnings() {
      return warnings.list
    },
    get mostBytes() {
      return mostBytes()
    },
    get partBytes() {
      const isSmall = large.losses >= suspicious || connection?.isSlow !== false
      return isSmall ? Math.min(smallPart, mostBytes()) : mostBytes()
    },
    open(handlers, lastWill) {
      finished = keepConnected(handlers, lastWill)
    },
    async publish(channel, message, { retain = false, urgency = 'event' } = {}) {
      // What waited at the broker comes before the subscription is confirmed, and is answered.
      if (!connection) throw new NotTaken('no-connection', 'there is no connection to the broker')
      const payload = exactJson(message)
      if (Buffer.byteLength(payload) > mostBytes()) {
        throw new NotTaken('too-large', `the message has ${Buffer.byteLength(payload)} bytes; ${mostBytes()} fit`)
      }
      await connection.publish(topic(channel), payload, { urgency, retain })
      if (channel === 'status') takeOvers.told()
    },
    rejoin() {
      connection?.leave().catch((err) => log.debug({ err }, 'the connection was over already'))
    },
    async close() {
      closing.abort()
      const last = connection
      await last?.leave().catch(() => {})
      last?.drop(new Error('the agent is stopped'))
      await finished
    },
  }
}

async function trustOf({ caFile, certFile, keyFile }: Config['mqtt']): Promise<Trust> {
  return {
    ...(caFile && { ca: await readFile(caFile) }),
    ...(certFile && { cert: await readFile(certFile) }),
    ...(keyFile && { key: await readFile(keyFile) }),
  }
}
