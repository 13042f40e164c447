// Proves that lots are used first in, first out, each up to its allotment, and that what no lot covers is overshoot.
import { describe, expect, it, test } from 'vitest'
import { addAllotment, currentLot, isPaid, remainingOf, stateOf, useLots } from '../../../agent/merchant/session.ts'
import { aLot, aMac, anOpenSession, aSession } from '../../support/builders.ts'

const bytes = (allotment: number, used = 0) => aLot({ allotment, used })
const time = (allotment: number, used = 0) => aLot({ metric: 'milliseconds', allotment, used })

describe('useLots', () => {
  test.each([
    { when: 'one lot covers it', lots: [bytes(100)], use: { bytes: 40 }, used: [40], overshoot: 0 },
    { when: 'it fits exactly', lots: [bytes(100)], use: { bytes: 100 }, used: [100], overshoot: 0 },
    { when: 'a byte more', lots: [bytes(100)], use: { bytes: 101 }, used: [100], overshoot: 1 },
    {
      when: 'the first lot has a rest',
      lots: [bytes(100, 90), bytes(50)],
      use: { bytes: 15 },
      used: [100, 5],
      overshoot: 0,
    },
    {
      when: 'it takes three lots',
      lots: [bytes(10), bytes(10), bytes(10)],
      use: { bytes: 25 },
      used: [10, 10, 5],
      overshoot: 0,
    },
    { when: 'all lots are used up', lots: [bytes(10), bytes(10)], use: { bytes: 27 }, used: [10, 10], overshoot: 7 },
    { when: 'they were used up before', lots: [bytes(10, 10)], use: { bytes: 7 }, used: [10], overshoot: 7 },
    { when: 'nothing was used', lots: [bytes(10, 3)], use: {}, used: [3], overshoot: 0 },
    {
      when: 'time passed beside bytes',
      lots: [bytes(100)],
      use: { bytes: 1, milliseconds: 9000 },
      used: [1],
      overshoot: 0,
    },
    { when: 'time is in use', lots: [time(1000)], use: { bytes: 500, milliseconds: 400 }, used: [400], overshoot: 0 },
    { when: 'time is up', lots: [time(1000)], use: { bytes: 500, milliseconds: 1400 }, used: [1000], overshoot: 0 },
    {
      when: 'time follows time',
      lots: [time(1000, 900), time(1000)],
      use: { milliseconds: 400 },
      used: [1000, 300],
      overshoot: 0,
    },
    {
      when: 'bytes wait behind time',
      lots: [time(1000), bytes(100)],
      use: { bytes: 50, milliseconds: 400 },
      used: [400, 0],
      overshoot: 0,
    },
    {
      when: 'time runs out before bytes',
      lots: [time(1000), bytes(100)],
      use: { bytes: 50, milliseconds: 1400 },
      used: [1000, 0],
      overshoot: 0,
    },
    {
      when: 'bytes run out before time',
      lots: [bytes(100), time(1000)],
      use: { bytes: 150, milliseconds: 400 },
      used: [100, 0],
      overshoot: 0,
    },
    {
      when: 'time is reached later',
      lots: [bytes(100, 100), time(1000)],
      use: { bytes: 150, milliseconds: 400 },
      used: [100, 400],
      overshoot: 0,
    },
    {
      when: 'the same metric comes again behind another',
      lots: [bytes(100), time(10), bytes(100)],
      use: { bytes: 190, milliseconds: 900 },
      used: [100, 0, 0],
      overshoot: 0,
    },
  ])('when $when', ({ lots, use, used, overshoot }) => {
    const after = useLots(lots, { bytes: 0, milliseconds: 0, ...use })

    expect(after.lots.map((lot) => lot.used)).toEqual(used)
    expect(after.overshootBytes).toBe(overshoot)
  })

  it('leaves the lots it was given alone', () => {
    const lots = [Object.freeze(bytes(100))]

    expect(useLots(lots, { bytes: 10, milliseconds: 0 }).lots[0]).not.toBe(lots[0])
  })
})

describe('a session', () => {
  it('that is topped up keeps what was used and where it is measured from', () => {
    const session = anOpenSession({ lots: [bytes(100, 90)], downloaded: 90 })

    expect(addAllotment(session, 'other', aMac(), bytes(50), session, 0)).toEqual({
      ...session,
      lots: [bytes(100, 90), bytes(50)],
    })
  })

  it('adds up what remains per metric', () => {
    expect(remainingOf([bytes(100, 90), time(1000, 1), bytes(5)])).toEqual({ bytes: 15, milliseconds: 999 })
  })

  it('uses the first lot that is not used up', () => {
    expect(currentLot([bytes(10, 10), time(5), bytes(10)])).toEqual(time(5))
  })

  test.each([
    { state: 'waiting', paid: true, session: aSession() },
    { state: 'open', paid: true, session: anOpenSession() },
    { state: 'paused', paid: false, session: anOpenSession({ paused: true }) },
    { state: 'closing', paid: false, session: anOpenSession({ lots: [bytes(10, 10)] }) },
    { state: 'closing', paid: false, session: anOpenSession({ ending: 'ended-by-command' }) },
    { state: 'closing', paid: false, session: aSession({ paused: true, lots: [bytes(10, 10)] }) },
  ] as const)('is $state and paid: $paid', ({ state, paid, session }) => {
    expect(stateOf(session)).toBe(state)
    expect(isPaid(session)).toBe(paid)
  })
})
