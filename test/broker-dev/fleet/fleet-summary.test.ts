// Proves that the summary says what was sold, refused and used.
import { describe, expect, it, test } from 'vitest'
import type { BackendCounts } from '../../../broker-dev/backend/backend.ts'
import type { RouterAudit } from '../../../broker-dev/fleet/audit.ts'
import { summarise } from '../../../broker-dev/fleet/fleet-summary.ts'
import { RouterId } from '../../../protocol/index.ts'
import { r1 } from '../../support/messages.ts'

const counts: BackendCounts = {
  ...{ purchases: 5, accepted: 3, pending: 0 },
  rejected: { 'below-minimum': 1, 'unknown-price': 1 },
}
const audit: RouterAudit = {
  ...{ routerId: r1, started: 3, ended: 2, problems: [], openedAfter: [30, 10, 4000] },
  books: {
    bytes: { sold: 22_020_096, used: 22_000_000, remaining: 20_096, unused: 0, difference: 0 },
    milliseconds: { sold: 1500, used: 1000, remaining: 0, unused: 500, difference: 0 },
  },
}

describe('the summary', () => {
  it('says what was sold, refused and used', () => {
    const { text, ok } = summarise({ counts, audits: [audit], problems: [] })
    expect(ok).toBe(true)
    expect(text.split('\n')).toEqual([
      'purchases 5: 3 accepted, 2 refused (below-minimum 1, unknown-price 1), 0 without outcome',
      'sessions 3 started, 2 ended; from purchase to gate 30ms in the median, 4s at p99',
      '       sold            = used        + remaining      + unused',
      'fleet  22 MB and 1.5s  22 MB and 1s  20.1 kB and 0ms  0 B and 500ms',
      'r1     22 MB and 1.5s  22 MB and 1s  20.1 kB and 0ms  0 B and 500ms',
      'The books of every router add up.',
    ])
  })

  it('says the same to the unit for programs', () => {
    const r2 = { ...audit, routerId: RouterId.parse('r2'), openedAfter: [20] }
    const { json } = summarise({ counts, audits: [audit, r2], problems: [] })
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      ok: true,
      purchases: counts,
      fleet: {
        started: 6,
        books: { bytes: { sold: 44_040_192, used: 44_000_000, remaining: 40_192 } },
        opened: { count: 4, medianMilliseconds: 20, p99Milliseconds: 4000 },
      },
      routers: [{ routerId: 'r1' }, { routerId: 'r2', books: { bytes: { sold: 22_020_096 } } }],
      problems: [],
    })
  })

  test.each([
    {
      when: 'a purchase is still on its way',
      run: { counts: { ...counts, pending: 1 } },
      line: '1 purchases without outcome',
    },
    {
      when: 'the books of a router do not add up',
      run: { audits: [{ ...audit, problems: ['bytes gone'] }] },
      line: 'r1: bytes gone',
    },
    { when: 'something else went wrong', run: { problems: ['r1 vanished'] }, line: 'r1 vanished' },
  ])('is not ok when $when', ({ run, line }) => {
    const { text, ok } = summarise({ counts, audits: [audit], problems: [], ...run })
    expect(ok).toBe(false)
    expect(text).toContain(`PROBLEMS\n  ${line}`)
  })
})
