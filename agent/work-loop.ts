// The loop: does what is due by the timetable, then sleeps until the next moment that matters, or until it is woken.
import type { Config } from './config.ts'
import type { Gates } from './gates.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import { noticeIn } from './lookout/when-to-look.ts'
import type { SessionCommands } from './operator/session-commands.ts'
import type { Outbox } from './outbox.ts'
import type { Recorder } from './recorder.ts'
import type { Rounds } from './rounds.ts'
import type { StatusBoard } from './status-board.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Now } from './time/moment.ts'
import type { Sleeper } from './time/sleeper.ts'
import { isLookDue, sleepUntil, type Timetable } from './timetable.ts'

interface Parts {
  config: Config
  clock: Clock
  journal: Journal
  recorder: Recorder
  gates: Gates
  rounds: Rounds
  orders: Pick<SessionCommands, 'sawLook'>
  outbox: Outbox
  board: StatusBoard
  sleeper: Sleeper
  log: Log
}

const diskTrialMilliseconds = 5000

/** Runs until `isStopping`. `begin` comes first each time: it reads the books and tells of the start, once it can. */
export async function workLoop(parts: Parts, begin: () => Promise<void>, isStopping: () => boolean): Promise<void> {
  const { config, clock, journal, recorder, gates, rounds, orders, outbox, board, sleeper, log } = parts
  const from = clock.monotonic()
  const due: Timetable = {
    ...{ look: from, notice: from, report: from },
    checkpoint: from + config.checkpointIntervalMilliseconds,
  }
  let isWoken = true
  while (!isStopping()) {
    await begin()
    const isDue = isLookDue(due, clock.monotonic(), isWoken, config.usageIntervalMilliseconds)
    if (isDue || (clock.monotonic() >= due.notice && (await rounds.notice()))) {
      // Without the books nobody knows whose gate is whose: they stay as they are.
      if (journal.isRead) await rounds.run().catch((err) => log.error({ err }, 'a look failed'))
      orders.sawLook()
      const now = nowOf(clock)
      due.look = now.at + rounds.dueIn(now)
    }
    const now = nowOf(clock)
    due.notice = now.at + noticeIn(journal.books, config, gates.sight.seen)
    if (now.at >= due.report) {
      due.report = now.at + config.usageIntervalMilliseconds
      if (journal.isRead) outbox.reportUsage(now)?.catch((err) => log.debug({ err }, 'a usage report was not sent'))
      board.publish('changed')
    }
    if (now.at >= due.checkpoint) {
      await checkpoint(journal, recorder, now)
      due.checkpoint = now.at + checkpointIn(recorder, config)
    }
    board.publish('changed visibly')
    if (recorder.diskFault !== undefined) {
      due.checkpoint = Math.min(due.checkpoint, now.at + checkpointIn(recorder, config))
    }
    isWoken = await sleeper.sleep(sleepUntil(due) - clock.monotonic())
  }
}

/** A disk that refuses is not the end: the recorder says so, and it is tried again. */
export async function checkpoint(journal: Journal, recorder: Recorder, now: Now): Promise<void> {
  try {
    await journal.checkpoint(now)
    recorder.diskAnswered()
  } catch (err) {
    if (!(err instanceof StorageFailure)) throw err
    recorder.diskAnswered(err)
  }
}

// A disk that refuses is tried often: customers wait for it.
function checkpointIn({ diskFault }: Recorder, { checkpointIntervalMilliseconds: usual }: Config): number {
  return diskFault === undefined ? usual : Math.min(diskTrialMilliseconds, usual)
}
