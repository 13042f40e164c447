// A command as it came in: whether it may be obeyed at all, before anybody looks at the books.
import { actingCommands, type Command, parseCommand, type ReadCommand } from '../../protocol/index.ts'
import { wallOf } from '../time/moment.ts'
import type { OpenSigned } from '../trust/signatures.ts'
import type { IncomingCommand } from '../uplink/uplink.ts'
import { refusal } from './answer.ts'

/** A command that acts on a session. All others are questions. */
export type Order = Extract<Command, { command: (typeof actingCommands)[number] }>
export type Question = Exclude<Command, Order>

export const isOrder = (command: Command): command is Order =>
  (actingCommands as readonly string[]).includes(command.command)

/** `openCommand`: opens a signed message; without it commands need no signature. */
export function readCommand(message: IncomingCommand, openCommand?: OpenSigned): ReadCommand {
  const { retained, channel, isMisdirected } = message
  const read =
    openCommand && channel === 'command'
      ? readSigned(message, openCommand)
      : parseCommand(message.payload, message.bytes)
  const { transaction, name, replyTo } = read
  const refuse = (...why: Parameters<typeof refusal>): ReadCommand => ({
    ...{ transaction, name, replyTo },
    error: refusal(...why),
  })
  if (retained) return refuse('invalid-message', 'a retained command is never obeyed: publish it without retain')
  if (isMisdirected && replyTo === undefined) {
    return refuse('invalid-message', 'the Response Topic must be the reply topic of this router or one level below it')
  }
  if (channel === 'query' && 'command' in read && isOrder(read.command)) {
    return refuse('unauthorised', `${name} acts, and this topic is for questions: send it to the command topic`)
  }
  return read
}

// A question changes nothing, and needs no signature.
function readSigned(message: IncomingCommand, openCommand: OpenSigned): ReadCommand {
  const plain = parseCommand(message.payload, message.bytes)
  if ('command' in plain && !isOrder(plain.command)) return plain
  const signed = openCommand(message)
  if ('fault' in signed) {
    const { transaction, name, replyTo } = parseCommand(Buffer.from(JSON.stringify(signed.claimed)))
    return { transaction, name, replyTo, error: refusal('unauthorised', signed.fault) }
  }
  const read = parseCommand(signed.payload)
  return 'command' in read ? { ...read, command: within(read.command, signed.until) } : read
}

/** The command with the earlier of its own deadline and that of its signature. */
function within(command: Command, until: string): Command {
  const { notAfter = until } = command
  return { ...command, notAfter: wallOf(notAfter) < wallOf(until) ? notAfter : until }
}
