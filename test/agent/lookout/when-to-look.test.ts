// Proves that the next look comes when something may happen: never later than configured, never in a storm.
import { describe, expect, it, test } from 'vitest'
import { firstEndIn, nextLookIn, type Sight } from '../../../agent/lookout/when-to-look.ts'
import { aBooks, aLot, aMac, aNow, anOpenSession, aSession } from '../../support/builders.ts'

const settings = { lookIntervalMilliseconds: 10_000, nearIntervalMilliseconds: 2000, linkMegabits: 100 }
const sight: Sight = { latencyMilliseconds: 0, shuts: new Map(), fastestBytesPerSecond: 0, absent: new Set() }
const gigabytes = (count: number) => aLot({ allotment: count * 1e9 })
const time = (allotment: number, used = 0) => aLot({ metric: 'milliseconds', allotment, used })
// Bytes that a link of 100 Mbit/s moves in one look interval.
const reach = 125_000_000

describe('nextLookIn', () => {
  test.each([
    { when: 'nobody is there', sessions: [], next: 10_000 },
    { when: 'there is plenty', sessions: [anOpenSession({ lots: [gigabytes(5)] })], next: 10_000 },
    {
      when: 'plenty is used slowly',
      sessions: [anOpenSession({ lots: [gigabytes(5)], bytesPerSecond: 1000 })],
      next: 10_000,
    },
    {
      when: 'the link could use it up by the next look',
      sessions: [anOpenSession({ lots: [aLot({ allotment: reach })] })],
      next: 2000,
    },
    {
      when: 'the link could not quite',
      sessions: [anOpenSession({ lots: [aLot({ allotment: reach + 1 })] })],
      next: 10_000,
    },
    {
      when: 'an end is predicted',
      sessions: [anOpenSession({ lots: [gigabytes(5)], bytesPerSecond: 1e9 })],
      next: 4000,
    },
    {
      when: 'an end is predicted soon',
      sessions: [anOpenSession({ lots: [aLot({ allotment: 3e5 })], bytesPerSecond: 1e6 })],
      next: 300,
    },
    {
      when: 'an end is predicted at once',
      sessions: [anOpenSession({ lots: [aLot({ allotment: 10 })], bytesPerSecond: 1e9 })],
      next: 10,
    },
    {
      when: 'lots of one metric add up',
      sessions: [anOpenSession({ lots: [gigabytes(1), gigabytes(4)], bytesPerSecond: 1e9 })],
      next: 4000,
    },
    {
      when: 'only bytes before time count',
      sessions: [anOpenSession({ lots: [aLot({ allotment: 3e6 }), time(1e9), gigabytes(9)], bytesPerSecond: 1e6 })],
      next: 2000,
    },
    { when: 'time ends', sessions: [anOpenSession({ lots: [time(3000)] })], next: 3000 },
    { when: 'time is partly used', sessions: [anOpenSession({ lots: [time(3000, 2900)] })], next: 100 },
    { when: 'time follows time', sessions: [anOpenSession({ lots: [time(3000), time(4000)] })], next: 7000 },
    { when: 'time ends beyond 24.8 days', sessions: [anOpenSession({ lots: [time(2 ** 40)] })], next: 10_000 },
    { when: 'a device waits', sessions: [aSession({ lots: [gigabytes(5)], readAt: aNow() })], next: 2000 },
    { when: 'a device has just paid', sessions: [aSession()], next: 0 },
    { when: 'a gate must shut', sessions: [anOpenSession({ lots: [aLot({ used: 1000 })] })], next: 2000 },
    { when: 'a paused gate is still open', sessions: [anOpenSession({ paused: true })], next: 2000 },
    { when: 'a paused gate is shut', sessions: [aSession({ paused: true, readAt: aNow() })], next: 10_000 },
    {
      when: 'one of two ends sooner',
      sessions: [anOpenSession({ lots: [time(9000)] }), anOpenSession({ mac: aMac(2), lots: [time(700)] })],
      next: 700,
    },
  ])('is $next when $when', ({ sessions, next }) => {
    expect(nextLookIn(aBooks({ sessions }), aNow(), settings, sight)).toBe(next)
  })

  test.each([
    { when: 'time goes on since the look', lots: [time(3000)], at: 1200, next: 1800 },
    { when: 'time is over by now', lots: [time(3000)], at: 9000, next: 0 },
    { when: 'the prediction has grown old', lots: [gigabytes(5)], at: 2000, next: 2000 },
  ])('is $next when $when', ({ lots, at, next }) => {
    const books = aBooks({ sessions: [anOpenSession({ lots, bytesPerSecond: 1e9 })] })

    expect(nextLookIn(books, aNow({ at }), settings, sight)).toBe(next)
  })

  test.each([
    { when: 'a look takes 100 ms', lots: [gigabytes(5)], rate: 0, latency: 100, next: 9900 },
    { when: 'it takes 100 ms and the end is near', lots: [aLot()], rate: 5000, latency: 100, next: 200 },
    { when: 'it takes 3 s', lots: [aLot({ used: 1000 })], rate: 0, latency: 3000, next: 2000 },
    { when: 'it takes 3 s and the end is near', lots: [aLot()], rate: 1e6, latency: 3000, next: 10 },
  ])('is $next when $when', ({ lots, rate, latency, next }) => {
    const books = aBooks({ sessions: [anOpenSession({ lots, bytesPerSecond: rate })] })

    expect(nextLookIn(books, aNow(), settings, { ...sight, latencyMilliseconds: latency })).toBe(next)
  })

  test.each([
    { at: 'openNDS', who: 'is not on the LAN', kind: 'opennds' as const, present: new Map(), next: 10_000 },
    { at: 'openNDS', who: 'may be anywhere', kind: 'opennds' as const, present: undefined, next: 10_000 },
    { at: 'openNDS', who: 'is on the LAN', kind: 'opennds' as const, present: new Map([[aMac(), []]]), next: 4000 },
    { at: 'nodogsplash', who: 'may be anywhere', kind: 'nodogsplash' as const, present: undefined, next: 4000 },
  ])('is $next for one that has waited for long and $who at $at', ({ kind, present, next }) => {
    const now = aNow({ at: 100_000 })
    const session = aSession({ readAt: aNow({ at: 94_000 }) })
    const seen = { ...sight, kind, ...(present && { present }) }

    expect(nextLookIn(aBooks({ sessions: [session] }), now, settings, seen)).toBe(next)
  })

  test.each([
    { fastest: 0, next: 10_000 },
    { fastest: 62_500_000, next: 2000 },
  ])('is $next where a device was seen to move $fastest bytes a second', ({ fastest, next }) => {
    const books = aBooks({ sessions: [anOpenSession({ lots: [aLot({ allotment: 5 * reach })] })] })

    expect(nextLookIn(books, aNow(), settings, { ...sight, fastestBytesPerSecond: fastest })).toBe(next)
  })

  it('does not come sooner for a device that has left', () => {
    const books = aBooks({ sessions: [anOpenSession()] })

    expect(nextLookIn(books, aNow(), settings, { ...sight, absent: new Set([aMac()]) })).toBe(10_000)
  })

  it('reckons with a slower link', () => {
    const books = aBooks({ sessions: [anOpenSession({ lots: [aLot({ allotment: reach })] })] })

    expect(nextLookIn(books, aNow(), { ...settings, linkMegabits: 10 }, sight)).toBe(10_000)
  })
})

describe('firstEndIn', () => {
  const inMidDownload = (fields = {}) =>
    aBooks({ sessions: [anOpenSession({ lots: [aLot({ allotment: 1000 })], bytesPerSecond: 1e6, ...fields })] })

  test.each([
    { who: 'is there', of: sight, is: 1 },
    {
      who: 'has left: it uses nothing, and nobody waits for it',
      of: { ...sight, absent: new Set([aMac()]) },
      is: Infinity,
    },
    { who: 'is guarded by the kernel', of: { ...sight, guarded: new Set([aMac()]) }, is: Infinity },
  ])('of a device that $who', ({ of, is }) => {
    expect(firstEndIn(inMidDownload(), aNow(), of)).toBe(is)
  })

  it('goes on where a device that has left has bought time', () => {
    const of = { ...sight, absent: new Set([aMac()]) }

    expect(firstEndIn(inMidDownload({ lots: [time(500)] }), aNow(), of)).toBe(500)
  })
})
