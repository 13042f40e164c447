// Proves that the summary says what was sold, refused and used.
import { describe, expect, it, test } from 'vitest'
import type { BackendCounts } from '../../../broker-dev/backend/backend.ts'
import type { RouterAudit } from '../../../broker-dev/fleet/audit.ts'
import { summarise } from '../../../broker-dev/fleet/fleet-summary.ts'
import { r1 } from '../../support/messages.ts'

const counts: BackendCounts = {
  ...{ purchases: 5, accepted: 3, pending: 0 },
  rejected: { 'below-minimum': 1, 'unknown-price': 1 },
}
const none = { sold: 0, used: 0, remaining: 0, unused: 0, difference: 0 }
const audit: RouterAudit = {
  ...{ routerId: r1, started: 3, ended: 2, problems: [] },
  books: {
    bytes: { sold: 22_020_096, used: 22_000_000, remaining: 20_096, unused: 0, difference: 0 },
    milliseconds: none,
  },
}

describe('the summary', () => {
  it('says what was sold, refused and used', () => {
    const { text, ok } = summarise({ counts, audits: [audit], problems: [] })
    expect(ok).toBe(true)
    expect(text.split('\n')).toEqual([
      'purchases 5: 3 accepted, 2 refused (below-minimum 1, unknown-price 1), 0 without outcome',
      'sessions 3 started, 2 ended',
      'r1: 3 sessions started, 2 ended',
      '  bytes        sold 22,020,096 = used 22,000,000 + remaining 20,096 + unused 0',
      '  milliseconds sold 0 = used 0 + remaining 0 + unused 0',
      'The books of every router add up.',
    ])
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
