// Who the agent is to the broker, and where its answers may go.
import { createHash } from 'node:crypto'
import { defaultPrefix, ReplyTo, type RouterId, replyTopicOf, topicOf } from '../../protocol/index.ts'

/** One name for each router of each fleet: two clients of one name throw each other out for ever. */
export function clientIdOf(routerId: RouterId, prefix: string): string {
  if (prefix === defaultPrefix) return `tollgate-${routerId}`
  return `tollgate_${createHash('sha256').update(prefix).digest('hex').slice(0, 8)}_${routerId}`
}

/** Whether the agent answers there: only below its own reply topic, where nobody takes a reply for something else. */
export function isReplyTopic(topic: string, routerId: RouterId, prefix: string): boolean {
  const own = topicOf(routerId, 'reply', prefix)
  if (topic === own) return true
  const level = topic.startsWith(`${own}/`) ? topic.slice(own.length + 1) : ''
  return ReplyTo.safeParse(level).success && topic === replyTopicOf(routerId, level, prefix)
}

/** An address without a name, a password, or a token in its query. */
export function withoutSecrets(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
