// Commands: one message from the command or the query topic becomes one reply. A question is answered anew each time, an order
// acts once.
import type { Command, CommandError, Reply as ReplyMessage } from '../../protocol/index.ts'
import type { Config } from '../config.ts'
import { type Journal, StorageFailure } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import type { Outbox } from '../outbox.ts'
import type { Recorder } from '../recorder.ts'
import type { Clock } from '../time/clock.ts'
import type { Trust } from '../trust/trust.ts'
import { type IncomingCommand, NotTaken, type Reply, type Uplink } from '../uplink/uplink.ts'
import { type Answer, refusal } from './answer.ts'
import { isOrder, readCommand } from './incoming.ts'
import { createQuestions } from './questions.ts'
import { repliesOf } from './replies.ts'
import type { SessionCommands } from './session-commands.ts'
import { createTransactions } from './transactions.ts'

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  recorder: Recorder
  orders: SessionCommands
  outbox: Outbox
  uplink: Pick<Uplink, 'partBytes'>
  /** Whose signatures are asked for; without it commands need none. */
  trust?: Pick<Trust, 'openCommand'> | undefined
  log: Log
}

const unread = 'the state folder cannot be read, so nobody knows what was sold here: ask again later'

// Commands that are worked on at once: each may hold a long reply.
const mostAtOnce = 32

/** Takes a message from the command or the query topic; must not be waited for. */
export function createCommands({ config, clock, journal, recorder, orders, outbox, uplink, trust, log }: Parts) {
  const answerTo = createQuestions({ config, clock, journal, outbox })
  const actOnce = createTransactions({ clock, journal, recorder, orders })
  let atOnce = 0

  async function work(command: Command, send: Reply): Promise<Answer> {
    // Books that have not been read know no session and no purchase: a "no such" would be believed.
    if (!journal.isRead && command.command !== 'config') return refusal('storage-failure', unread)
    try {
      return await (isOrder(command) ? actOnce(command) : answerTo(command, send))
    } catch (err) {
      if (err instanceof StorageFailure) return refusal(err.code, err.message)
      // The connection was lost under a replay.
      if (err instanceof NotTaken) return refusal('busy', `${err.message}: ask again`)
      log.error({ err, command: command.command }, 'a command failed')
      return refusal('agent-fault', 'a fault in the agent; its log says more')
    }
  }

  async function sendInParts(reply: ReplyMessage, send: (part: object) => Promise<void>): Promise<void> {
    try {
      for (const part of repliesOf(reply, uplink.partBytes)) await send(part)
    } catch (err) {
      if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
      await send(failure(reply, refusal('agent-fault', `no reply can be sent: ${err.message}`)))
    }
  }

  return async function onCommand(message: IncomingCommand, send: Reply): Promise<void> {
    const read = readCommand(message, trust?.openCommand)
    const { transaction, name } = read
    const to = read.replyTo === undefined ? {} : { to: read.replyTo }
    if (atOnce >= mostAtOnce) {
      const busy = refusal('busy', `${mostAtOnce} commands are being worked on: ask again later`)
      return send(failure({ transaction, command: name }, busy), to)
    }
    atOnce++
    try {
      const reply =
        'command' in read
          ? replyOf(read.command, await work(read.command, send))
          : failure({ transaction, command: name }, read.error)
      const { status } = reply
      log.info({ transaction, command: name, status, ...(status === 'error' && { error: reply.error }) }, 'command')
      await sendInParts(reply, (part) => send(part, to))
    } finally {
      atOnce--
    }
  }
}

interface Asked {
  transaction: string | null
  command: string | null
}

function replyOf({ transaction, command }: Command, answer: Answer): ReplyMessage {
  if ('code' in answer) return failure({ transaction, command }, answer)
  return { transaction, command, status: 'ok', data: answer.data }
}

function failure({ transaction, command }: Asked, error: CommandError): ReplyMessage {
  return { transaction, command, status: 'error', error }
}
