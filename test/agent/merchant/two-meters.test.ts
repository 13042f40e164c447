// Proves that two meters count by totals: the larger one, never the sum of what each saw more of, and each difference is told.
import { expect, it } from 'vitest'
import { type Meter, unmetered } from '../../../agent/merchant/session.ts'
import { beginMeters, countBoth, disagreement, isAtOldLimit } from '../../../agent/merchant/two-meters.ts'
import { emptyTable, type GuardTable } from '../../../agent/portal/guard-table.ts'
import { aSession } from '../../support/builders.ts'

const down = (downloaded: number) => ({ downloaded, uploaded: 0 })
const table = (downloaded: number, limit = 1e12): GuardTable => ({
  ...emptyTable,
  quotas: new Map([['s1', { limit, ...down(downloaded) }]]),
  byIp: new Map([['10.0.0.1', 's1']]),
})

const left = 1e12

/** Looks at which the portal's counters and the kernel's stand so. */
function looked(readings: { portal: number; kernel: number }[], limit?: number): Meter[] {
  let before = 0
  let meter: Meter = { ...unmetered, portal: down(0), guard: { at: down(0), total: down(0) } }
  return readings.map(({ portal, kernel }) => {
    const usage = down(portal - before)
    before = portal
    const guard = table(kernel, limit)
    const { moved, ...after } = countBoth('s1', meter, { usage, isContinued: true, isCounted: true, left, guard })
    meter = { ...meter, downloaded: meter.downloaded + moved.downloaded, portal: after.portal, guard: after.guard }
    return meter
  })
}

it('jittered readings of the same bytes charge what passed, and nobody is told of a difference', () => {
  // The kernel is read later, by a time that differs; by differences 40 MB would come to 55.
  const jittered = [9, 18, 31, 40].map((mb, index) => ({ portal: mb * 1e6, kernel: (mb + (index % 2) * 5) * 1e6 }))
  const meters = looked([...jittered, { portal: 45e6, kernel: 45e6 }])

  expect(meters.at(-1)?.downloaded).toBe(45e6)
  expect(meters.slice(1).flatMap((meter, index) => disagreement(meters[index] as Meter, meter) ?? [])).toEqual([])
})

it('bytes that one meter does not see are charged by the other, and both figures are told', () => {
  const [first, second] = looked([
    { portal: 1e6, kernel: 1e6 },
    { portal: 9e6, kernel: 2e6 },
  ]) as [Meter, Meter]

  expect(second.downloaded).toBe(9e6)
  expect(disagreement(first, second)).toEqual({ portal: 9e6, guard: 2e6 })
})

it('bytes that the portal counted of a device in cut are not charged', () => {
  expect(looked([{ portal: 50e6, kernel: 1_001_000 }], 1e6).at(-1)?.downloaded).toBe(1_001_000)
})

it('a session is charged up to the limit that has passed, and the packet that crosses it is given away, whatever was bought since', () => {
  const meter: Meter = { ...unmetered, portal: down(0), guard: { at: down(0), total: down(0) } }
  const reading = { usage: down(50e6), isContinued: true, isCounted: true, left, guard: table(1_001_000, 1e6) }

  expect(countBoth('s1', meter, reading)).toMatchObject({ moved: down(1_001_000), beyond: 1000 })
})

const topped = (recountsFrom: number): Meter => ({
  ...unmetered,
  portal: down(0),
  guard: { at: down(0), total: down(0) },
  recountsFrom,
})
const unguarded = { ...emptyTable, byIp: new Map<string, string>() }

it('after a top-up the portal is believed where the kernel had not come to its old limit', () => {
  const reading = { usage: down(3e6), isContinued: true, isCounted: true, left, guard: table(2e6) }

  expect(countBoth('s1', topped(5e6), reading)).toMatchObject({ moved: down(3e6), recounts: false })
})

it('after a top-up the portal starts anew where the kernel had come to its old limit', () => {
  const reading = { usage: down(50e6), isContinued: true, isCounted: true, left, guard: table(5_001_000) }

  expect(countBoth('s1', topped(5e6), reading)).toMatchObject({ moved: down(5_001_000), recounts: true })
})

it('after a top-up a session that the kernel counts no more is believed up to its old limit', () => {
  const moved = [3e6, 50e6].map(
    (bytes) =>
      countBoth('s1', topped(5e6), { usage: down(bytes), isContinued: true, isCounted: true, left, guard: unguarded })
        .moved,
  )

  expect(moved).toEqual([down(3e6), down(0)])
})

