// Salvage: what sound records behind a hole still say. No gate follows from them, since nobody can tell whether they follow
// from what is lost; but no purchase that was accepted is sold again, and none is forgotten in silence.
import type { Event, EventOf } from '../../protocol/index.ts'
import type { WritableBooks } from '../merchant/books.ts'
import { enter } from '../merchant/enter.ts'
import { outcomeOf } from '../merchant/enter-event.ts'
import type { JournalRecord } from '../merchant/journal-record.ts'
import { fromSnapshot, toSnapshot } from '../merchant/snapshot.ts'
import { conservationOf } from '../merchant/view.ts'
import type { Decision, Noted } from './files.ts'

type Sold = EventOf<'purchase.accepted'>

/** Enters what the records behind a hole say of purchases; what was sold there and is lost is to be told. */
export function salvage(
  books: WritableBooks,
  behind: readonly Decision[],
  noted: readonly Noted[],
  warnings: string[],
): void {
  const records = behind.flatMap((decision) => decision.records)
  const events = records.flatMap((record) => (record.type === 'event' ? [record.event] : []))
  for (const record of records) enterOutcome(books, record)
  // The broker may have heard of more than is left: none of it is told twice.
  for (const record of [...records, ...noted.flatMap(({ notes }) => notes)]) {
    if (record.type === 'acknowledged') enter(books, { ...record, seq: Math.min(record.seq, books.lastSeq) })
  }
  const shadow = shadowOf(books, records)
  endAsTold(books, events)
  const settled = new Set(events.flatMap((event) => (event.type === 'session.ended' ? event.purchases : [])).map(idOf))
  const known = new Set([...books.sessions.values()].flatMap(({ lots }) => lots).map(idOf))
  const sold = events.filter((event): event is Sold => event.type === 'purchase.accepted')
  for (const event of sold) {
    const { purchaseId, reference, sessionId, mac, metric, allotment } = event
    if (settled.has(purchaseId) || known.has(purchaseId)) continue
    const used = shadow.get(purchaseId) ?? 0
    books.lost.push({
      ...{ purchaseId, sessionId, mac, metric, allotment, used },
      ...(reference !== undefined && { reference }),
    })
    books.sold[metric] += BigInt(allotment)
    books.settled[metric].used += BigInt(used)
  }
  if (books.lost.length > 0) {
    warnings.push(`${books.lost.length} purchases that were accepted are lost: each is told as session.ended (lost)`)
  }
}

/** Sums that the books cannot account for after damage are written off by name, and sales go on. */
export function writeOff(books: WritableBooks, warnings: string[]): void {
  const { bytes, milliseconds } = conservationOf(books)
  if (bytes.difference === 0 && milliseconds.difference === 0) return
  books.writtenOff.bytes += BigInt(bytes.difference)
  books.writtenOff.milliseconds += BigInt(milliseconds.difference)
  warnings.push(
    `damage took ${bytes.difference} bytes and ${milliseconds.difference} ms from the books: they are written off`,
  )
}

const idOf = ({ purchaseId }: { purchaseId: string }): string => purchaseId

/** The outcome of a purchase id, where a record says it. */
export function enterOutcome(books: WritableBooks, record: JournalRecord): void {
  if (record.type !== 'event' || !record.purchase) return
  const { event, purchase } = record
  if (event.type === 'purchase.accepted') {
    const { sessionId, mac, metric, allotment } = event
    books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, { sessionId, mac, metric, allotment }))
  } else if (event.type === 'purchase.rejected' && event.purchaseId !== undefined) {
    books.purchases.set(event.purchaseId, outcomeOf(books, event, purchase, { code: event.code }))
  }
}

// How much of each lot was used as far as the records behind the hole tell: the books as they would be with them.
function shadowOf(books: WritableBooks, records: readonly JournalRecord[]): Map<string, number> {
  const shadow = fromSnapshot(structuredClone(toSnapshot(books)))
  const used = new Map<string, number>()
  for (const record of records) {
    try {
      enter(shadow, record)
    } catch {
      // It follows from what is lost.
    }
  }
  for (const { lots } of shadow.sessions.values()) for (const lot of lots) used.set(lot.purchaseId, lot.used)
  return used
}

// An end that the journal still shows ends its session in the books too, or what it gave up would be used after all.
function endAsTold(books: WritableBooks, events: readonly Event[]): void {
  for (const event of events) {
    if (event.type !== 'session.ended' || event.reason === 'lost') continue
    const session = books.sessions.get(event.mac)
    if (session?.sessionId !== event.sessionId) continue
    const known = new Set(session.lots.map(idOf))
    for (const { purchaseId, metric, allotment } of event.purchases) {
      if (!known.has(purchaseId)) books.sold[metric] += BigInt(allotment)
    }
    const { epoch, lastSeq } = books
    enter(books, { type: 'event', event })
    // The event behind the hole has no number in this epoch: the books keep theirs.
    Object.assign(books, { epoch, lastSeq })
  }
}
