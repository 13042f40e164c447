// Proves what the page shows as values: its address, the order of the routers, lots, sums and words.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { amounts, bytes, duration, grouped, moment, money } from '../../page/browser/format.ts'
import { lotsOf } from '../../page/browser/lots.ts'
import { orderOf, stateOf } from '../../page/browser/order.ts'
import { sumsOf } from '../../page/browser/sums.ts'
import { columns, eventKinds, initialView, queryOf, states, tabs, type View, viewOf } from '../../page/browser/view.ts'
import { insertInTime } from '../../page/wire/in-time.ts'
import type { RouterRow, SaleRow } from '../../page/wire/wire.ts'

describe('the address', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 })
  const anyView: fc.Arbitrary<View> = fc.record({
    states: fc.uniqueArray(fc.constantFrom(...states)),
    search: fc.string({ maxLength: 20 }),
    sort: fc.constantFrom(...columns),
    isDescending: fc.boolean(),
    router: fc.option(text, { nil: undefined }),
    tab: fc.constantFrom(...tabs),
    device: fc.option(text, { nil: undefined }),
    story: fc.option(text, { nil: undefined }),
    eventKind: fc.constantFrom(...eventKinds),
    eventSearch: fc.string({ maxLength: 20 }),
    salesBy: fc.constantFrom('day', 'router'),
  })

  it('is the whole view: who opens it sees the same', () => {
    fc.assert(
      fc.property(anyView, (view) => {
        expect(viewOf(queryOf(view))).toEqual(view)
      }),
    )
  })

  it('is short at first, and whatever somebody writes into it shows something', () => {
    expect([queryOf(initialView), viewOf('')]).toEqual(['', initialView])
    expect(viewOf('?state=online,nonsense&sort=-nonsense&tab=x&events=x&by=x')).toEqual({
      ...initialView,
      states: ['online'],
      isDescending: true,
    })
  })
})

function row(id: string, parts: Partial<RouterRow> = {}): RouterRow {
  const none = { bytes: 0, milliseconds: 0 }
  return {
    ...{ id, state: 'online', heardAt: 0, silentAfter: 30_000, open: 0, waiting: 0, paused: 0, bytesPerSecond: 0 },
    ...{ sold: none, used: none, difference: none, money: [], portal: '', warnings: [], outbox: 0 },
    ...parts,
  }
}

describe('the order of the routers', () => {
  const ids = (rows: RouterRow[], asked: Partial<View> = {}, now = 0) =>
    orderOf(rows, { ...initialView, ...asked }, now).ids

  it('is by name, r10 after r9, from either end', () => {
    const rows = [row('r10'), row('r9'), row('a2'), row('r1')]
    expect(ids(rows)).toEqual(['a2', 'r1', 'r9', 'r10'])
    expect(ids(rows, { isDescending: true })).toEqual(['r10', 'r9', 'r1', 'a2'])
  })

  it('is by any column, the rest by name', () => {
    const rows = [row('r1', { bytesPerSecond: 5 }), row('r3', { bytesPerSecond: 9 }), row('r2', { bytesPerSecond: 9 })]
    expect(ids(rows, { sort: 'rate', isDescending: true })).toEqual(['r2', 'r3', 'r1'])
    const warned = [row('r1'), row('r2', { state: 'degraded', warnings: ['x'] }), row('r3', { state: 'offline' })]
    expect(ids(warned, { sort: 'state' })).toEqual(['r2', 'r3', 'r1'])
    expect(ids(warned, { sort: 'notice', isDescending: true })).toEqual(['r2', 'r1', 'r3'])
  })

  it('has those in the states that are asked for, and counts all that the search finds', () => {
    const rows = [
      row('r1'),
      row('r2', { state: 'degraded', warnings: ['Disk full'] }),
      row('x1'),
      row('x2', { heardAt: -99_000 }),
    ]
    const { ids, counts } = orderOf(rows, { ...initialView, states: ['degraded', 'silent'] }, 0)
    expect([ids, counts]).toEqual([['r2', 'x2'], { online: 2, degraded: 1, silent: 1, offline: 0, unknown: 0 }])
    expect(orderOf(rows, { ...initialView, search: ' DISK ' }, 0)).toMatchObject({ ids: ['r2'], counts: { online: 0 } })
  })
})

