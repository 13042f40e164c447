// Commands: an operator's question is answered anew each time; an order acts once, however often its transaction comes.
import { createHash } from 'node:crypto'
import {
  actingCommands,
  Command,
  type CommandErrorCode,
  faultsInWords,
  largestMessageBytes,
  type Reply as ReplyMessage,
  ReplyTo,
} from '../../protocol/index.ts'
import type { Config } from '../config.ts'
import { type Journal, StorageFailure } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import { actsOfLastDay } from '../merchant/books.ts'
import { findSession } from '../merchant/session-changes.ts'
import { viewOf } from '../merchant/view.ts'
import type { Outbox } from '../outbox.ts'
import type { Recorder } from '../recorder.ts'
import { type Clock, nowOf } from '../time/clock.ts'
import { withoutSecrets as addressOf } from '../uplink/names.ts'
import { type IncomingCommand, NotTaken, type Reply, type Uplink } from '../uplink/uplink.ts'
import { createHistory } from './history.ts'
import { Refused } from './refused.ts'
import { repliesOf } from './replies.ts'
import type { Order, Orders } from './session-commands.ts'

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  recorder: Recorder
  orders: Orders
  outbox: Outbox
  uplink: Pick<Uplink, 'partBytes'>
  log: Log
}

// So many acts are remembered; they are for at least a day.
const mostActs = 4000
// So many commands are worked on at once: each may hold a long reply.
const mostAtOnce = 32
const usageAtMostEvery = 1000

/** Takes a message from the command or the query topic; must not be waited for. */
export function createCommands({ config, clock, journal, recorder, orders, outbox, uplink, log }: Parts) {
  const history = createHistory(journal)
  const acting = new Map<string, { content: string; reply: Promise<ReplyMessage> }>()
  let atOnce = 0
  let isReplaying = false
  let lastUsage = Number.NEGATIVE_INFINITY

  async function answerTo(question: Exclude<Command, Order>, send: Reply): Promise<unknown> {
    checkDeadline(question)
    const { books } = journal
    const view = (session: Parameters<typeof viewOf>[0]) => viewOf(session, nowOf(clock), !books.portalUnreachable)
    switch (question.command) {
      case 'sessions':
        return { afterSeq: books.lastSeq, sessions: [...books.sessions.values()].map(view) }
      case 'session':
        return view(findSession(books, question))
      case 'purchase.explain':
        return history.explain(question.purchaseId)
      case 'events.replay':
        return replay(question, send)
      case 'usage':
        return reportUsage()
      case 'config':
        return withoutSecrets(config)
    }
  }

  async function replay(question: Extract<Command, { command: 'events.replay' }>, send: Reply): Promise<unknown> {
    if (isReplaying) throw new Refused('busy', 'another replay is under way: ask again when it is done')
    isReplaying = true
    const skipped: { seq: unknown; bytes: number }[] = []
    const sendOne = async (message: object) => {
      try {
        await send(message, { to: question.replyTo, urgency: 'replay' })
      } catch (err) {
        if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
        const { seq } = message as { seq?: unknown }
        skipped.push({ seq, bytes: Buffer.byteLength(JSON.stringify(message)) })
      }
    }
    try {
      const result = await history.replay(question, sendOne)
      return skipped.length > 0 ? { ...result, sent: result.sent - skipped.length, skipped } : result
    } finally {
      isReplaying = false
    }
  }

  async function reportUsage(): Promise<unknown> {
    const now = nowOf(clock)
    const report = now.at - lastUsage < usageAtMostEvery ? undefined : outbox.reportUsage(now)
    if (!report) throw new Refused('busy', 'a usage report is under way or was just made: ask again in a second')
    lastUsage = now.at
    return report
  }

  /** An order whose transaction acted before is answered with what came of it; a new one is carried out. */
  async function obey(order: Order, content: string): Promise<unknown> {
    const before = journal.books.acts.find(({ transaction }) => transaction === order.transaction)
    if (before && before.content !== content) throw usedBefore()
    if (before) return orders.again(order, before)
    if (actsOfLastDay(journal.books).length >= mostActs) {
      throw new Refused(
        'busy',
        `${mostActs} orders were given within a day, and each is remembered for one: try tomorrow`,
      )
    }
    const id = { transaction: order.transaction, content }
    try {
      checkDeadline(order)
      return await orders.carryOut(order, id)
    } catch (err) {
      // Sent again it must not act on whatever is there by then.
      if (err instanceof Refused && !isRemembered(order)) await rememberRefusal(id, err.code)
      throw err
    }
  }

  const isRemembered = (order: Order) => journal.books.acts.some((act) => act.transaction === order.transaction)

  async function rememberRefusal(id: { transaction: string; content: string }, code: CommandErrorCode): Promise<void> {
    const act = { ...id, code, seqs: [], epoch: journal.books.epoch }
    await recorder.inTurn(() => recorder.append([], { records: [{ type: 'acted', act }] }))
  }

  function checkDeadline({ notAfter }: Command): void {
    if (notAfter && clock.synced() && clock.wall() >= Date.parse(notAfter)) {
      throw new Refused('expired', `it came after its notAfter, ${notAfter}: give the order again`)
    }
  }

  async function replyTo(command: Command, send: Reply): Promise<ReplyMessage> {
    const { transaction, command: name } = command
    if (!isOrder(command)) return replyOf(command, () => answerTo(command, send))
    const content = contentOf(command)
    const underWay = acting.get(transaction)
    if (underWay) return underWay.content === content ? underWay.reply : failure(transaction, name, usedBefore())
    const reply = replyOf(command, () => obey(command, content)).finally(() => acting.delete(transaction))
    acting.set(transaction, { content, reply })
    return reply
  }

  async function replyOf({ transaction, command }: Command, work: () => Promise<unknown>): Promise<ReplyMessage> {
    try {
      return { transaction, command, status: 'ok', data: await work() }
    } catch (err) {
      if (err instanceof Refused || err instanceof StorageFailure) return failure(transaction, command, err)
      // The connection was lost under a replay: whoever asks again gets it.
      if (err instanceof NotTaken)
        return failure(transaction, command, new Refused('busy', `${err.message}: ask again`))
      log.error({ err, command }, 'a command failed')
      return failure(transaction, command, new Refused('agent-fault', 'a fault in the agent; its log says more'))
    }
  }

  async function sendInParts(reply: ReplyMessage, send: (part: object) => Promise<void>): Promise<void> {
    try {
      for (const part of repliesOf(reply, uplink.partBytes)) await send(part)
    } catch (err) {
      if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
      await send(
        failure(reply.transaction, reply.command, new Refused('agent-fault', `no reply can be sent: ${err.message}`)),
      )
    }
  }

  return async function onCommand(message: IncomingCommand, send: Reply): Promise<void> {
    const read = readCommand(message)
    const to = read.to === undefined ? {} : { to: read.to }
    if (atOnce >= mostAtOnce) {
      const busy = new Refused('busy', `${mostAtOnce} commands are being worked on: ask again later`)
      return send(failure(read.transaction, read.name, busy), to)
    }
    atOnce++
    try {
      const reply = 'command' in read ? await replyTo(read.command, send) : read.unreadable
      const { transaction, command, status } = reply
      log.info({ transaction, command, status, ...(status === 'error' && { error: reply.error }) }, 'command')
      await sendInParts(reply, (part) => send(part, to))
    } finally {
      atOnce--
    }
  }
}

