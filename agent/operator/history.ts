// History: the journal read again for an operator, as events or as the story of one purchase.
import type { Command } from '../../protocol/index.ts'
import type { Journal, Run } from '../journal/journal.ts'
import { storyOf } from '../merchant/story.ts'
import { type Answer, refusal } from './answer.ts'

// Events per batch of a replay; see publishedAtOnce in outbox.ts.
const atOnce = 8
const mostReplayed = 10_000

export function createHistory(journal: Journal) {
  let isReplaying = false

  /** Runs without a hole; what cannot be read between them is named. */
  async function* runsFrom(fromSeq: number, toSeq: number): AsyncGenerator<Run & { from: number }> {
    for (let from = fromSeq; from <= toSeq; ) {
      const run = await journal.read(from, Math.min(atOnce, toSeq - from + 1))
      const last = run.lostTo ?? run.events.at(-1)?.seq
      if (last === undefined) return
      yield { ...run, from }
      from = last + 1
    }
  }

  async function replay({ transaction, epoch, fromSeq, toSeq }: Replay, send: Send): Promise<Answer<Replayed>> {
    const { books } = journal
    const last = Math.min(toSeq, books.lastSeq)
    const pruned: Range[] = []
    const lost: Range[] = []
    let sent = 0
    for await (const { events, lostTo, from } of runsFrom(fromSeq, last)) {
      if (lostTo !== undefined) {
        // The journal may have been pruned since the replay began.
        const to = Math.min(lostTo, last)
        const firstKept = Math.min(journal.firstSeq, to + 1)
        if (from < firstKept) pruned.push({ fromSeq: from, toSeq: firstKept - 1 })
        if (firstKept <= to) lost.push({ fromSeq: Math.max(from, firstKept), toSeq: to })
      }
      const sending = events.map((event) => send({ ...event, historical: true, transaction }))
      const isSent = await Promise.all(sending).then(
        () => true,
        () => false,
      )
      if (!isSent) return refusal('superseded', `the connection was lost after ${sent} events; ask for the rest`)
      sent += events.length
    }
    const [gone] = merged(pruned)
    const missing = merged(lost)
    const data = {
      ...{ epoch, fromSeq, toSeq, sent, lastSeq: books.lastSeq },
      ...(gone && { pruned: gone }),
      ...(missing.length > 0 && { lost: missing }),
    }
    return { data }
  }

  return {
    /** The dated story of one purchase; `complete` is false where its beginning has been pruned, `lost` names damage. */
    async explain(purchaseId: string): Promise<Answer> {
      const outcome = journal.books.purchases.get(purchaseId)
      if (!outcome) return refusal('not-found', `this router knows no purchase ${purchaseId}`)
      const story = storyOf(purchaseId)
      const lost: Range[] = []
      const { content: _, uptime: __, answer, epoch, seq } = outcome
      // Of an earlier epoch only the outcome is left.
      const isPresent = epoch === undefined || epoch === journal.books.epoch
      for await (const { events, lostTo, from } of isPresent ? runsFrom(seq, journal.books.lastSeq) : []) {
        if (lostTo !== undefined) lost.push({ fromSeq: from, toSeq: lostTo })
        for (const event of events) story.tell(event)
        if (story.isEnded) break
      }
      const { chapters, isEnded } = story
      const complete = chapters[0]?.seq === seq && lost.length === 0
      const isDamaged = lost.some((range) => range.toSeq >= journal.firstSeq)
      const data = {
        ...{ purchaseId, ofSeq: seq, ...answer },
        ...(!isPresent && { ofEpoch: epoch }),
        ...{ complete, ended: isEnded, story: chapters },
        ...(isDamaged && { lost: merged(lost) }),
      }
      return { data }
    },

    /** Sends those events again, marked; what can no longer be read is named in the answer. One replay at a time. */
    async replay(wanted: Replay, send: Send): Promise<Answer<Replayed>> {
      const { epoch, fromSeq, toSeq } = wanted
      const { books } = journal
      if (epoch !== books.epoch) return refusal('not-found', `this journal's epoch is ${books.epoch}, not ${epoch}`)
      if (toSeq < fromSeq) return refusal('invalid-message', 'toSeq is before fromSeq')
      if (toSeq - fromSeq >= mostReplayed) {
        return refusal('invalid-message', `at most ${mostReplayed} events at once; ask for a part of them`)
      }
      if (isReplaying) return refusal('busy', 'another replay is under way; ask again when it is done')
      isReplaying = true
      try {
        return await replay(wanted, send)
      } finally {
        isReplaying = false
      }
    },
  }
}

interface Replayed {
  sent: number
  [field: string]: unknown
}

interface Range {
  fromSeq: number
  toSeq: number
}

/** Neighbours as one. */
function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = []
  for (const { fromSeq, toSeq } of ranges) {
    const last = result.at(-1)
    if (last && last.toSeq + 1 === fromSeq) last.toSeq = toSeq
    else result.push({ fromSeq, toSeq })
  }
  return result
}

type Send = (message: object) => void | Promise<void>
type Replay = Extract<Command, { command: 'events.replay' }>
