// The start: reads the books and tells of it; a disk that allows neither is tried again.
import type { Gates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Books } from './merchant/books.ts'
import type { DraftOf } from './merchant/event-draft.ts'
import { lostSessions } from './merchant/lost.ts'
import type { Recorder } from './recorder.ts'
import { type Clock, nowOf } from './time/clock.ts'
import { agentVersion } from './version.ts'

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  gates: Gates
  log: Log
}

/** May be called again and again: it does nothing more once the start is told. */
export function createStart({ clock, journal, recorder, gates, log }: Parts): () => Promise<void> {
  let isTold = false

  async function read(): Promise<void> {
    await journal.open()
    journal.live(nowOf(clock))
    gates.begin()
    await gates.guard.begin()
    for (const warning of journal.warnings) log.error({ warning }, 'something is wrong with the state folder')
  }

  return async function begin() {
    if (isTold) return
    const { bootId } = clock
    try {
      if (!journal.isRead) await read()
      const started = { type: 'agent.started', agentVersion, bootId, why: whyStarted(journal.books, bootId) } as const
      await recorder.inTurn((turn) => turn.append([started, ...lostSessions(journal.books)]))
      isTold = true
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      recorder.diskAnswered(err)
    }
  }
}

function whyStarted({ lastAgent }: Books, bootId: string): DraftOf<'agent.started'>['why'] {
  if (!lastAgent) return 'first-start'
  if (lastAgent.stopped) return 'after-stop'
  return lastAgent.bootId === bootId ? 'after-crash' : 'after-reboot'
}
