// The receiver of one connection: which handler a message goes to, and whether the broker may forget it.
import type { IPublishPacket } from 'mqtt'
import { type Channel, replyTopicOf, topicOf } from '../../protocol/index.ts'
import type { Log } from '../log.ts'
import type { Warnings } from './broker-warnings.ts'
import type { Settings } from './connect-options.ts'
import type { Connection } from './connection.ts'
import type { Receipt, Reply, UplinkHandlers } from './messages.ts'
import { isReplyTopic } from './names.ts'

export interface Receiver {
  /** How many purchases of this connection the broker was left to keep. */
  readonly kept: number
  /** `bytes`: how long the payload was, which may have been cut. Resolves with whether to acknowledge the message. */
  receive(from: Connection, packet: IPublishPacket, bytes: number): boolean | Promise<boolean>
}

interface Parts {
  settings: Settings
  handlers: UplinkHandlers
  log: Log
  warnings: Warnings
  /** Takes this router's own status as it was found at the broker. */
  ownStatus(payload: Uint8Array): void
}

// Purchases, and messages of other topics, that are left to the broker on one connection: more would stop all behind them.
const mostKept = 8
const mostForeign = 8

export function createReceiver({ settings, handlers, log, warnings, ownStatus }: Parts): Receiver {
  const { routerId, topicPrefix } = settings
  const topic = (channel: Channel) => topicOf(routerId, channel, topicPrefix)
  const channels = new Map((['purchase', 'command', 'query'] as const).map((channel) => [topic(channel), channel]))
  const foreign = new Set<string>()
  let foreignCount = 0
  let kept = 0

  async function isSold(receipt: Promise<Receipt>): Promise<boolean> {
    try {
      if ((await receipt) === 'acknowledge') return true
    } catch (err) {
      log.error({ err }, 'a purchase failed; the broker keeps it')
    }
    if (kept >= mostKept) return true
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
    foreign.add(name)
    return ++foreignCount > mostForeign
  }

  return {
    get kept() {
      return kept
    },
    receive(from, packet, bytes) {
      const channel = channels.get(packet.topic)
      const message = { payload: Buffer.from(packet.payload), bytes, retained: packet.retain }
      if (channel === 'purchase') return isSold(handlers.purchase(message))
      if (channel !== undefined) {
        const { responseTopic } = packet.properties ?? {}
        const isMisdirected = responseTopic !== undefined && !isReplyTopic(responseTopic, routerId, topicPrefix)
        handlers.command({ ...message, channel, isMisdirected }, replyOn(settings, from, packet, isMisdirected))
        return true
      }
      if (packet.topic !== topic('status')) return isForeignTaken(from, packet.topic)
      ownStatus(message.payload)
      from.unsubscribe(packet.topic)
      return true
    },
  }
}

function replyOn(
  { routerId, topicPrefix }: Settings,
  from: Connection,
  { properties }: IPublishPacket,
  isMisdirected: boolean,
): Reply {
  const { responseTopic, correlationData } = properties ?? {}
  return async (message, { to, urgency = 'reply' } = {}) => {
    const payload = JSON.stringify(message)
    const own = to === undefined ? topicOf(routerId, 'reply', topicPrefix) : replyTopicOf(routerId, to, topicPrefix)
    const asked = to === undefined && !isMisdirected ? (responseTopic ?? own) : own
    const topics = [...new Set([own, asked])]
    await Promise.all(
      topics.map((name) =>
        from.publish(name, payload, { urgency, correlationData: name === asked ? correlationData : undefined }),
      ),
    )
  }
}
