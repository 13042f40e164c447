// Items as a database can take them: PostgreSQL has no place in JSON for a NUL character or half a surrogate pair, which a reference
// may hold. They become U+FFFD there; refusing them would stop the whole history at one customer's text.
import type { Item, Report } from '../client/index.ts'

export interface EventRow {
  router_id: string
  epoch: string
  seq: number
  type: string
  /** Null where the router's clock was not to be trusted: then the moment of writing stands. */
  happened: string | null
  event: object
}

export interface LostRow {
  router_id: string
  epoch: string
  from_seq: number
  to_seq: number | null
  why: string
}

export interface PositionRow {
  router_id: string
  epoch: string
  seq: number
}

export interface Rows {
  events: EventRow[]
  lost: LostRow[]
  /** After all of them: one for each router. */
  positions: PositionRow[]
}

export function rowsOf(items: readonly Item[]): Rows {
  const events: EventRow[] = []
  const lost = new Map<string, LostRow>()
  const positions = new Map<string, PositionRow>()
  for (const item of items) {
    const { routerId: router_id, epoch } = item
    const seq = item.type === 'lost' ? item.toSeq : item.seq
    // Where nobody knows how many were lost, the next event of the new journal moves the position.
    if (seq !== null && seq !== undefined) positions.set(router_id, { router_id, epoch, seq })
    if (item.type === 'lost') {
      const row = { router_id, epoch, from_seq: item.fromSeq, to_seq: item.toSeq, why: item.why }
      const key = JSON.stringify([router_id, epoch, item.fromSeq])
      // Told once more where it ends.
      if (row.to_seq !== null || !lost.has(key)) lost.set(key, row)
    } else if (seq !== null && seq !== undefined) {
      const event: Record<string, unknown> = item.type === 'unrecognised' ? item.event : { ...item }
      delete event.historical
      events.push({ router_id, epoch, seq, type: typeOf(event), happened: happenedOf(event), event })
    }
  }
  return { events, lost: [...lost.values()], positions: [...positions.values()] }
}

// Of an event that no version knows anything may stand there.
const typeOf = ({ type }: Record<string, unknown>): string =>
  typeof type === 'string' ? type : JSON.stringify(type ?? null)

function happenedOf({ at, clockSynced }: Record<string, unknown>): string | null {
  const milliseconds = clockSynced === true && typeof at === 'string' ? Date.parse(at) : Number.NaN
  return Number.isNaN(milliseconds) ? null : new Date(milliseconds).toISOString()
}

export interface RouterRow {
  router_id: string
  status: object | null
  report: object | null
}

/** The latest of each router. */
export function routerRowsOf(reports: Iterable<Report>): RouterRow[] {
  const rows = new Map<string, RouterRow>()
  for (const report of reports) {
    const { routerId: router_id } = report
    const row = rows.get(router_id) ?? { router_id, status: null, report: null }
    rows.set(router_id, row)
    if ('status' in report) row.status = report.status
    else row.report = report.usage
  }
  return [...rows.values()]
}

/** JSON that `jsonb` takes. */
export function storable(value: unknown): string {
  const text = JSON.stringify(value)
  return /\\u(0000|d[89a-f])/i.test(text) ? JSON.stringify(value, withoutUnstorable) : text
}

function withoutUnstorable(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [plain(key), one]))
}

function plain(text: string): string {
  // Half a pair does not survive as bytes.
  return Buffer.from(text).toString().replaceAll('\0', '\ufffd')
}
