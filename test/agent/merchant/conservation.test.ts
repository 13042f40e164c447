// Proves that the books audit themselves: sold = used + remaining + unused per metric, and a difference stops sales.
import { describe, expect, it, test } from 'vitest'
import { countSessions, faultOfBooks, usageReport } from '../../../agent/merchant/reporting.ts'
import { conservationOf, viewOf } from '../../../agent/merchant/view.ts'
import { aBooks, aLot, aMac, aNow, anOpenSession, aSession } from '../../support/builders.ts'

const reachable = { portalUnreachable: false }

const mixed = [aLot({ allotment: 100, used: 30 }), aLot({ metric: 'milliseconds', allotment: 5000, used: 1 })]
const settled = { bytes: { used: 40n, unused: 10n }, milliseconds: { used: 0n, unused: 0n } }

describe('conservation', () => {
  it('adds up live sessions and ended ones', () => {
    const books = aBooks({ sessions: [aSession({ lots: mixed })], settled, sold: { bytes: 150n, milliseconds: 5000n } })

    expect(conservationOf(books)).toEqual({
      bytes: { sold: 150, used: 70, remaining: 70, unused: 10, difference: 0 },
      milliseconds: { sold: 5000, used: 1, remaining: 4999, unused: 0, difference: 0 },
    })
  })

  test.each([
    { when: 'they add up', books: aBooks({ sessions: [aSession({ lots: mixed })] }), fault: undefined },
    { when: 'bytes are missing', books: aBooks({ sold: { bytes: 7n, milliseconds: 0n } }), fault: /7 bytes and 0 ms/ },
    {
      when: 'time was given that nobody sold',
      books: aBooks({ sold: { bytes: 0n, milliseconds: -3n } }),
      fault: /0 bytes and -3 ms/,
    },
  ])('finds fault with the books only if they do not add up: $when', ({ books, fault }) => {
    expect(faultOfBooks(books)).toEqual(fault === undefined ? undefined : expect.stringMatching(fault))
  })
})

describe('a session as it is shown', () => {
  const now = aNow({ at: 5000 })
  test.each([
    { when: 'bytes run', session: anOpenSession({ bytesPerSecond: 500 }), exhausts: '2026-11-22T10:00:07.000Z' },
    {
      when: 'time runs',
      session: anOpenSession({ lots: [aLot({ metric: 'milliseconds', allotment: 9000 })] }),
      exhausts: '2026-11-22T10:00:14.000Z',
    },
    { when: 'bytes stand still', session: anOpenSession(), exhausts: undefined },
    { when: 'the gate is shut', session: aSession({ bytesPerSecond: 500 }), exhausts: undefined },
    {
      when: 'nothing is left',
      session: anOpenSession({ lots: [aLot({ used: 1000 })], bytesPerSecond: 500 }),
      exhausts: undefined,
    },
    {
      when: 'it ends in ten thousand years',
      session: anOpenSession({ lots: [aLot({ allotment: 2 ** 52 })], bytesPerSecond: 1 }),
      exhausts: '9999-12-31T00:00:00.000Z',
    },
  ])('is exhausted at $exhausts when $when', ({ session, exhausts }) => {
    expect(viewOf(session, now, reachable).exhaustsAt).toBe(exhausts)
  })

  test.each([
    {
      when: 'the portal answers',
      measured: true,
      session: anOpenSession(),
      shown: { quality: 'measured', ageMilliseconds: 5000 },
    },
    {
      when: 'the portal is silent',
      measured: false,
      session: anOpenSession(),
      shown: { quality: 'last-known', ageMilliseconds: 5000 },
    },
  ])('says how old its numbers are when $when', ({ measured, session, shown }) => {
    expect(viewOf(session, now, { portalUnreachable: !measured })).toMatchObject(shown)
  })

  it('has no age across a reboot', () => {
    expect(viewOf(anOpenSession(), aNow({ bootId: 'boot-2', at: 5 }), { portalUnreachable: true })).not.toHaveProperty(
      'ageMilliseconds',
    )
  })
})

describe('the usage report', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => aSession({ mac: aMac(n), sessionId: `s${n}` }))
  test.each([
    { sessions: 0, parts: [0] },
    { sessions: 1, parts: [1] },
    { sessions: 100, parts: [100] },
    { sessions: 101, parts: [100, 1] },
    { sessions: 250, parts: [100, 100, 50] },
  ])('of $sessions sessions comes in parts of $parts', ({ sessions, parts }) => {
    const report = usageReport(aBooks({ sessions: many(sessions), lastSeq: 9 }), aNow(), 64_000)

    expect(report.map((part) => part.sessions.length)).toEqual(parts)
    expect(report.map(({ part, parts: of, afterSeq }) => [part, of, afterSeq])).toEqual(
      parts.map((_, index) => [index + 1, parts.length, 9]),
    )
  })

  it('goes with a count per state', () => {
    const sessions = [
      aSession(),
      anOpenSession({ mac: aMac(2) }),
      anOpenSession({ mac: aMac(3), lots: [aLot({ used: 1000 })] }),
    ]

    expect(countSessions(aBooks({ sessions }))).toEqual({ open: 1, waiting: 1, paused: 0, closing: 1 })
  })
})
