// Questions: answered anew each time from what the books and the journal say now.
import type { Config } from '../config.ts'
import type { Journal } from '../journal/journal.ts'
import type { Session } from '../merchant/session.ts'
import { findSession } from '../merchant/session-changes.ts'
import { viewOf } from '../merchant/view.ts'
import type { Outbox } from '../outbox.ts'
import { type Clock, nowOf } from '../time/clock.ts'
import { withoutSecrets } from '../uplink/names.ts'
import { NotTaken, type Reply } from '../uplink/uplink.ts'
import { type Answer, refusal } from './answer.ts'
import { createHistory } from './history.ts'
import type { Question } from './incoming.ts'
import { missedDeadline } from './missed-deadline.ts'

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  outbox: Outbox
}

const usageAtMostEvery = 1000

/** Answers a question; `send` takes the events of a replay. */
export function createQuestions({ config, clock, journal, outbox }: Parts) {
  const history = createHistory(journal)
  let lastUsage = Number.NEGATIVE_INFINITY

  const view = (session: Session) => viewOf(session, nowOf(clock), journal.books)

  async function replay(question: Extract<Question, { command: 'events.replay' }>, send: Reply): Promise<Answer> {
    const skipped: { seq: unknown; bytes: number }[] = []
    const answer = await history.replay(question, async (message) => {
      try {
        await send(message, { to: question.replyTo, urgency: 'replay' })
      } catch (err) {
        if (!(err instanceof NotTaken && err.code === 'too-large')) throw err
        const { seq } = message as { seq?: unknown }
        skipped.push({ seq, bytes: Buffer.byteLength(JSON.stringify(message)) })
      }
    })
    if ('code' in answer || skipped.length === 0) return answer
    return { data: { ...answer.data, sent: answer.data.sent - skipped.length, skipped } }
  }

  async function reportUsage(): Promise<Answer> {
    const now = nowOf(clock)
    const report = now.at - lastUsage < usageAtMostEvery ? undefined : outbox.reportUsage(now)
    if (!report) return refusal('busy', 'a usage report is under way or was just made: ask again in a second')
    lastUsage = now.at
    return { data: await report }
  }

  return async function answer(question: Question, send: Reply): Promise<Answer> {
    const missed = missedDeadline(question, nowOf(clock), journal.books)
    if (missed) return missed
    const { books } = journal
    switch (question.command) {
      case 'sessions':
        return { data: { afterSeq: books.lastSeq, sessions: [...books.sessions.values()].map(view) } }
      case 'session': {
        const session = findSession(books, question)
        return 'code' in session ? session : { data: view(session) }
      }
      case 'purchase.explain':
        return history.explain(question.purchaseId)
      case 'events.replay':
        return replay(question, send)
      case 'usage':
        return reportUsage()
      case 'config':
        return { data: told(config) }
    }
  }
}

function told({ mqtt, ...config }: Config): object {
  return { ...config, mqtt: { ...mqtt, urls: mqtt.urls.map(withoutSecrets) } }
}
