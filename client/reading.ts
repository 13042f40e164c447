// Reads what comes on a router's topics. A field or event of a later version is no fault; what is no JSON is passed over,
// as is what is too deep to be written again: one router of many must not stop a history of all of them.
import { Event, isTooDeep, type Status, Status as StatusSchema, type Usage, UsageMessage } from '../protocol/index.ts'

export type Json = Record<string, unknown>

export function jsonOf(payload: Uint8Array): Json | undefined {
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(payload))
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
    return isObject && !isTooDeep(content) ? (content as Json) : undefined
  } catch {
    return undefined
  }
}

/** As it was sent, with fields that this version does not know. */
export function eventIn(content: Json): Event | undefined {
  return Event.safeParse(content).success ? (content as unknown as Event) : undefined
}

export function usageIn(content: Json): Usage | undefined {
  if (content.type !== 'usage') return undefined
  return UsageMessage.safeParse(content).success ? (content as unknown as Usage) : undefined
}

export function statusIn(content: Json): Status | undefined {
  return StatusSchema.safeParse(content).success ? (content as unknown as Status) : undefined
}
