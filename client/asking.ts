// Commands and questions: one transaction, sent until it is answered; the router acts on it once.
import { randomUUID } from 'node:crypto'
import {
  type CommandErrorCode,
  type CommandInput,
  parseTopic,
  type ReplyData,
  type RouterId,
  replyTopicOf,
  topicOf,
} from '../protocol/index.ts'
import { backOff, type Clock } from './clock.ts'
import type { Incoming, Link } from './link.ts'
import type { CallOptions } from './options.ts'
import { type Json, jsonOf } from './reading.ts'
import { manyListen } from './signals.ts'
import type { Signing } from './signing.ts'

type Name = CommandInput['command']
type Arguments<C extends Name> = Extract<CommandInput, { command: C }>
/** A command as a caller writes it. With a `transaction` of its own, the same call again acts once. */
export type Asked<C extends Name> = Omit<Arguments<C>, 'transaction' | 'replyTo'> & { transaction?: string }

/** The commands that only read, for `query`. */
export type Question = 'sessions' | 'session' | 'purchase.explain' | 'usage' | 'config'

export type CommandResult<C extends Name> =
  | { status: 'ok'; transaction: string; data: ReplyData[C] }
  | { status: 'error'; transaction: string; code: CommandErrorCode; message: string }
  /** No answer in time: the router is away, or does not know whether it was done. The same transaction again is safe. */
  | { status: 'unknown'; transaction: string }

export interface Asking {
  ask<C extends Name>(
    routerId: RouterId,
    channel: 'command' | 'query',
    asked: { command: C } & Asked<C>,
    options?: CallOptions,
  ): Promise<CommandResult<C>>
}

interface Parts {
  link: Link
  clock: Clock
  prefix: string
  /** Without it commands go as they are. */
  signing?: Pick<Signing, 'command'>
  replyTo?: string
}

// A router takes up to 15 s to see an act done.
const answeredWithin = 20_000
const firstPause = 3000
const longestPause = 10_000
// One list in parts, whatever its name.
const lists = ['sessions', 'story', 'purchases', 'skipped'] as const

export function createAsking({ link, clock, prefix, signing, replyTo = `client-${randomUUID()}` }: Parts): Asking {
  const open = new Map<string, (reply: Json) => void>()
  let listening: Promise<unknown> | undefined

  // A router answers for itself and for no other.
  const questionAt = (routerId: string | undefined, transaction: string) => `${routerId} ${transaction}`

  function hear({ topic, payload }: Incoming): void {
    const reply = jsonOf(payload)
    if (typeof reply?.transaction !== 'string') return
    open.get(questionAt(parseTopic(topic, prefix)?.routerId, reply.transaction))?.(reply)
  }

  async function ask<C extends Name>(
    routerId: RouterId,
    channel: 'command' | 'query',
    asked: { command: C } & Asked<C>,
    { signal, within = answeredWithin }: CallOptions = {},
  ): Promise<CommandResult<C>> {
    manyListen(signal)?.throwIfAborted()
    const subscribed = listen()
    const transaction = asked.transaction ?? randomUUID()
    const message = { ...asked, transaction, replyTo }
    const sent = signing && channel === 'command' ? await signing.command(routerId, message) : message
    const over = new AbortController()
    const reply = new Promise<Json | undefined>((resolve, reject) => {
      const take = gather(resolve)
      open.set(questionAt(routerId, transaction), take)
      subscribed.catch(reject)
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
      void clock.sleep(within, over.signal).then(() => resolve(undefined))
    })
    void subscribed.then(
      () => insist(topicOf(routerId, channel, prefix), sent, over.signal),
      () => {},
    )
    try {
      return resultOf(transaction, await reply)
    } finally {
      over.abort()
      open.delete(questionAt(routerId, transaction))
    }
  }

  /** Answers are heard before they are asked for. */
  function listen(): Promise<unknown> {
    listening ??= link.subscribe(replyTopicOf('+', replyTo, prefix), hear)
    listening.catch(() => {
      listening = undefined
    })
    return listening
  }

  async function insist(topic: string, message: object, over: AbortSignal): Promise<void> {
    for (let attempt = 0; !over.aborted; attempt++) {
      const isSent = await link.publish(topic, message, { signal: over }).then(
        () => true,
        () => false,
      )
      await clock.sleep(isSent ? backOff(attempt, firstPause, longestPause) : 250, over)
    }
  }

  return { ask }
}

/** Calls back with the whole reply, its parts put together. */
function gather(whole: (reply: Json) => void): (reply: Json) => void {
  const parts = new Map<number, Json>()
  return (reply) => {
    if (reply.status !== 'ok' || typeof reply.parts !== 'number') return whole(reply)
    parts.set(Number(reply.part), reply)
    if (parts.size < reply.parts) return
    const datas = [...parts].sort(([a], [b]) => a - b).map(([, part]) => Object(part.data) as Json)
    const list = lists.find((name) => Array.isArray(datas[0]?.[name]))
    const merged = list && { [list]: datas.flatMap((data) => data[list]) }
    whole({ ...reply, data: { ...datas[0], ...merged } })
  }
}

function resultOf<C extends Name>(transaction: string, reply: Json | undefined): CommandResult<C> {
  if (!reply) return { status: 'unknown', transaction }
  if (reply.status === 'ok') return { status: 'ok', transaction, data: reply.data as ReplyData[C] }
  const { code, message } = Object(reply.error)
  return { status: 'error', transaction, code, message }
}
