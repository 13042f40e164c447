// How often a router looks at its portal in an hour in which nobody uses anything, against a poll every two seconds.
import type { Figure } from './figure.ts'
import { pollMilliseconds } from './polling-peer.ts'
import { openVirtualRouter } from './virtual-router.ts'

const hour = 3_600_000
const sessions = 120

export const idleLooks: Figure = {
  name: 'idle-looks',
  about: 'looks in an hour with 120 idle sessions, in virtual time',
  async measure() {
    const { askedIn } = await openVirtualRouter({ sessions, allotment: 682_622_976 })
    const { runs, looks } = await askedIn(hour)
    const polls = hour / pollMilliseconds
    return [
      {
        what: 'an hour, 120 idle sessions',
        unit: 'looks',
        ours: looks,
        against: { name: 'polling every 2 s', value: polls },
        goal: { atMost: 1 / 5 },
        note: `${runs} runs of ndsctl an hour; the peer runs it for every session, ${polls * sessions} times`,
      },
    ]
  },
}
