// The recorder: events get their number, go to disk, and are then in the books, in the log and on their way.
import { Mutex } from 'async-mutex'
import type { Event, RouterId } from '../protocol/index.ts'
import { type Journal, StorageFailure } from './journal/journal.ts'
import type { Log } from './log.ts'
import type { Draft } from './merchant/event-draft.ts'
import type { JournalRecord, PurchaseNote } from './merchant/journal-record.ts'
import { type Clock, nowOf } from './time/clock.ts'
import { timestamp } from './time/moment.ts'

export interface Recorder {
  /** One decision at a time: reads the books and changes them with nobody in between. Never wait for the network in it. */
  inTurn<T>(decide: (turn: Turn) => Promise<T>): Promise<T>
  /** Appends the process's last event; every later append throws, so nothing more is acknowledged. */
  finish(draft: Draft): Promise<void>
  /** The common fields of a message that is not journalled. */
  stamp<T extends { type: string }>(draft: T): T & Stamp
  /** The disk's words when it last refused; undefined when it works. */
  readonly diskFault: string | undefined
  diskAnswered(fault?: StorageFailure): void
}

/** The right to change the books, for as long as a decision takes. */
export interface Turn {
  /** Stores one decision, events numbered in order. Throws {@link StorageFailure}; nothing has happened then. */
  append(drafts: readonly Draft[], beside?: { records?: JournalRecord[]; purchase?: PurchaseNote }): Promise<void>
  /** Like `append`, but if the disk refuses it runs `instead` and sets `diskFault` instead of throwing. */
  appendOr(instead: () => void, drafts: readonly Draft[], beside?: { records?: JournalRecord[] }): Promise<void>
}

export interface Stamp {
  version: 1
  routerId: RouterId
  epoch: string
  at: string
  clockSynced: boolean
}

export function createRecorder(
  routerId: RouterId,
  clock: Clock,
  journal: Journal,
  log: Log,
  happened: (event: Event) => void,
  healed: () => void = () => {},
): Recorder {
  const turns = new Mutex()
  let diskFault: string | undefined
  let isFinished = false

  function stampOf(): Stamp {
    const now = nowOf(clock)
    const { epoch } = journal.books
    return { version: 1, routerId, epoch, at: timestamp(now.wall), clockSynced: now.clockSynced }
  }

  function diskAnswered(fault?: StorageFailure): void {
    if (fault && diskFault === undefined)
      log.error({ err: fault }, 'the disk refuses writes: no sales until it takes them')
    const isHealed = !fault && diskFault !== undefined
    diskFault = fault?.message
    if (!isHealed) return
    log.info({}, 'the disk takes writes again')
    healed()
  }

  const append: Turn['append'] = async (drafts, { records = [], purchase } = {}) => {
    if (isFinished) throw new StorageFailure('the agent is being stopped')
    const stamp = stampOf()
    const first = journal.books.lastSeq + 1
    const events = drafts.map(({ type, ...rest }, index) => ({ type, ...stamp, seq: first + index, ...rest }) as Event)
    const entries = events.map((event): JournalRecord => {
      const isOutcome = event.type === 'purchase.accepted' || event.type === 'purchase.rejected'
      return { type: 'event', event, ...(purchase && isOutcome && { purchase }) }
    })
    try {
      await journal.append([...records, ...entries])
    } catch (err) {
      if (err instanceof StorageFailure) diskAnswered(err)
      throw err
    }
    diskAnswered()
    for (const event of events) {
      // A drift mends itself; everything else somebody may bill or ask about.
      log[event.type === 'gate.drift' ? 'warn' : 'info'](event, event.type)
      happened(event)
    }
  }

  const appendOr: Turn['appendOr'] = async (instead, drafts, beside) => {
    try {
      await append(drafts, beside)
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      instead()
    }
  }

  return {
    inTurn: (decide) => turns.runExclusive(() => decide({ append, appendOr })),
    finish: (draft) =>
      turns.runExclusive(async () => {
        await appendOr(() => {}, [draft])
        isFinished = true
      }),
    stamp: ({ type, ...rest }) => ({ type, ...stampOf(), ...rest }) as never,
    get diskFault() {
      return diskFault
    },
    diskAnswered,
  }
}
