// Proves that two meters count by totals: the larger one, never the sum of what each saw more of, and each difference is told.
import { expect, it } from 'vitest'
import { type Meter, unmetered } from '../../../agent/merchant/session.ts'
import { countBoth, disagreement } from '../../../agent/merchant/two-meters.ts'
import { emptyTable, type GuardTable } from '../../../agent/portal/guard-table.ts'

const down = (downloaded: number) => ({ downloaded, uploaded: 0 })
const table = (downloaded: number, limit = 1e12): GuardTable => ({
  ...emptyTable,
  quotas: new Map([['s1', { limit, ...down(downloaded) }]]),
  byIp: new Map([['10.0.0.1', 's1']]),
})

/** Looks at which the portal's counters and the kernel's stand so. */
function looked(readings: { portal: number; kernel: number }[], limit?: number): Meter[] {
  let before = 0
  let meter: Meter = { ...unmetered, portal: down(0), guard: { at: down(0), total: down(0) } }
  return readings.map(({ portal, kernel }) => {
    const usage = down(portal - before)
    before = portal
    const guard = table(kernel, limit)
    const { moved, ...after } = countBoth('s1', meter, { usage, isContinued: true, isCounted: true, guard })
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
  const reading = { usage: down(50e6), isContinued: true, isCounted: true, guard: table(1_001_000, 1e6) }

  expect(countBoth('s1', meter, reading)).toMatchObject({ moved: down(1_001_000), beyond: 1000 })
})
