// The topics, built and parsed in this one place: `<prefix>/<router id>/<channel>`.
import * as z from 'zod'
import { RouterId } from './values.ts'

/** The channels of a router; see the contract's table for who says it to whom. */
export const Channel = z.enum(['purchase', 'usage', 'status', 'command', 'query', 'reply'])
export type Channel = z.infer<typeof Channel>

/** The topic prefix: one or more levels without wildcards; a broker's own topics (`$SYS`, `$share`) are none. */
export const TopicPrefix = z
  .string()
  .regex(/^[^#+\s/$][^#+\s/]*(\/[^#+\s/]+)*$/, 'topic levels without #, + or blanks, the first not with $')

/** A level below `router/<id>/reply` for one asker's answers: 1-64 of `A-Z a-z 0-9 _ -`, no channel's name. */
export const ReplyTo = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ -')
  .refine((level) => !Channel.safeParse(level).success, 'not the name of a channel')
export type ReplyTo = z.infer<typeof ReplyTo>

export const defaultPrefix = 'router'

/** The topic of one router's channel, e.g. `router/r1/purchase`; `+` as the router id subscribes to the whole fleet. */
export function topicOf(routerId: RouterId | '+', channel: Channel, prefix: string = defaultPrefix): string {
  return `${prefix}/${routerId}/${channel}`
}

/** Where the answers to a command with that `replyTo` go, e.g. `router/r1/reply/desk-3`. */
export function replyTopicOf(routerId: RouterId | '+', replyTo: ReplyTo | '+', prefix: string = defaultPrefix): string {
  return `${topicOf(routerId, 'reply', prefix)}/${replyTo}`
}

/** Which router and channel a topic names, for a reply also to whom; `undefined` when it is none of ours. */
export function parseTopic(
  topic: string,
  prefix: string = defaultPrefix,
): { routerId: RouterId; channel: Channel; replyTo?: ReplyTo } | undefined {
  if (!topic.startsWith(`${prefix}/`)) return undefined
  const [id, name, ...rest] = topic.slice(prefix.length + 1).split('/')
  const routerId = RouterId.safeParse(id)
  const channel = Channel.safeParse(name)
  if (!routerId.success || !channel.success) return undefined
  const found = { routerId: routerId.data, channel: channel.data }
  if (rest.length === 0) return found
  const replyTo = ReplyTo.safeParse(rest[0])
  return channel.data === 'reply' && rest.length === 1 && replyTo.success
    ? { ...found, replyTo: replyTo.data }
    : undefined
}