test.each([
  ['online', 30_000, 'online'],
  ['online', 30_001, 'silent'],
  ['degraded', 30_001, 'silent'],
  ['unknown', 30_001, 'silent'],
  ['offline', 99_999, 'offline'],
] as const)('a router that said %s and was heard %i ms ago is %s', (state, now, expected) => {
  expect(stateOf(row('r1', { state }), now)).toBe(expected)
})

it('what remains of a session is of its last purchases', () => {
  const lot = (purchaseId: string, allotment: number, metric: 'bytes' | 'milliseconds' = 'bytes') => ({
    ...{ purchaseId, at: '', metric, allotment },
  })
  const bought = [lot('a', 100), lot('b', 100), lot('t', 60, 'milliseconds'), lot('c', 100)]
  const left = lotsOf({ bought, remaining: { bytes: 130, milliseconds: 20 } }).map((shown) => shown.left)
  expect(left).toEqual([0, 30, 20, 100])
})

it('sums of sales are exact, by day the newest first, by router by name', () => {
  const sale = (day: string, routerId: string, amount: string, unit?: string): SaleRow => ({
    ...{ day, routerId, metric: 'bytes', purchases: 1, allotment: 10, amount, change: '0' },
    ...(unit !== undefined && { unit }),
  })
  const rows = [
    sale('2026-11-21', 'r10', '0.1', 'eur'),
    sale('2026-11-22', 'r9', '0.2', 'eur'),
    sale('2026-11-22', 'r9', '0'),
  ]
  const shown = (by: 'day' | 'router') => sumsOf(rows, by).map(({ name, unit, amount }) => [name, unit, amount])
  expect(shown('day')).toEqual([
    ['2026-11-22', 'eur', '0.2'],
    ['2026-11-22', undefined, '0'],
    ['2026-11-21', 'eur', '0.1'],
  ])
  expect(shown('router').map(([name]) => name)).toEqual(['r9', 'r9', 'r10'])
  const more = [...rows, sale('2026-11-21', 'r1', '0.2', 'eur')]
  expect(sumsOf(more, 'day').at(-1)).toMatchObject({ amount: '0.3', purchases: 2, bytes: 20 })
})

it('a list in the order of time is never too long', () => {
  const at = fc.integer({ min: 0, max: 50 }).map((second) => ({ at: String(second).padStart(2, '0') }))
  fc.assert(
    fc.property(fc.array(at), fc.integer({ min: 1, max: 10 }), (items, most) => {
      const list: { at: string }[] = []
      for (const item of items) insertInTime(list, item, most)
      const newest = items.map((item) => item.at).sort()
      expect(list.map((item) => item.at)).toEqual(newest.slice(-most))
    }),
  )
})

describe('in words', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9995, '10.0 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [22_020_096, '22.0 MB'],
    [-22_020_096, '-22.0 MB'],
  ])('%i bytes are %s', (value, text) => expect(bytes(value)).toBe(text))

  test.each([
    [0, '0 s'],
    [0.4, '0 ms'],
    [400, '400 ms'],
    [59_999, '59 s'],
    [60_000, '1 m'],
    [3_661_000, '1 h 1 m'],
    [90_000_000, '1 d 1 h'],
    [86_460_000, '1 d'],
  ])('%i ms are %s', (value, text) => expect(duration(value)).toBe(text))

  it('tells amounts, money and moments', () => {
    expect([amounts({ bytes: 1000, milliseconds: 5000 }), amounts({})]).toEqual(['1.00 kB + 5 s', '–'])
    expect([money([{ unit: 'sat', sum: '1234567' }]), money([])]).toEqual(['1,234,567 sat', '–'])
    expect([grouped('1234.5678'), grouped('-1234'), grouped('12')]).toEqual(['1,234.5678', '-1,234', '12'])
    const noon = new Date(2026, 10, 22, 12, 0, 1)
    expect(moment(noon.toISOString(), noon)).toBe('12:00:01')
    expect(moment(noon.toISOString(), new Date(2026, 10, 23))).toBe('2026-11-22 12:00:01')
  })
})
