// Proves that each value is read once, where it enters: in every spelling that means it, and in no other.
import { describe, expect, it, test } from 'vitest'
import {
  AnyMac,
  Count,
  Deadline,
  Mac,
  Price,
  PriceList,
  PurchaseId,
  Reference,
  RouterId,
  Timestamp,
} from '../../protocol/index.ts'

const device = 'ac:e0:10:12:2d:75'

describe('a MAC', () => {
  test.each([
    device,
    'AC:E0:10:12:2D:75',
    'Ac:e0:10:12:2d:75',
    'ac-e0-10-12-2d-75',
    'AC-E0-10-12-2D-75',
    'ace0.1012.2d75',
    'ACE0.1012.2D75',
    'ace0:1012:2d75',
    'ace010122d75',
    'ACE010122D75',
    '  ac:e0:10:12:2d:75\n',
  ])('spelt %j means the same device', (spelling) => {
    expect(AnyMac.parse(spelling)).toBe(device)
  })

  test.each([
    '',
    'ac:e0:10:12:2d',
    'ac:e0:10:12:2d:75:00',
    'ac:e0:10:12:2d:7',
    'ac:e0:10:12:2d:7g',
    'ac:e0-10:12-2d:75',
    'ac.e0.10.12.2d.75',
    'ace0.10122d75',
    'ac e0 10 12 2d 75',
    'ac:e0:10:12:2d:75,60',
    'ace010122d7',
    'ace010122d755',
    '-ac:e0:10:12:2d:75',
    '\u0430c:e0:10:12:2d:75',
  ])('is not %j', (text) => {
    expect(AnyMac.safeParse(text).success).toBe(false)
  })

  test.each([null, 5, ['ac:e0:10:12:2d:75'], {}])('is not %j', (value) => {
    expect(AnyMac.safeParse(value).success).toBe(false)
  })

  test.each(['AC:E0:10:12:2D:75', 'ac-e0-10-12-2d-75', ' ac:e0:10:12:2d:75'])('on the wire is not spelt %j', (text) => {
    expect(Mac.safeParse(text).success).toBe(false)
  })
})

describe('a purchase id', () => {
  test.each(['p', '01K9Z6V3T0W8Q4N5E2R7Y1M6HA', 'invoice/7781#2', '{"a":1}', 'x'.repeat(128)])('is %j', (id) => {
    expect(PurchaseId.parse(id)).toBe(id)
  })

  test.each([
    'grün-ß',
    '\u{1f600}',
    '',
    ' ',
    'a b',
    'a\tb',
    'a\nb',
    'a\u0000',
    'a\u00a0b',
    'a\u2003b',
    'a\u200bb',
    'a\ud800',
    'x'.repeat(129),
    5,
    null,
  ])('is not %j', (id) => {
    expect(PurchaseId.safeParse(id).success).toBe(false)
  })
})

describe('a count', () => {
  test.each([0, 1, 2 ** 53 - 1])('is %j', (count) => expect(Count.parse(count)).toBe(count))

  test.each([-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, '1', null])('is not %j', (value) => {
    expect(Count.safeParse(value).success).toBe(false)
  })
})

describe('a router id', () => {
  test.each(['r', 'cafe-lisboa_1', 'A'.repeat(64)])('is %j', (id) => expect(RouterId.parse(id)).toBe(id))

  test.each(['', 'a/b', '+', '#', 'a b', 'é', 'A'.repeat(65), 'a\n'])('is not %j', (id) => {
    expect(RouterId.safeParse(id).success).toBe(false)
  })
})

describe('a time', () => {
  test.each([
    '2026-11-22T12:00:00Z',
    '2026-11-22T12:00:00.000Z',
    '2026-11-22T13:00:00+01:00',
    '2026-11-22T12:00:00.123456Z',
  ])('as a deadline is %j', (text) => expect(Deadline.parse(text)).toBe(text))

  test.each([
    '2026-11-22',
    '2026-11-22 12:00:00Z',
    '2026-11-22T12:00:00',
    '2026-02-30T12:00:00Z',
    'tomorrow',
    1_795_345_000,
  ])('as a deadline is not %j', (text) => expect(Deadline.safeParse(text).success).toBe(false))

  test.each(['2026-11-22T12:00:00Z', '2026-11-22T12:00:00.00Z', '2026-11-22T12:00:00.000+00:00'])(
    'as a label is not %j',
    (text) => {
      expect(Timestamp.safeParse(text).success).toBe(false)
    },
  )

  it('as a label is what a Date writes', () => {
    expect(Timestamp.safeParse(new Date(0).toISOString()).success).toBe(true)
  })
})

test.each([
  { length: 0, ok: true },
  { length: 256, ok: true },
  { length: 257, ok: false },
])('a reference of $length characters is taken: $ok', ({ length, ok }) => {
  expect(Reference.safeParse('x'.repeat(length)).success).toBe(ok)
})

describe('a price list', () => {
  it('asks for one step where it does not say', () => {
    expect(Price.parse({ unit: 'sat', pricePerStep: 1 })).toEqual({ unit: 'sat', pricePerStep: 1, minSteps: 1 })
  })

  test.each([
    { when: 'it has no price', list: { metric: 'bytes', stepSize: 1, prices: [] } },
    { when: 'a step is nothing', list: { metric: 'bytes', stepSize: 0, prices: [{ unit: 'sat', pricePerStep: 1 }] } },
    { when: 'a step is free', list: { metric: 'bytes', stepSize: 1, prices: [{ unit: 'sat', pricePerStep: 0 }] } },
    {
      when: 'it sells something else',
      list: { metric: 'hours', stepSize: 1, prices: [{ unit: 'sat', pricePerStep: 1 }] },
    },
  ])('is none when $when', ({ list }) => {
    expect(PriceList.safeParse(list).success).toBe(false)
  })
})
