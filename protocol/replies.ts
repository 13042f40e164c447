// The `data` of the reply to each command.
import * as z from 'zod'
import { SessionEnded } from './events.ts'
import { Session } from './session.ts'
import { Count, Mac, Metric, PurchaseId } from './values.ts'

const Range = z.object({ fromSeq: z.int().min(1), toSeq: z.int().min(1) })

/** `ofEpoch`: the outcome is of an earlier epoch. `lost`: damage took a part of the story. */
const Story = z.object({
  purchaseId: PurchaseId,
  ofSeq: Count,
  ofEpoch: z.string().optional(),
  sessionId: z.string().optional(),
  mac: Mac.optional(),
  metric: Metric.optional(),
  allotment: Count.optional(),
  complete: z.boolean(),
  ended: z.boolean(),
  story: z.array(z.object({ seq: Count, at: z.string(), text: z.string() })),
  lost: z.array(Range).optional(),
})

/** `pruned` and `lost` name what can no longer be read, `skipped` what no message can hold. */
const Replay = z.object({
  epoch: z.string(),
  fromSeq: z.int().min(1),
  toSeq: z.int().min(1),
  sent: Count,
  lastSeq: Count,
  pruned: Range.optional(),
  lost: z.array(Range).optional(),
  skipped: z.array(z.object({ seq: z.int().min(1), bytes: Count })).optional(),
})

/** Of an end that was ordered before and whose event cannot be read any more. */
const Ended = z.object({ sessionId: z.string(), ended: z.literal(true), ofSeq: Count.optional() })

/** By command. */
export const ReplyData = {
  sessions: z.object({ afterSeq: Count, sessions: z.array(Session) }),
  session: Session,
  'session.end': z.union([SessionEnded, Ended]),
  'session.pause': Session,
  'session.resume': Session,
  'session.move': Session,
  'purchase.explain': Story,
  'events.replay': Replay,
  usage: z.object({ afterSeq: Count, parts: Count }),
  config: z.record(z.string(), z.unknown()),
} as const
export type ReplyData = { [C in keyof typeof ReplyData]: z.infer<(typeof ReplyData)[C]> }
