// Proves that usage is the counters now less the counters at the baseline, entry by entry.
import { describe, expect, it, test } from 'vitest'
import {
  clearDataBaseline,
  getDataUsageSinceBaseline,
  isAtBaseline,
  isContinued,
  openingBaseline,
  setDataBaseline,
} from '../../../agent/portal/baseline.ts'
import { aClient, aMac, anIp } from '../../support/builders.ts'

const other = (parts = {}) => aClient({ token: 't2', ip: anIp(2), ...parts })
const at100 = setDataBaseline([aClient({ downloaded: 100, uploaded: 10 })])

describe('getDataUsageSinceBaseline', () => {
  test.each([
    { when: 'nothing passed', clients: [aClient({ downloaded: 100, uploaded: 10 })], usage: [0, 0, false] },
    { when: 'both counters grew', clients: [aClient({ downloaded: 150, uploaded: 17 })], usage: [50, 7, false] },
    { when: 'the counters began again', clients: [aClient({ downloaded: 30, uploaded: 3 })], usage: [30, 3, true] },
    {
      when: 'only the upload counter began again',
      clients: [aClient({ downloaded: 150, uploaded: 3 })],
      usage: [50, 3, true],
    },
    {
      when: 'only the download counter began again',
      clients: [aClient({ downloaded: 30, uploaded: 17 })],
      usage: [30, 7, true],
    },
    {
      when: 'the token is new, whatever the IP',
      clients: [aClient({ token: 'new', downloaded: 150, uploaded: 10 })],
      usage: [0, 0, false],
    },
    { when: 'the entry is unknown', clients: [other({ downloaded: 999 })], usage: [0, 0, false] },
    {
      when: 'another device uses the address now',
      clients: [aClient({ downloaded: 150, heldBy: { mac: aMac(2), open: true } })],
      usage: [0, 0, false],
    },
    {
      when: 'another device has the address, and its gate is shut',
      clients: [aClient({ downloaded: 150, uploaded: 10, heldBy: { mac: aMac(2), open: false } })],
      usage: [50, 0, false],
    },
    {
      when: 'the entry is shut',
      clients: [aClient({ open: false, downloaded: 150, uploaded: 10 })],
      usage: [0, 0, false],
    },
    { when: 'there is no entry', clients: [], usage: [0, 0, false] },
  ])('is $usage when $when', ({ clients, usage: [downloaded, uploaded, restarted] }) => {
    expect(getDataUsageSinceBaseline(at100, clients)).toEqual({ downloaded, uploaded, restarted })
  })

  test.each([
    { token: 'a known', client: aClient({ downloaded: 150, uploaded: 10 }), wasOpen: true, downloaded: 50 },
    { token: 'a new', client: aClient({ token: 'new', downloaded: 40 }), wasOpen: true, downloaded: 40 },
    { token: 'a new', client: aClient({ token: 'new', downloaded: 40 }), wasOpen: false, downloaded: 0 },
    {
      token: 'a new one with the counters of an older entry and',
      client: aClient({ token: 'new', downloaded: 40, borrowed: true }),
      wasOpen: true,
      downloaded: 0,
    },
  ])('of $token token is $downloaded where the gate was open before: $wasOpen', ({ client, wasOpen, downloaded }) => {
    expect(getDataUsageSinceBaseline(at100, [client], wasOpen)).toMatchObject({ downloaded })
  })

  it('of a new token is nothing where an earlier answer has shown that entry: what it counts may be charged, or another one’s', () => {
    const found = aClient({ token: 'new', downloaded: 40 })

    expect(getDataUsageSinceBaseline(at100, [found], true, new Set(['new']))).toMatchObject({ downloaded: 0 })
  })

  it('goes by the token, not by the IP', () => {
    const baseline = setDataBaseline([aClient({ downloaded: 100 }), other({ downloaded: 900 })])

    expect(getDataUsageSinceBaseline(baseline, [other({ ip: anIp(), downloaded: 950 })])).toMatchObject({
      downloaded: 50,
    })
  })

  it('goes on in its own counters, which show nothing at first, once the older entry at its IP is gone that had them', () => {
    const readings = [0, 0, 700, 750].map((downloaded) => aClient({ downloaded }))
    let baseline = setDataBaseline([aClient({ downloaded: 700, borrowed: true })])
    const found = readings.map((reading) => {
      const usage = getDataUsageSinceBaseline(baseline, [reading])
      baseline = setDataBaseline([reading], baseline)
      return usage
    })

    expect(found.map(({ downloaded }) => downloaded)).toEqual([0, 0, 0, 50])
    expect(found.some(({ restarted }) => restarted)).toBe(false)
  })

  it('is nothing when its counters are found to stand at an older entry, and counts from there', () => {
    const found = aClient({ downloaded: 5000, borrowed: true })
    const baseline = setDataBaseline([found], setDataBaseline([aClient()]))

    expect(getDataUsageSinceBaseline(setDataBaseline([aClient()]), [found])).toMatchObject({ downloaded: 0 })
    expect(getDataUsageSinceBaseline(baseline, [{ ...found, downloaded: 5500 }])).toMatchObject({ downloaded: 500 })
  })

  it('is all that its own counters show, once the older entry is gone that hid them', () => {
    const baseline = openingBaseline([aClient({ open: false, downloaded: 700, borrowed: true })])

    expect(getDataUsageSinceBaseline(baseline, [aClient({ downloaded: 30 })])).toMatchObject({ downloaded: 30 })
  })

  it('is nothing without a baseline', () => {
    const usage = getDataUsageSinceBaseline(clearDataBaseline(), [aClient({ downloaded: 5 })])

    expect(usage).toEqual({ downloaded: 0, uploaded: 0, restarted: false })
  })
})