type Read = { to: string | undefined; transaction: string | null; name: string | null } & (
  | { command: Command }
  | { unreadable: ReplyMessage }
)

function readCommand({ payload, bytes, retained, channel, isMisdirected }: IncomingCommand): Read {
  const content = contentIn(payload, bytes)
  const fields = typeof content === 'string' ? {} : (content as Record<string, unknown>)
  const [transaction, name] = [textOrNull(fields.transaction), textOrNull(fields.command)]
  const to = ReplyTo.safeParse(fields.replyTo).data
  const known = { to, transaction, name }
  const refuse = (code: CommandErrorCode, message: string): Read => ({
    ...known,
    unreadable: failure(transaction, name, new Refused(code, message)),
  })
  if (typeof content === 'string') return refuse('invalid-message', content)
  if (retained) return refuse('invalid-message', 'a retained command is never obeyed: publish it without retain')
  if (isMisdirected && to === undefined) {
    return refuse('invalid-message', 'the Response Topic must be the reply topic of this router or one level below it')
  }
  const parsed = Command.safeParse(content)
  if (!parsed.success) {
    const isUnknown = parsed.error.issues.some((issue) => issue.code === 'invalid_union')
    if (isUnknown && typeof fields.command === 'string') {
      return refuse('unknown-command', `there is no command ${name}: see the commands in the documentation`)
    }
    return refuse('invalid-message', faultsInWords(parsed.error, content))
  }
  if (channel === 'query' && isOrder(parsed.data)) {
    return refuse('unauthorised', `${name} acts, and this topic is for questions: send it to the command topic`)
  }
  return { ...known, command: parsed.data }
}

/** The message as JSON, or in words why it is none. */
function contentIn(payload: Uint8Array, bytes: number): object | string {
  if (bytes > largestMessageBytes) return `the message has ${bytes} bytes: at most ${largestMessageBytes} are read`
  if (bytes === 0) return 'the message is empty: send a JSON object with transaction and command'
  try {
    const content: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    const isObject = typeof content === 'object' && content !== null && !Array.isArray(content)
    return isObject ? content : 'the message is not one JSON object'
  } catch {
    return 'the message is not JSON in UTF-8'
  }
}

const isOrder = (command: Command): command is Order => (actingCommands as readonly string[]).includes(command.command)

/** What an order says, however it is sent. */
function contentOf({ transaction: _t, notAfter: _n, replyTo: _r, ...order }: Order): string {
  const fields = Object.entries(order).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64url').slice(0, 22)
}

function failure(
  transaction: string | null,
  command: string | null,
  { code, message }: Refused | StorageFailure,
): ReplyMessage {
  return { transaction, command, status: 'error', error: { code, message } }
}

const usedBefore = () => new Refused('conflict', 'this transaction was used before, for another command: use a new one')

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 128) : null)

function withoutSecrets({ mqtt, ...config }: Config): object {
  return { ...config, mqtt: { ...mqtt, urls: mqtt.urls.map(addressOf) } }
}
