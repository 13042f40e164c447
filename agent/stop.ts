// The stop: checkpoint, `agent.stopped`, status offline; each step waits for portal or broker only so long.
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Outbox } from './outbox.ts'
import type { Recorder } from './recorder.ts'
import type { StatusBoard } from './status-board.ts'
import { type Clock, nowOf } from './time/clock.ts'
import type { Uplink } from './uplink/uplink.ts'
import { agentVersion } from './version.ts'
import { checkpoint } from './work-loop.ts'

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  outbox: Outbox
  board: StatusBoard
  uplink: Uplink
  log: Log
}

// How long each step may take: all of them stay within five seconds.
const patience = 1000

/** `loops`: the agent's loops, which have been told to end. */
export async function stopInOrder(parts: Parts, loops: Promise<unknown>, why: string): Promise<void> {
  const { clock, journal, recorder, outbox, board, uplink, log } = parts

  async function within(work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const settled = work.catch((err) => log.debug({ err }, 'not sent before the stop')).finally(() => done.abort())
    await Promise.race([settled, clock.sleep(patience, done.signal)])
  }

  // A portal that hangs is not waited for: its answer would be settled at the next start.
  await within(loops)
  await recorder.finish({ type: 'agent.stopped', agentVersion, bootId: clock.bootId, why })
  await within(outbox.announce())
  await checkpoint(journal, recorder, nowOf(clock))
  await within(board.publishOffline())
  await within(uplink.close())
  await journal.close()
}
