// How long the socket transport is without an answer while a crowd keeps the daemon's accept queue behind.
import { askAmongOthers } from '../test/support/processes/crowded-portal.ts'
import type { Figure } from './figure.ts'
import { median } from './statistics.ts'

const callers = 40
const seconds = 30

export const crowd: Figure = {
  name: 'crowd',
  about: 'milliseconds without an answer, among 40 callers at a nodogsplash that falls behind (#387), over the socket',
  async measure() {
    const gaps = await askAmongOthers({ callers, seconds })
    return [
      {
        what: `the longest in ${seconds} s`,
        unit: 'ms',
        ours: Math.max(...gaps),
        against: { name: 'a second', value: 1000 },
        goal: { atMost: 1 },
        note: `${gaps.length} answers, ${Math.round(median(gaps))} ms apart at the median`,
      },
    ]
  },
}
