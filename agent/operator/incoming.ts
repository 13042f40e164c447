// A command as it came in: whether it may be obeyed at all, before anybody looks at the books.
import { actingCommands, type Command, parseCommand, type ReadCommand } from '../../protocol/index.ts'
import type { IncomingCommand } from '../uplink/uplink.ts'
import { refusal } from './answer.ts'

/** A command that acts on a session. All others are questions. */
export type Order = Extract<Command, { command: (typeof actingCommands)[number] }>
export type Question = Exclude<Command, Order>

export const isOrder = (command: Command): command is Order =>
  (actingCommands as readonly string[]).includes(command.command)

export function readCommand({ payload, bytes, retained, channel, isMisdirected }: IncomingCommand): ReadCommand {
  const read = parseCommand(payload, bytes)
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
