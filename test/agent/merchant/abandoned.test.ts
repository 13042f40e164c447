// Proves that nothing is kept for ever for somebody who never comes, and that nobody who may come is given up.
import { describe, expect, it, test } from 'vitest'
import { abandonedSessions, lateIn, longestIdle } from '../../../agent/merchant/abandoned.ts'
import type { Session } from '../../../agent/merchant/session.ts'
import { aBooks, aLot, aMac, anOpenSession, aSession } from '../../support/builders.ts'

const day = 86_400_000
const month = 30 * day

function isAbandoned(session: Session, uptime: number, after = month): boolean {
  return abandonedSessions(aBooks({ sessions: [session], uptime }), after).length === 1
}

describe('a session', () => {
  test.each<{ that: string; session: Session; uptime: number; is: boolean }>([
    { that: 'waits for its device for 30 days', session: aSession(), uptime: month, is: true },
    { that: 'waits for its device for a little less', session: aSession(), uptime: month - 1, is: false },
    {
      that: 'was seen open in between',
      session: aSession({ idleSince: day }),
      uptime: month,
      is: false,
    },
    { that: 'is open', session: anOpenSession(), uptime: 2 * month, is: false },
    { that: 'is paused', session: aSession({ paused: true }), uptime: 2 * month, is: false },
    { that: 'is spent', session: aSession({ lots: [aLot({ used: 1000 })] }), uptime: 2 * month, is: false },
    { that: 'waits for a gate', session: aSession({ waitingFor: 'gate' }), uptime: 2 * month, is: false },
    { that: 'waits for the portal', session: aSession({ waitingFor: 'portal' }), uptime: 2 * month, is: false },
    { that: 'is of a trusted device', session: aSession({ waitingFor: 'trusted' }), uptime: 2 * month, is: false },
    { that: 'had to open by now', session: aSession({ startBy: 5000 }), uptime: 5000, is: true },
    { that: 'has a millisecond left to open', session: aSession({ startBy: 5000 }), uptime: 4999, is: false },
    {
      that: 'had to open by now, and did once',
      session: aSession({ startBy: 5000, startedAt: '2026-11-22T10:00:00.000Z' }),
      uptime: 5000,
      is: false,
    },
    {
      that: 'had to open by now, whatever it waits for',
      session: aSession({ startBy: 5000, waitingFor: 'gate' }),
      uptime: 5000,
      is: true,
    },
    { that: 'had to open by now and is open', session: anOpenSession({ startBy: 5000 }), uptime: 5000, is: false },
  ])('that $that is abandoned: $is', ({ session, uptime, is }) => {
    expect(isAbandoned(session, uptime)).toBe(is)
  })

  it('waits for ever where the owner says so', () => {
    expect(isAbandoned(aSession(), 100 * month, Number.POSITIVE_INFINITY)).toBe(false)
  })
})

describe('lateIn', () => {
  test.each([
    { when: 'nobody is bound to a time', sessions: [aSession()], late: Number.POSITIVE_INFINITY },
    {
      when: 'the first of two must have opened in 400 ms',
      sessions: [aSession({ startBy: 1900 }), aSession({ mac: aMac(2), startBy: 1400 })],
      late: 400,
    },
    { when: 'it is too late', sessions: [aSession({ startBy: 900 })], late: 0 },
    {
      when: 'it has opened',
      sessions: [aSession({ startBy: 1400, startedAt: '2026-11-22T10:00:00.000Z' })],
      late: Number.POSITIVE_INFINITY,
    },
  ])('is $late when $when', ({ sessions, late }) => {
    expect(lateIn(aBooks({ sessions, uptime: 1000 }))).toBe(late)
  })
})

describe('the session that makes room', () => {
  const idle = (device: number, idleSince: number, parts: Partial<Session> = {}) =>
    aSession({ mac: aMac(device), sessionId: `s${device}`, idleSince, ...parts })

  it('is the one that was not seen open for longest', () => {
    const books = aBooks({ sessions: [idle(1, 500), idle(2, 100), idle(3, 900)], uptime: 2 * day })

    expect(longestIdle(books)?.sessionId).toBe('s2')
  })

  test.each([
    { when: 'nobody was away for a day', session: idle(1, 1), uptime: day },
    { when: 'it is open', session: anOpenSession(), uptime: 9 * day },
    { when: 'it is being shut', session: idle(1, 0, { lots: [aLot({ used: 1000 })] }), uptime: 9 * day },
  ])('is none when $when', ({ session, uptime }) => {
    expect(longestIdle(aBooks({ sessions: [session], uptime }))).toBeUndefined()
  })
})
