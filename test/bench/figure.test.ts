// Proves what counts as met, and how the results are told.
import { expect, it, test } from 'vitest'
import { isMet, type Row } from '../../bench/figure.ts'
import { percentile } from '../../bench/statistics.ts'
import { markdownOf, tableOf } from '../../bench/table.ts'

const aRow = (parts: Partial<Row> = {}): Row => {
  return { what: 'a look', unit: 'ms', ours: 2, against: { name: 'the floor', value: 4 }, ...parts }
}

test.each<{ when: string; row: Row; met: boolean | undefined }>([
  { when: 'the ratio is at the most', row: aRow({ goal: { atMost: 0.5 } }), met: true },
  { when: 'the ratio is above the most', row: aRow({ goal: { atMost: 0.49 } }), met: false },
  { when: 'the ratio is at the least', row: aRow({ goal: { atLeast: 0.5 } }), met: true },
  { when: 'the ratio is below the least', row: aRow({ goal: { atLeast: 0.51 } }), met: false },
  { when: 'there is no goal', row: aRow(), met: undefined },
])('says $met when $when', ({ row, met }) => {
  expect(isMet(row)).toBe(met)
})

test.each([
  { share: 0, value: 1 },
  { share: 0.5, value: 2.5 },
  { share: 1, value: 4 },
])('takes $value for the percentile $share of 4, 1, 3 and 2', ({ share, value }) => {
  expect(percentile([4, 1, 3, 2], share)).toBe(value)
})

const measured = [
  { name: 'look', about: '', rows: [aRow({ goal: { atMost: 0.4 } })], seconds: 1 },
  { name: 'other', about: '', skipped: 'needs root', rows: [], seconds: 0 },
]

it('tells the ratio, the goal and whether it was met', () => {
  expect(tableOf(measured).split('\n')[1]).toMatch(/^look +a look +2 ms +the floor +4 ms +0\.5 +<= 0\.4 +no$/)
})

it('tells why a figure was skipped', () => {
  expect(markdownOf(measured)).toContain('| other | skipped: needs root |')
})
