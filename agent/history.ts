// History: the journal read again for an operator, as events or as the story of one purchase.
import type { Command, Event } from '../protocol/index.ts'
import type { Journal } from './journal/journal.ts'
import { storyOf } from './merchant/story.ts'
import { Refused } from './refused.ts'

// As many are read, and sent without waiting, at once; see the outbox.
const atOnce = 8
const mostReplayed = 10_000

export function createHistory(journal: Journal) {
  async function* eventsFrom(fromSeq: number): AsyncGenerator<Event[]> {
    let from = fromSeq
    for (;;) {
      const events = await journal.read(from, atOnce)
      const last = events.at(-1)?.seq
      if (last === undefined) return
      yield events
      from = last + 1
    }
  }

  return {
    /** The dated story of one purchase; `complete` is false where its beginning has been pruned. */
    async explain(purchaseId: string) {
      const outcome = journal.books.purchases.get(purchaseId)
      if (!outcome) throw new Refused('not-found', `this router knows no purchase ${purchaseId}`)
      const known: Event[] = []
      // Of an earlier epoch only the outcome is left.
      for await (const events of outcome.epoch === undefined ? eventsFrom(outcome.seq) : []) {
        known.push(...events)
        if (storyOf(purchaseId, known).isEnded) break
      }
      const { story, isEnded } = storyOf(purchaseId, known)
      const complete = story[0]?.seq === outcome.seq
      return { purchaseId, ofSeq: outcome.seq, ...outcome.answer, complete, ended: isEnded, story }
    },

    /** Sends those events again, marked; what can no longer be read is named in the answer. */
    async replay({ transaction, epoch, fromSeq, toSeq }: Replay, send: (message: object) => void | Promise<void>) {
      const { books, firstSeq } = journal
      if (epoch !== books.epoch) throw new Refused('not-found', `this journal's epoch is ${books.epoch}, not ${epoch}`)
      if (toSeq < fromSeq) throw new Refused('invalid-message', 'toSeq is before fromSeq')
      if (toSeq - fromSeq >= mostReplayed) {
        throw new Refused('invalid-message', `at most ${mostReplayed} events at once; ask for a part of them`)
      }
      const last = Math.min(toSeq, books.lastSeq)
      let sent = 0
      for await (const events of eventsFrom(Math.max(fromSeq, firstSeq))) {
        const wanted = events.filter((event) => (event.seq ?? 0) <= last)
        await Promise.all(wanted.map((event) => send({ ...event, historical: true, transaction })))
        sent += wanted.length
        if (wanted.length < events.length) break
      }
      const isPruned = fromSeq < firstSeq
      return {
        ...{ epoch, fromSeq, toSeq, sent, lastSeq: books.lastSeq },
        ...(isPruned && { pruned: { fromSeq, toSeq: Math.min(toSeq, firstSeq - 1) } }),
      }
    },
  }
}

type Replay = Extract<Command, { command: 'events.replay' }>
