// Proves when a deadline is past: by the clock, or by the newest time that a sound clock has shown.
import { expect, test } from 'vitest'
import { isPast } from '../../../agent/merchant/deadline.ts'
import { aNow } from '../../support/builders.ts'

const noon = '2026-11-26T12:00:00.000Z'
const wall = Date.parse(noon)

test.each([
  { now: 'a millisecond before', clock: { wall: wall - 1 }, syncedWall: undefined, past: false },
  { now: 'at it', clock: { wall }, syncedWall: undefined, past: true },
  {
    now: 'by a clock that nobody believes',
    clock: { wall: wall + 1, clockSynced: false },
    syncedWall: undefined,
    past: false,
  },
  { now: 'by a believed time before a reboot', clock: { wall: 0, clockSynced: false }, syncedWall: wall, past: true },
])('a deadline is past $now: $past', ({ clock, syncedWall, past }) => {
  expect(isPast(noon, aNow(clock), { ...(syncedWall !== undefined && { syncedWall }) })).toBe(past)
})
