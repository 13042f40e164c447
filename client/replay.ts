// Asks a router for events again, on its query topic, and gathers what comes on a reply topic of one's own.
import { randomUUID } from 'node:crypto'
import { type RouterId, replyTopicOf, topicOf } from '../protocol/index.ts'
import type { Clock } from './clock.ts'
import type { Incoming, Link } from './link.ts'
import { type Json, jsonOf } from './reading.ts'
import type { Gone, Range } from './sequence.ts'
import { firstOf } from './signals.ts'

export type Replayed =
  | { events: Json[]; gone: Gone[] }
  /** The router cannot answer now: it is busy, away, or has another journal. */
  | { later: 'busy' | 'not-found' | 'no-answer' | 'not-taken' }

export interface Replays {
  /** At most {@link mostAtOnce} events of that range. */
  ask(routerId: RouterId, range: Range, signal: AbortSignal): Promise<Replayed>
  /** Takes a message of the reply topic. */
  hear(message: Incoming): void
  readonly replyTo: string
}

/** The most events asked for at once: fewer than any broker queues for one subscriber. */
export const mostAtOnce = 200

interface Parts {
  link: Link
  clock: Clock
  prefix: string
  /** While it says so, nothing is read, and no answer can be missed. */
  isBlocked(): boolean
  within?: number
}

export function createReplays({ link, clock, prefix, isBlocked, within = 15_000 }: Parts): Replays {
  const replyTo = `events-${randomUUID()}`
  const open = new Map<string, { events: Json[]; end(reply?: Json): void; heardAt: number }>()

  async function ask(routerId: RouterId, range: Range, signal: AbortSignal): Promise<Replayed> {
    const transaction = randomUUID()
    const toSeq = Math.min(range.toSeq, range.fromSeq + mostAtOnce - 1)
    const command = { transaction, command: 'events.replay', ...range, toSeq, replyTo }
    const over = new AbortController()
    const { signal: stopped, release } = firstOf(signal, over.signal)
    const events: Json[] = []
    const reply = new Promise<Json | undefined>((resolve) => {
      open.set(transaction, { events, end: resolve, heardAt: clock.now() })
      stopped.addEventListener('abort', () => resolve(undefined))
    })
    try {
      await link.publish(topicOf(routerId, 'query', prefix), command, { signal })
      void giveUpWhenSilent(transaction, over)
      return replayedOf(await reply, events)
    } catch {
      return { later: 'not-taken' }
    } finally {
      over.abort()
      release()
      open.delete(transaction)
    }
  }

  async function giveUpWhenSilent(transaction: string, over: AbortController): Promise<void> {
    for (let one = open.get(transaction); one; one = open.get(transaction)) {
      const left = one.heardAt + within - clock.now()
      if (left <= 0) return over.abort()
      await clock.sleep(left, over.signal)
      if (isBlocked()) one.heardAt = clock.now()
    }
  }

  function hear({ payload }: Incoming): void {
    const content = jsonOf(payload)
    const one = typeof content?.transaction === 'string' ? open.get(content.transaction) : undefined
    if (!content || !one) return
    one.heardAt = clock.now()
    if (content.historical === true) one.events.push(withoutTransaction(content))
    else one.end(content)
  }

  return { ask, hear, replyTo }
}

/** The filter for all that answers this asker. */
export function replyFilterOf(replyTo: string, prefix: string): string {
  return replyTopicOf('+', replyTo, prefix)
}

function withoutTransaction({ transaction: _, ...event }: Json): Json {
  return event
}

function replayedOf(reply: Json | undefined, events: Json[]): Replayed {
  if (!reply) return { later: 'no-answer' }
  if (reply.status !== 'ok') {
    const { code } = Object(reply.error)
    return { later: code === 'not-found' ? 'not-found' : 'busy' }
  }
  const { pruned, lost = [], skipped = [] } = Object(reply.data)
  return {
    events,
    gone: [
      ...(pruned ? [{ ...rangeOf(pruned), why: 'pruned' as const }] : []),
      ...lost.map((range: Json) => ({ ...rangeOf(range), why: 'damaged' as const })),
      ...skipped.map(({ seq }: { seq: number }) => ({ fromSeq: seq, toSeq: seq, why: 'too-large' as const })),
    ],
  }
}

function rangeOf({ fromSeq, toSeq }: Json): { fromSeq: number; toSeq: number } {
  return { fromSeq: Number(fromSeq), toSeq: Number(toSeq) }
}
