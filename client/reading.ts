// Reads what comes on a router's topics. A field or event of a later version is no fault; what is no JSON is passed over,
// as is what is too deep to be written again: one router of many must not stop a history of all of them.
import { Event, isTooDeep, type Status, Status as StatusSchema, Usage, UsageMessage } from '../protocol/index.ts'
import type { Position } from './cursor.ts'

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

const ReportHead = Usage.pick({ type: true, epoch: true, afterSeq: true })

/** The last event that a usage report includes. Its sessions are not checked: a large fleet's are most of all that is heard. */
export function reportedPosition(content: Json): Position | undefined {
  const { success, data } = ReportHead.safeParse(content)
  return success ? { epoch: data.epoch, seq: data.afterSeq } : undefined
}

export function statusIn(content: Json): Status | undefined {
  return StatusSchema.safeParse(content).success ? (content as unknown as Status) : undefined
}
