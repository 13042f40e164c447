// Listens to a whole fleet: everything on `usage` and `status`, read by the contract.
import {
  type CommandInput,
  defaultPrefix,
  parseTopic,
  type RouterId,
  Status,
  topicOf,
  UsageMessage,
} from '../protocol/index.ts'
import { createLink } from './link.ts'

export interface MonitorOptions {
  url: string
  prefix?: string
  /** One router, or the whole fleet. */
  routerId?: RouterId
  onUsage?(message: UsageMessage): void
  onStatus?(status: Status): void
  /** Something on a router's topic that the contract does not know. */
  onUnreadable?(topic: string, why: string): void
  onDisconnect?(): void
}

export interface Monitor {
  open(): Promise<void>
  publish(routerId: RouterId, channel: 'purchase', message: object): Promise<void>
  command(routerId: RouterId, command: CommandInput): Promise<void>
  close(): Promise<void>
}

export function createMonitor(options: MonitorOptions): Monitor {
  const { prefix = defaultPrefix, routerId = '+' } = options
  const topics = (['usage', 'status'] as const).map((channel) => topicOf(routerId, channel, prefix))
  const { url, onDisconnect } = options
  const link = createLink({ url, name: 'monitor', topics, onMessage: hear, ...(onDisconnect && { onDisconnect }) })

  function hear(topic: string, payload: Uint8Array): void {
    const channel = parseTopic(topic, prefix)?.channel
    try {
      const content: unknown = JSON.parse(new TextDecoder().decode(payload))
      if (channel === 'usage') options.onUsage?.(UsageMessage.parse(content))
      if (channel === 'status') options.onStatus?.(Status.parse(content))
    } catch (error) {
      options.onUnreadable?.(topic, error instanceof Error ? error.message : String(error))
    }
  }

  return {
    open: link.open,
    publish: (id, channel, message) => link.publish(topicOf(id, channel, prefix), message),
    command: (id, command) => link.publish(topicOf(id, 'command', prefix), command),
    close: link.close,
  }
}