describe('what another device has left in the counters of a shut gate', () => {
  const shut = aClient({ open: false, downloaded: 700, uploaded: 70 })
  const before = openingBaseline([shut])

  test.each([
    { passed: 'less than was left', downloaded: 700, uploaded: 70, usage: [0, 0, false] },
    { passed: 'more in one direction', downloaded: 701, uploaded: 70, usage: [701, 0, false] },
    { passed: 'more', downloaded: 900, uploaded: 90, usage: [900, 90, false] },
    { passed: 'something at a portal that has started again', downloaded: 30, uploaded: 0, usage: [30, 0, true] },
  ])('hides what passes until more has passed: $passed is $usage', ({ downloaded, uploaded, usage }) => {
    const [down, up, restarted] = usage

    expect(getDataUsageSinceBaseline(before, [aClient({ downloaded, uploaded })])).toEqual({
      downloaded: down,
      uploaded: up,
      restarted,
    })
  })

  it('is charged once, however often it is read', () => {
    const readings = [700, 700, 800, 800, 950].map((downloaded) => aClient({ downloaded, uploaded: 70 }))
    let baseline = before
    let charged = 0
    for (const reading of readings) {
      charged += getDataUsageSinceBaseline(baseline, [reading]).downloaded
      baseline = setDataBaseline([reading], baseline)
    }

    expect(charged).toBe(950)
  })

  it('is no other point to measure from while it stays', () => {
    const [entry] = before

    expect(entry && [isAtBaseline(entry, shut), isAtBaseline(entry, { ...shut, downloaded: 800 })]).toEqual([
      true,
      false,
    ])
  })

  it('of an open gate hides nothing', () => {
    expect(openingBaseline([aClient({ downloaded: 5 })])).toEqual(setDataBaseline([aClient({ downloaded: 5 })]))
  })
})

test.each([
  { when: 'the token is there and open', clients: [aClient()], continued: true },
  { when: 'the token is there and shut', clients: [aClient({ open: false })], continued: false },
  { when: 'only the IP is the same', clients: [aClient({ token: 'new' })], continued: false },
  { when: 'one of two entries goes on', clients: [other(), aClient()], continued: true },
  { when: 'nobody is there', clients: [], continued: false },
])('a gate is continued: $continued when $when', ({ clients, continued }) => {
  expect(isContinued(at100, clients)).toBe(continued)
})

it('sets the baseline to the counters of every entry', () => {
  expect(setDataBaseline([aClient({ downloaded: 5 }), other({ uploaded: 6 })])).toEqual([
    { token: 't1', ip: anIp(), downloaded: 5, uploaded: 0 },
    { token: 't2', ip: anIp(2), downloaded: 0, uploaded: 6 },
  ])
})
