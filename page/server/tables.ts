// The tables of the page as CSV.
import { csvLine } from '../../monitor/csv.ts'
import type { RouterDetail, RouterRow, SaleRow } from '../wire/wire.ts'

export function salesCsv(rows: readonly SaleRow[]): string {
  const head = ['day', 'router_id', 'metric', 'unit', 'source', 'purchases', 'allotment', 'amount', 'change']
  return csvOf(
    head,
    rows.map(({ unit, source, amount, change, ...row }) => [
      ...[row.day, row.routerId, row.metric, unit, source, row.purchases, row.allotment],
      ...(unit === undefined ? [undefined, undefined] : [amount, change]),
    ]),
  )
}

export function routersCsv(rows: readonly RouterRow[], now: number): string {
  const head = ['router_id', 'state', 'heard_ago_seconds', 'open', 'waiting', 'paused', 'bytes_per_second']
  const sums = ['sold_bytes', 'sold_milliseconds', 'used_bytes', 'used_milliseconds']
  return csvOf(
    [...head, ...sums, 'money', 'portal', 'warnings'],
    rows.map((row) => [
      ...[row.id, stateOf(row, now), Math.round((now - row.heardAt) / 1000), row.open, row.waiting, row.paused],
      ...[row.bytesPerSecond, row.sold.bytes, row.sold.milliseconds, row.used.bytes, row.used.milliseconds],
      row.money.map(({ sum, unit }) => `${sum} ${unit}`).join(' + '),
      ...[row.portal, row.warnings.join(' | ')],
    ]),
  )
}

export function devicesCsv({ id, devices }: RouterDetail): string {
  const head = ['router_id', 'session_id', 'mac', 'state', 'started', 'open_milliseconds', 'bytes_per_second']
  const amounts = ['used_bytes', 'remaining_bytes', 'used_milliseconds', 'remaining_milliseconds']
  return csvOf(
    [...head, ...amounts, 'purchases'],
    devices.map((device) => [
      ...[id, device.sessionId, device.mac, device.state, device.startedAt ?? undefined, device.openMilliseconds],
      ...[device.bytesPerSecond, device.used.bytes, device.remaining.bytes],
      ...[device.used.milliseconds, device.remaining.milliseconds],
      device.bought.map(({ purchaseId }) => purchaseId).join(' '),
    ]),
  )
}

function stateOf({ state, heardAt, silentAfter }: RouterRow, now: number): string {
  return state !== 'offline' && now - heardAt > silentAfter ? 'silent' : state
}

function csvOf(head: readonly string[], rows: readonly (readonly (string | number | undefined)[])[]): string {
  return [head, ...rows]
    .map((row) => csvLine(row.map((value) => (value === undefined ? null : String(value)))))
    .join('')
}
