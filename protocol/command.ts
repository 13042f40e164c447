// Commands on `router/<id>/command` and their replies on `router/<id>/reply`.
import * as z from 'zod'
import { AnyMac, Deadline, PurchaseId } from './values.ts'

const common = { transaction: z.string().min(1).max(128), notAfter: Deadline.optional() }
const SessionId = z.string().min(1).max(64)
const one = { mac: AnyMac.optional(), sessionId: SessionId.optional() }

/**
 * What an operator may ask of a router. The same `transaction` again gives the same reply; after `notAfter` a command is
 * refused with `expired`. `session*` commands name a device by `mac` or a session by `sessionId`.
 */
export const Command = z.discriminatedUnion('command', [
  z.object({ ...common, command: z.literal('sessions') }),
  z.object({ ...common, command: z.literal('session'), ...one }),
  z.object({ ...common, command: z.literal('session.end'), ...one }),
  z.object({ ...common, command: z.literal('session.pause'), ...one }),
  z.object({ ...common, command: z.literal('session.resume'), ...one }),
  z.object({ ...common, command: z.literal('session.move'), from: AnyMac, to: AnyMac }),
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

/** Why a command was not done: a closed list. */
export const CommandErrorCode = z.enum([
  'invalid-message',
  'unknown-command',
  'not-found',
  'expired',
  'superseded',
  'conflict',
  'gate-unconfirmed',
  'storage-failure',
  'agent-fault',
])
export type CommandErrorCode = z.infer<typeof CommandErrorCode>

/** The answer to one command. `transaction` and `command` are null only where the command could not be read. */
export const Reply = z.discriminatedUnion('status', [
  z.object({ transaction: z.string(), command: z.string(), status: z.literal('ok'), data: z.unknown() }),
  z.object({
    transaction: z.string().nullable(),
    command: z.string().nullable(),
    status: z.literal('error'),
    error: z.object({ code: CommandErrorCode, message: z.string() }),
  }),
])
export type Reply = z.infer<typeof Reply>
