// One router as it is known right now, folded from its reports and events.
import type { Report } from '../../client/index.ts'
import type { Event, Status } from '../../protocol/index.ts'
import type { RouterDetail, RouterRow, Sums } from '../wire/wire.ts'
import { createKnownSessions } from './known-sessions.ts'
import type { SalesBook } from './sales-book.ts'

export interface RouterPicture {
  seeReport(report: Report, now: number, wall: number): void
  /** `isPast`: it came with a replay, so it tells nothing of now. */
  seeEvent(event: Event, isPast: boolean, now: number): void
  row(): RouterRow
  detail(): RouterDetail
}

// At a report every ten seconds, half an hour.
const ratesKept = 180
const usualInterval = 10_000
const intervalsOfSilence = 3

export function createRouterPicture(id: string, sales: Pick<SalesBook, 'moneyOf'>, now: number): RouterPicture {
  const sessions = createKnownSessions()
  const rates = { at: [] as number[], bytesPerSecond: [] as number[] }
  let status: Status | undefined
  // A router whose disk cannot be read tells of no books: what it had sold stands.
  let conservation: Status['conservation']
  let heardAt = now

  function seeReport(report: Report, now: number, wall: number): void {
    heardAt = now
    if ('status' in report) {
      status = report.status
      conservation = status.conservation ?? conservation
      return
    }
    sessions.seeUsage(report.usage)
    keepRate(Math.round(wall / 1000))
  }

  function seeEvent(event: Event, isPast: boolean, now: number): void {
    sessions.account(event)
    if (isPast) return
    heardAt = now
    sessions.seeEvent(event)
  }

  // Of two reports within a second the later one counts.
  function keepRate(second: number): void {
    const { at, bytesPerSecond } = rates
    if (at.at(-1) === second) {
      at.pop()
      bytesPerSecond.pop()
    }
    at.push(second)
    bytesPerSecond.push(sessions.bytesPerSecond())
    if (at.length <= ratesKept) return
    at.shift()
    bytesPerSecond.shift()
  }

  function row(): RouterRow {
    const { journal, warnings = [], usageIntervalMilliseconds = usualInterval } = status ?? {}
    const sumOf = (part: 'sold' | 'used' | 'difference'): Sums => ({
      bytes: conservation?.bytes[part] ?? 0,
      milliseconds: conservation?.milliseconds[part] ?? 0,
    })
    return {
      id,
      state: status?.state ?? 'unknown',
      heardAt: Math.round(heardAt),
      silentAfter: intervalsOfSilence * usageIntervalMilliseconds,
      ...sessions.counts(),
      bytesPerSecond: sessions.bytesPerSecond(),
      ...{ sold: sumOf('sold'), used: sumOf('used'), difference: sumOf('difference') },
      money: sales.moneyOf(id),
      ...{ portal: portalOf(status), warnings },
      outbox: journal ? journal.lastSeq - journal.acknowledgedSeq : 0,
    }
  }

  const detail = () => ({ id, ...(status && { status }), devices: sessions.devices(), rates })
  return { seeReport, seeEvent, row, detail }
}

function portalOf(status: Status | undefined): string {
  if (!status?.portal || status.portal.kind === 'unknown') return ''
  const { kind, version, state } = status.portal
  return `${kind} ${version ?? ''}`.trim() + (state === 'unreachable' ? ', unreachable' : '')
}
