// A record entered in the books: with an event's own rules (enter-event.ts), all that ever changes in them.
import { wallOf } from '../time/moment.ts'
import { actsOfLastDay } from './acts.ts'
import type { WritableBooks } from './books.ts'
import { changeSession, enterEvent } from './enter-event.ts'
import { inTheirMeter } from './flat-sessions.ts'
import type { JournalRecord } from './journal-record.ts'
import { metered } from './session.ts'

const mostSkipped = 100

/** Enters one record, which the journal has stored: an event, or what the router notes without saying it. */
export function enter(books: WritableBooks, record: JournalRecord): void {
  switch (record.type) {
    case 'event':
      books.epoch = record.event.epoch
      books.lastSeq = record.event.seq ?? books.lastSeq
      if (record.event.clockSynced) books.syncedWall = Math.max(books.syncedWall ?? 0, wallOf(record.event.at))
      enterEvent(books, record.event, record.purchase)
      return
    case 'metered':
      for (const metering of record.sessions.map(inTheirMeter)) {
        changeSession(books, metering.mac, (session) => metered(session, metering))
      }
      return
    case 'ending':
      changeSession(books, record.mac, (session) => ({ ...session, ending: 'ended-by-command' }))
      return
    case 'acknowledged':
      books.acknowledgedSeq = Math.max(books.acknowledgedSeq, record.seq)
      return
    case 'portal':
      books.portalUnreachable = record.unreachable
      return
    case 'shut':
      for (const mac of record.macs) books.shutting.delete(mac)
      return
    case 'shut-along':
      books.shutAlong = record.gates
      return
    case 'lived':
      books.uptime = Math.max(books.uptime, record.uptime)
      return
    case 'acted':
      books.acts = actsOfLastDay(books)
      books.acts.push({ ...record.act, uptime: books.uptime })
      return
    case 'skipped':
      books.skipped = [...books.skipped, record.event].slice(-mostSkipped)
      return
    case 'inherited':
      enterInherited(books, record)
      return
    case 'guard':
      if (record.bootId === undefined) delete books.guardedSince
      else books.guardedSince = record.bootId
      return
    case 'epoch':
      Object.assign(books, { epoch: record.epoch, lastSeq: 0, acknowledgedSeq: 0 })
  }
}

/**
 * Begins another epoch, after events were lost: no number that was given before is given again. Events of the old
 * epoch that the broker has not taken go out under their old numbers.
 */
export function beginEpoch(books: WritableBooks, epoch: string, firstN: number): void {
  const { acknowledgedSeq, lastSeq, epochFirstN } = books
  if (lastSeq > acknowledgedSeq) {
    const [fromSeq, toSeq] = [acknowledgedSeq + 1, lastSeq]
    books.inherited.push({ epoch: books.epoch, fromSeq, toSeq, fromN: epochFirstN, beforeN: firstN })
  }
  Object.assign(books, { epoch, epochFirstN: firstN, lastSeq: 0, acknowledgedSeq: 0 })
}

function enterInherited({ inherited }: WritableBooks, { epoch, seq }: { epoch: string; seq: number }): void {
  const [first] = inherited
  if (first?.epoch !== epoch) return
  first.fromSeq = Math.max(first.fromSeq, seq + 1)
  if (first.fromSeq > first.toSeq) inherited.shift()
}
