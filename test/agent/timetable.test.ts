// Proves when a look is due beside a report, and until when the loop sleeps.
import { expect, it, test } from 'vitest'
import { isLookDue, sleepUntil } from '../../agent/timetable.ts'

const reportInterval = 10_000
const due = { look: 5000, notice: 9000, report: 7000, checkpoint: 60_000 }

test.each([
  { when: 'its time has come', now: 5000, isWoken: false, isDue: true },
  { when: 'its time has not come', now: 4999, isWoken: false, isDue: false },
  { when: 'somebody woke the loop', now: 0, isWoken: true, isDue: true },
])('a look is due: $isDue, when $when', ({ now, isWoken, isDue }) => {
  expect(isLookDue(due, now, isWoken, reportInterval)).toBe(isDue)
})

test.each([
  { look: 12_000, isDue: true },
  { look: 12_001, isDue: false },
])('a look at $look comes before the report at 7000: $isDue', ({ look, isDue }) => {
  expect(isLookDue({ ...due, look }, 7000, false, reportInterval)).toBe(isDue)
})

it('sleeps until the first of them', () => {
  expect(sleepUntil(due)).toBe(5000)
  expect(sleepUntil({ ...due, look: Number.POSITIVE_INFINITY })).toBe(7000)
  expect(sleepUntil({ ...due, look: 70_000, report: 70_000, notice: 80_000 })).toBe(60_000)
})
