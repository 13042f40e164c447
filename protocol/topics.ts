// The topics, built and parsed in this one place: `<prefix>/<router id>/<channel>`.
import * as z from 'zod'
import { RouterId } from './values.ts'

/** What is said on a router's topics; see the contract's table for who says it to whom. */
export const Channel = z.enum(['purchase', 'usage', 'status', 'command', 'reply'])
export type Channel = z.infer<typeof Channel>

/** The topic prefix: one or more levels without wildcards. */
export const TopicPrefix = z.string().regex(/^[^#+\s/]+(\/[^#+\s/]+)*$/, 'topic levels without #, + or blanks')

export const defaultPrefix = 'router'

/** The topic of one router's channel, e.g. `router/r1/purchase`; `+` as the router id subscribes to the whole fleet. */
export function topicOf(routerId: RouterId | '+', channel: Channel, prefix: string = defaultPrefix): string {
  return `${prefix}/${routerId}/${channel}`
}

/** Which router and channel a topic names; `undefined` when it is none of ours. */
export function parseTopic(
  topic: string,
  prefix: string = defaultPrefix,
): { routerId: RouterId; channel: Channel } | undefined {
  if (!topic.startsWith(`${prefix}/`)) return undefined
  const [id, name, ...rest] = topic.slice(prefix.length + 1).split('/')
  const routerId = RouterId.safeParse(id)
  const channel = Channel.safeParse(name)
  if (rest.length > 0 || !routerId.success || !channel.success) return undefined
  return { routerId: routerId.data, channel: channel.data }
}
