// Commands: an operator's question or order becomes one reply; the same transaction again gets the same reply.
import { Command, type CommandErrorCode, largestMessageBytes, type Reply } from '../protocol/index.ts'
import { type Clock, nowOf } from './clock.ts'
import type { Config } from './config.ts'
import { createHistory } from './history.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import { findSession } from './merchant/orders.ts'
import { viewOf } from './merchant/view.ts'
import type { Orders } from './orders.ts'
import type { Outbox } from './outbox.ts'
import { Refused } from './refused.ts'

/** Sends one message to whoever gave the command; resolves when the broker has it. */
export type Send = (message: object) => void | Promise<void>

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  orders: Orders
  outbox: Outbox
  log: Log
}

const transactionsRemembered = 256

/** Takes a message from the command topic; must not be waited for. */
export function createCommands({ config, clock, journal, orders, outbox, log }: Parts) {
  const replies = new Map<string, Promise<Reply>>()
  const history = createHistory(journal)

  async function obey(command: Command, send: Send): Promise<unknown> {
    if (command.notAfter && clock.synced() && clock.wall() >= Date.parse(command.notAfter)) {
      throw new Refused('expired', `it was to be done before ${command.notAfter}`)
    }
    const { books } = journal
    const view = (session: Parameters<typeof viewOf>[0]) => viewOf(session, nowOf(clock), !books.portalUnreachable)
    switch (command.command) {
      case 'sessions':
        return { afterSeq: books.lastSeq, sessions: [...books.sessions.values()].map(view) }
      case 'session':
        return view(findSession(books, command))
      case 'session.end':
      case 'session.pause':
      case 'session.resume':
      case 'session.move':
        return orders.carryOut(command)
      case 'purchase.explain':
        return history.explain(command.purchaseId)
      case 'events.replay':
        return history.replay(command, send)
      case 'usage':
        return outbox.reportUsage(nowOf(clock))
      case 'config':
        return withoutSecrets(config)
    }
  }

  async function replyTo(command: Command, send: Send): Promise<Reply> {
    const { transaction, command: name } = command
    try {
      return { transaction, command: name, status: 'ok', data: await obey(command, send) }
    } catch (err) {
      if (err instanceof Refused || err instanceof StorageFailure)
        return failure(transaction, name, err.code, err.message)
      log.error({ err, command: name }, 'a command failed')
      return failure(transaction, name, 'agent-fault', 'a fault in the agent; its log says more')
    }
  }

  function remembered(command: Command, send: Send): Promise<Reply> {
    const before = replies.get(command.transaction)
    if (before) return before
    const reply = replyTo(command, send)
    replies.set(command.transaction, reply)
    const [oldest] = replies.keys()
    if (replies.size > transactionsRemembered && oldest !== undefined) replies.delete(oldest)
    return reply
  }

  return async function onCommand(payload: Uint8Array, send: Send): Promise<void> {
    const read = readCommand(payload)
    const reply = 'command' in read ? await remembered(read.command, send) : read.unreadable
    log.info(reply, 'command')
    await send(reply)
  }
}

function readCommand(payload: Uint8Array): { command: Command } | { unreadable: Reply } {
  let content: unknown
  try {
    if (payload.byteLength > largestMessageBytes) throw new Error(`more than ${largestMessageBytes} bytes`)
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch (err) {
    const why = err instanceof Error ? err.message : String(err)
    return { unreadable: failure(null, null, 'invalid-message', `the message is not JSON in UTF-8: ${why}`) }
  }
  const parsed = Command.safeParse(content)
  if (parsed.success) return { command: parsed.data }
  const { transaction, command } = Object(content)
  const isUnknown = parsed.error.issues.some((issue) => issue.code === 'invalid_union')
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
  const code = isUnknown && typeof command === 'string' ? 'unknown-command' : 'invalid-message'
  return { unreadable: failure(textOrNull(transaction), textOrNull(command), code, issues) }
}

function failure(transaction: string | null, command: string | null, code: CommandErrorCode, message: string): Reply {
  return { transaction, command, status: 'error', error: { code, message } }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 128) : null)

function withoutSecrets({ mqtt, ...config }: Config): object {
  const url = new URL(mqtt.url)
  if (url.password) url.password = 'withheld'
  return { ...config, mqtt: { ...mqtt, url: url.href } }
}
