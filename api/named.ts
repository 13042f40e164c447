// The parts of the contract that have a name and a sentence in what is published.
import * as z from 'zod'
import * as contract from '../protocol/index.ts'

const { ReplyData, UsageMessage, Command, CommandErrorCode, Status } = contract

const inParts = { part: z.int().min(1).optional(), parts: z.int().min(1).optional() }

/** Replies as they come for each command, where the contract itself leaves `data` open. */
const replies = Object.entries(ReplyData).map(([command, data]) =>
  z.object({ transaction: z.string(), command: z.literal(command), status: z.literal('ok'), ...inParts, data }),
)
const Failure = z.object({
  transaction: z.string().nullable(),
  command: z.string().nullable(),
  status: z.literal('error'),
  error: z.object({ code: CommandErrorCode, message: z.string() }),
})
const again = { historical: z.literal(true), transaction: z.string() }
const replayed = contract.Event.options.map((event) => z.object({ ...event.shape, ...again }))

/** All that comes on a reply topic. A reply in parts has a piece of its list in each. */
const Reply = z.union([...replies, Failure, ...replayed])

/** A file each: what comes on one topic, or goes there. */
export const messages = {
  purchase: contract.Purchase,
  usage: UsageMessage,
  status: Status,
  command: Command,
  reply: Reply,
} as const

export interface Named {
  id: string
  description?: string
}

export const named = z.registry<Named>()
/** The named schemas as a list, in the order of their naming. */
export const parts: { schema: z.ZodType; about: Named }[] = []

function name(schema: z.ZodType, about: Named): void {
  named.add(schema, about)
  parts.push({ schema, about })
}

const eventSentences: Record<string, string> = {
  'purchase.accepted': 'The purchase is on disk and will be served.',
  'purchase.rejected': 'The purchase is refused. final: false with retry: true means: send the same again.',
  'session.started': 'The portal shows the gate open, for the first time in this session.',
  'session.paused': 'By command: the gate is shut, the rest stays.',
  'session.resumed': 'By command: the session goes on.',
  'session.moved': 'The session goes on with another device.',
  'session.settled': 'Used-up purchases leave a session that has many.',
  'session.ended': 'The portal shows the gate shut for good. What is unused of each purchase is to be refunded.',
  'gate.drift': 'Portal and books disagree; repair says what the agent does about it.',
  'agent.started': 'RADIUS Accounting-On.',
  'agent.stopped': 'RADIUS Accounting-Off. Paid gates stay open.',
  usage: 'Where every session stands, cumulative; not journalled.',
}

for (const event of UsageMessage.options) {
  const type = event.shape.type.value
  name(event, { id: idOf(type), description: eventSentences[type] ?? '' })
}
for (const command of Command.options) name(command, { id: `Ask.${idOf(command.shape.command.value)}` })
for (const reply of replies) name(reply, { id: `Reply.${idOf(reply.shape.command.value)}` })
for (const event of replayed) name(event, { id: `Replayed.${idOf(event.shape.type.value)}` })
name(Failure, { id: 'Reply.Error', description: 'Why a command was not done; the codes are a closed list.' })
name(contract.PaidPurchase, {
  id: 'PaidPurchase',
  description: 'What was paid, priced by the price list of the router: floor(amount / pricePerStep) steps.',
})
name(contract.DirectGrant, {
  id: 'DirectGrant',
  description: 'So many bytes or milliseconds, priced by the backend.',
})
name(contract.Session, {
  id: 'Session',
  description: "One device's stay: allotment = used + remaining, for each metric.",
})
name(contract.Paid, { id: 'Paid', description: 'amount = steps × pricePerStep + change, exactly.' })
name(contract.Price, { id: 'Price', description: 'One row of a price list.' })
name(contract.Conservation, { id: 'Conservation', description: "The books' own audit: difference is always 0." })
name(contract.LiveStatus, { id: 'LiveStatus', description: 'The router is there; warnings say what to do.' })
name(contract.UnreadStatus, {
  id: 'UnreadStatus',
  description: 'The router has started on a disk that cannot be read: what it has sold is not known.',
})
name(contract.OfflineStatus, {
  id: 'OfflineStatus',
  description: 'The agent is stopped, or the broker has lost it.',
})

/** `session.ended` → `SessionEnded`. */
export function idOf(type: string): string {
  return type.replaceAll(/(^|\.)(.)/g, (_, _dot, letter: string) => letter.toUpperCase())
}
