// Commands on `router/<id>/command` and their replies on `router/<id>/reply`.
import * as z from 'zod'
import { parseJson } from './json.ts'
import { ReplyTo } from './topics.ts'
import { AnyMac, Deadline, DeviceMac, PurchaseId } from './values.ts'
import { faultsInWords } from './words.ts'

const common = { transaction: z.string().min(1).max(128), notAfter: Deadline.optional(), replyTo: ReplyTo.optional() }
const SessionId = z.string().min(1).max(64)
const one = { mac: AnyMac.optional(), sessionId: SessionId.optional() }

/**
 * An operator's commands and questions to a router. The same `transaction` of an acting command acts once, for at least a day; after
 * `notAfter` a command is refused with `expired`. `session*` commands name a device by `mac` or a session by `sessionId`;
 * where both are given, both must match. With `replyTo` the answers go to `router/<id>/reply/<replyTo>` instead.
 */
export const Command = z.discriminatedUnion('command', [
  z.object({ ...common, command: z.literal('sessions') }),
  z.object({ ...common, command: z.literal('session'), ...one }),
  z.object({ ...common, command: z.literal('session.end'), ...one }),
  z.object({ ...common, command: z.literal('session.pause'), ...one }),
  z.object({ ...common, command: z.literal('session.resume'), ...one }),
  z.object({ ...common, command: z.literal('session.move'), from: AnyMac, to: DeviceMac }),
  z.object({ ...common, command: z.literal('purchase.explain'), purchaseId: PurchaseId }),
  z.object({
    ...common,
    command: z.literal('events.replay'),
    epoch: z.string(),
    fromSeq: z.int().min(1),
    toSeq: z.int().min(1),
  }),
  z.object({ ...common, command: z.literal('usage') }),
  z.object({ ...common, command: z.literal('config') }),
])
export type Command = z.infer<typeof Command>
export type CommandInput = z.input<typeof Command>

/** The commands that change a session; all others only read, and may come on the query topic too. */
export const actingCommands = ['session.end', 'session.pause', 'session.resume', 'session.move'] as const

/** Why a command was not done: a closed list. */
export const CommandErrorCode = z.enum([
  'invalid-message',
  'unknown-command',
  'unauthorised',
  'not-found',
  'expired',
  'superseded',
  'conflict',
  'gate-unconfirmed',
  'storage-failure',
  'busy',
  'agent-fault',
])
export type CommandErrorCode = z.infer<typeof CommandErrorCode>

/** Where one answer comes in several messages: `part` 1 to `parts`. */
const inParts = { part: z.int().min(1).optional(), parts: z.int().min(1).optional() }

/**
 * The answer to one command. `transaction` and `command` are null only where the command could not be read. A large one
 * comes in parts: each has the whole answer but for its list, of which it has a piece.
 */
export const Reply = z.discriminatedUnion('status', [
  z.object({ transaction: z.string(), command: z.string(), status: z.literal('ok'), ...inParts, data: z.unknown() }),
  z.object({
    transaction: z.string().nullable(),
    command: z.string().nullable(),
    status: z.literal('error'),
    error: z.object({ code: CommandErrorCode, message: z.string() }),
  }),
])
export type Reply = z.infer<typeof Reply>

/** Why a command was not done, as its reply says it. */
export type CommandError = Extract<Reply, { status: 'error' }>['error']

/** A command as it came, with as much of it as could be read. */
export type ReadCommand = {
  transaction: string | null
  name: string | null
  replyTo: string | undefined
} & ({ command: Command } | { error: CommandError })

/**
 * Reads a payload from the command or the query topic; a payload that is no command comes back as an error, never as a throw.
 * `bytes`: how long the message was, where the payload is only its beginning.
 */
export function parseCommand(payload: Uint8Array, bytes: number = payload.byteLength): ReadCommand {
  const read = parseJson(payload, bytes, 'a JSON object with transaction and command')
  if ('fault' in read) {
    return {
      transaction: null,
      name: null,
      replyTo: undefined,
      error: { code: 'invalid-message', message: read.fault },
    }
  }
  const fields = read.content as Record<string, unknown>
  const [transaction, name] = [textOrNull(fields.transaction), textOrNull(fields.command)]
  const known = { transaction, name, replyTo: ReplyTo.safeParse(fields.replyTo).data }
  const parsed = Command.safeParse(read.content)
  if (parsed.success) return { ...known, command: parsed.data }
  const isUnknown = parsed.error.issues.some((issue) => issue.code === 'invalid_union')
  if (isUnknown && name !== null) {
    const message = `there is no command ${name}: see the commands in the documentation`
    return { ...known, error: { code: 'unknown-command', message } }
  }
  return { ...known, error: { code: 'invalid-message', message: faultsInWords(parsed.error, read.content) } }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 128) : null)
