// How often a router asks its portal while the kernel keeps the end of every lot, against the same router without that.
import type { Figure, Row } from './figure.ts'
import { openVirtualRouter } from './virtual-router.ts'

const hour = 3_600_000
const tenMinutes = 600_000
const idle = 20
// One step of the price list.
const step = 22_020_096
// The agent looks so often, whatever happens.
const lookInterval = 10_000
const megabits = 50
const tick = 100

export const guardedLooks: Figure = {
  name: 'guarded-looks',
  about: 'how often the portal is asked with the kernel as guard, in virtual time',
  async measure() {
    return [await idleDevices(), await oneDownload()]
  },
}

async function idleDevices(): Promise<Row> {
  const looksOf = async (guard?: number) => {
    const { askedIn } = await openVirtualRouter({ sessions: idle, allotment: step, guard })
    return (await askedIn(hour)).looks
  }
  return {
    what: `an hour, ${idle} idle devices with one step left`,
    unit: 'looks',
    ours: await looksOf(1500),
    against: { name: 'without the guard', value: await looksOf() },
    goal: { atMost: 1 / 4 },
  }
}

async function oneDownload(): Promise<Row> {
  const { router } = await openVirtualRouter({ sessions: 1, allotment: 5_000_000_000, guard: 1500 })
  const before = router.calls.length
  for (let passed = 0; passed < tenMinutes; passed += tick) {
    router.use((megabits / 8) * 1000 * tick)
    await router.pass(tick)
  }
  const runs = router.calls.length - before
  return {
    what: `ten minutes of a download at ${megabits} Mbit/s, 5 GB bought`,
    unit: 'runs',
    ours: runs,
    against: { name: 'one a look interval and five', value: tenMinutes / lookInterval + 5 },
    goal: { atMost: 1 },
  }
}