it('a kernel that was not told of a top-up when it was read, or of the last one, goes on dropping what the portal counts', () => {
  const counting = (limit: number) => isAtOldLimit('s1', topped(5e6), { guard: table(5_001_000, limit), left: 9e6 })

  expect([5e6, 9e6 - 1, 9e6].map(counting)).toEqual([true, true, false])
  expect(isAtOldLimit('s1', topped(5e6), { guard: table(5_001_000, 5e6), left: Number.POSITIVE_INFINITY })).toBe(true)
  expect(isAtOldLimit('s1', topped(5e6), { guard: unguarded, left: 9e6 })).toBe(false)
})

it('after a top-up the portal starts anew as soon as the kernel is known to hold the session no more', () => {
  const reading = { usage: down(50e6), isContinued: true, isCounted: true, left }

  expect(countBoth('s1', topped(5e6), { ...reading, known: unguarded })).toMatchObject({
    moved: down(0),
    recounts: true,
  })
  expect(countBoth('s1', topped(5e6), { ...reading, known: table(0, 5e6) })).toMatchObject({
    moved: down(5e6),
    recounts: false,
  })
})

it('beyond the limit of a kernel that cannot be asked nothing has passed, also where its count was lost', () => {
  const reading = { usage: down(9e6), isContinued: true, isCounted: true, left: 5e6 }

  expect(countBoth('s1', unmetered, { ...reading, known: table(0, 5e6) }).moved).toEqual(down(5e6))
  expect(countBoth('s1', unmetered, { ...reading, known: unguarded }).moved).toEqual(down(9e6))
})

it('a session that the kernel has let go is not cut by a count that had come to its limit', () => {
  const meter: Meter = { ...unmetered, ...down(5e6), portal: down(5e6), guard: { at: down(5e6), total: down(5e6) } }
  const released = { ...table(5e6, 5e6), byIp: new Map<string, string>() }
  const reading = { usage: down(6e6), isContinued: true, isCounted: true, left, guard: released }

  expect(countBoth('s1', meter, reading).moved).toEqual(down(6e6))
})

it('a count that another device has begun is begun anew at the next reading', () => {
  const lent = { usage: down(0), isContinued: true, isCounted: false, left, isLent: true, guard: table(4e6) }

  expect(countBoth('s1', { ...unmetered, portal: down(0) }, lent)).toMatchObject({ moved: down(0) })
  expect(countBoth('s1', { ...unmetered, portal: down(0) }, lent).guard).toBeUndefined()
})

it('a gate that opens is counted from the moment the kernel was told of its session, unless another device is counted for it', () => {
  const session = { ...aSession(), sessionId: 's1', meter: { ...unmetered, ...down(2e6) } }
  const isOthers = (ip: string) => ip === '10.0.0.1'

  // The table was written a moment ago, and bytes pass before it is read.
  const { guard, portal } = beginMeters(session, table(0), { isOthers: () => false })
  const reading = { usage: down(0), isContinued: true, isCounted: true, left, guard: table(1e6) }
  expect(countBoth('s1', { ...session.meter, guard, portal }, reading).moved).toEqual(down(1e6))
  expect(beginMeters(session, table(0), { isOthers }).guard).toBeUndefined()
})

it('a gate that opens beside another one lets both meters go on from their own last readings', () => {
  const guard = { at: down(7e6), total: down(7e6) }
  const meter: Meter = { ...unmetered, ...down(7e6), portal: down(6e6), guard, seenOpen: { bootId: 'b', at: 1 } }
  const session = { ...aSession(), sessionId: 's1', meter }

  expect(beginMeters(session, table(8e6))).toEqual({ portal: down(6e6), guard })
  expect(beginMeters({ ...session, meter: { ...meter, seenOpen: null } }, table(8e6))).toEqual({
    portal: down(7e6),
    guard: { at: down(8e6), total: down(7e6) },
  })
})

it('a gate that opens while the kernel cannot be asked lets its count go on, which held all that was charged since it was read', () => {
  const guard = { at: down(7e6), total: down(7e6) }
  const meter: Meter = { ...unmetered, ...down(9e6), portal: down(9e6), guard }
  const begun = beginMeters({ ...aSession(), sessionId: 's1', meter }, table(7e6), { isSure: false })
  const reading = { usage: down(0), isContinued: true, isCounted: true, left, guard: table(9e6) }

  expect(countBoth('s1', { ...meter, ...begun }, reading).moved).toEqual(down(0))
})
