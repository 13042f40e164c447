// Commands: an operator's question or order becomes one reply; the same transaction again gets the same reply.
import {
  Command,
  type CommandErrorCode,
  type Event,
  largestMessageBytes,
  type Mac,
  type Reply,
} from '../protocol/index.ts'
import { type Clock, nowOf } from './clock.ts'
import type { Config } from './config.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Session } from './merchant/session.ts'
import { viewOf } from './merchant/view.ts'
import type { Outbox } from './outbox.ts'
import type { Recorder } from './recorder.ts'

export interface Commands {
  onCommand(payload: Uint8Array, reply: (message: object) => void): void
  /** Lets a command that waits for an event see it. */
  happened(event: Event): void
}

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  recorder: Recorder
  outbox: Outbox
  /** Asks for a look at the portal now. */
  look: () => void
  log: Log
}

/** A command that cannot be done, as a value for the operator. */
class Refused extends Error {
  readonly code: CommandErrorCode
  constructor(code: CommandErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

// How long a reply waits for the portal to show what was ordered.
const confirmedWithin = 15_000
const transactionsRemembered = 256

export function createCommands({ config, clock, journal, recorder, outbox, look, log }: Parts): Commands {
  const replies = new Map<string, Promise<Reply>>()
  const watchers = new Set<(event: Event) => void>()

  const view = (session: Session) => viewOf(session, nowOf(clock), !journal.books.portalUnreachable)

  async function obey(command: Command): Promise<unknown> {
    if (command.notAfter && clock.synced() && clock.wall() >= Date.parse(command.notAfter)) {
      throw new Refused('expired', `it was to be done before ${command.notAfter}`)
    }
    switch (command.command) {
      case 'sessions':
        return { afterSeq: journal.books.lastSeq, sessions: [...journal.books.sessions.values()].map(view) }
      case 'session':
        return view(find(command))
      case 'session.end':
        return end(find(command))
      case 'usage':
        return outbox.reportUsage(nowOf(clock))
      case 'config':
        return withoutSecrets(config)
      default:
        throw new Refused('unsupported-command', `this version of the agent does not know ${command.command} yet`)
    }
  }

  function find({ mac, sessionId }: { mac?: Mac | undefined; sessionId?: string | undefined }): Session {
    if (mac === undefined && sessionId === undefined) throw new Refused('invalid-message', 'give a mac or a sessionId')
    const sessions = [...journal.books.sessions.values()]
    const found = sessions.find((session) => session.mac === mac || session.sessionId === sessionId)
    if (!found) throw new Refused('not-found', `there is no session of ${mac ?? sessionId} on this router`)
    return found
  }

  async function end({ mac, sessionId }: Session): Promise<Event> {
    const isStory = (event: Event) => 'sessionId' in event && event.sessionId === sessionId && endings.has(event.type)
    const story = await recorder.inTurn(async () => {
      await recorder.append([], { records: [{ type: 'ending', mac }] })
      // From here on, in the same turn: a purchase stored before does not keep the session going.
      return { event: firstOf(isStory) }
    })
    look()
    const event = await story.event
    if (event?.type === 'session.ended') return event
    if (event) throw new Refused('superseded', 'the customer has bought again: the session goes on')
    throw new Refused('gate-unconfirmed', 'the portal does not show the gate shut yet; the agent goes on trying')
  }

  async function firstOf(wanted: (event: Event) => boolean): Promise<Event | undefined> {
    const seen = new AbortController()
    let found: Event | undefined
    const watcher = (event: Event) => {
      if (!wanted(event)) return
      found ??= event
      seen.abort()
    }
    watchers.add(watcher)
    await clock.sleep(confirmedWithin, seen.signal)
    watchers.delete(watcher)
    return found
  }

  async function replyTo(command: Command): Promise<Reply> {
    const { transaction, command: name } = command
    try {
      return { transaction, command: name, status: 'ok', data: await obey(command) }
    } catch (err) {
      if (err instanceof Refused) return failure(transaction, name, err.code, err.message)
      if (err instanceof StorageFailure) return failure(transaction, name, err.code, err.message)
      log.error({ err, command: name }, 'a command failed')
      return failure(transaction, name, 'agent-fault', 'a fault in the agent; its log says more')
    }
  }

  function remembered(command: Command): Promise<Reply> {
    const before = replies.get(command.transaction)
    if (before) return before
    const reply = replyTo(command)
    replies.set(command.transaction, reply)
    const [oldest] = replies.keys()
    if (replies.size > transactionsRemembered && oldest !== undefined) replies.delete(oldest)
    return reply
  }

  return {
    onCommand(payload, reply) {
      const read = readCommand(payload)
      const answer = 'command' in read ? remembered(read.command) : Promise.resolve(read.unreadable)
      answer.then((message) => {
        log.info(message, 'command')
        reply(message)
      })
    },
    happened(event) {
      for (const watcher of watchers) watcher(event)
    },
  }
}

const endings: ReadonlySet<Event['type']> = new Set(['session.ended', 'purchase.accepted'])

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
