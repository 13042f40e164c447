// The acting commands that the books remember, so that one that comes twice acts once.
import type { CommandErrorCode } from '../../protocol/index.ts'
import type { Books, WritableBooks } from './books.ts'
import type { Act } from './journal-record.ts'

const rememberedFor = 86_400_000

/** The acts of the last day that the agent ran, by its own uptime: a wall clock may jump. */
export function actsOfLastDay({ acts, uptime: now }: Books): Act[] {
  return acts.filter(({ uptime }) => now - uptime <= rememberedFor)
}

/** An order to end a session is done by the end of the session, or undone by another purchase. */
export function settleActs(
  books: WritableBooks,
  sessionId: string,
  outcome: { seq?: number | undefined; code?: CommandErrorCode },
): void {
  books.acts = books.acts.map((act) => {
    if (act.sessionId !== sessionId || !act.isEnding) return act
    const { isEnding: _, ...settled } = act
    if (outcome.code) return { ...settled, code: outcome.code }
    return outcome.seq === undefined ? settled : { ...settled, seqs: [...act.seqs, outcome.seq] }
  })
}
