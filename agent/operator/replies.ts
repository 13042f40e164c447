// Replies that are too large for one message come in parts, each with a piece of the reply's list.
import type { Reply } from '../../protocol/index.ts'
import { inParts } from '../merchant/parts.ts'

// The lists that a reply may have: sessions, the story of a purchase, the purchases of a session that ended.
const lists = ['sessions', 'story', 'purchases', 'skipped'] as const
// Room for the numbers of the part.
const frameBytes = 64

/** The reply in messages of at most so many bytes, where it has a list to divide. */
export function repliesOf(reply: Reply, mostBytes: number): Reply[] {
  if (reply.status === 'error' || bytesOf(reply) <= mostBytes) return [reply]
  const data = Object(reply.data) as Record<string, unknown>
  const list = lists.find((name) => Array.isArray(data[name]))
  if (list === undefined) return [reply]
  const frame = bytesOf({ ...reply, data: { ...data, [list]: [] } }) + frameBytes
  const pieces = inParts(data[list] as unknown[], mostBytes - frame)
  return pieces.map((piece, index) => ({
    ...reply,
    part: index + 1,
    parts: pieces.length,
    data: { ...data, [list]: piece },
  }))
}

const bytesOf = (value: object): number => Buffer.byteLength(JSON.stringify(value))
