// Proves that where several devices were seen at one IP each shows the counters of that IP, and one of them has it now.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { getDataUsageSinceBaseline } from '../../../agent/portal/baseline.ts'
import type { PortalClient } from '../../../agent/portal/portal-client.ts'
import {
  behindOlder,
  borrowedFrom,
  othersAt,
  withCountersOfAddress,
  withHolders,
} from '../../../agent/portal/shared-address.ts'
import { aClient, aMac, anIp } from '../../support/builders.ts'

/** The entry of that device at the one IP that all of them were seen at. */
const entry = (device: number, parts: Partial<PortalClient> = {}) =>
  aClient({ mac: aMac(device), token: `t${device}`, ...parts })

describe('the counters of an IP', () => {
  it('stand at its oldest entry, whosever that is and whether it is open', () => {
    const list = [entry(1, { open: false, downloaded: 700, uploaded: 3 }), entry(2), entry(3, { ip: anIp(3) })]

    expect(withCountersOfAddress(list)).toEqual([
      list[0],
      { ...list[1], downloaded: 700, uploaded: 3, borrowed: true },
      list[2],
    ])
  })

  it('are left alone where nobody shares one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e9), { maxLength: 20 }), (counters) => {
        const list = counters.map((downloaded, n) => entry(n + 1, { ip: anIp(n + 1), downloaded }))
        expect(withCountersOfAddress(list)).toEqual(list)
      }),
    )
  })

  test.each([
    { list: 'has an older entry there', known: [entry(1, { open: false, downloaded: 5 }), entry(2)], downloaded: 5 },
    {
      list: 'has one that others have moved since',
      known: [entry(1, { isOutdated: true, downloaded: 5 })],
      downloaded: 0,
    },
    { list: 'lacks it', known: [entry(1, { open: false, downloaded: 5 })], downloaded: 0 },
    { list: 'has its own entry first', known: [entry(2, { token: 't0', downloaded: 5 }), entry(1)], downloaded: 0 },
  ])('are those of an entry that was read alone where the list $list: $downloaded', ({ known, downloaded }) => {
    expect(behindOlder(entry(2), known)).toMatchObject({ mac: aMac(2), downloaded })
  })

  it('leave identity and state as they were', () => {
    const borrowed = borrowedFrom(entry(1, { open: false, downloaded: 5 }), entry(2))

    expect(borrowed).toMatchObject({ mac: aMac(2), token: 't2', open: true, downloaded: 5 })
  })
})

describe('who has an IP now', () => {
  const lan = (device: number) => [{ ip: anIp(), mac: aMac(device) }]
  test.each([
    { when: 'the LAN says so', known: [entry(1), entry(2)], neighbours: lan(1), holder: 1 },
    { when: 'the LAN names a device without an entry', known: [entry(1), entry(2)], neighbours: lan(7), holder: 7 },
    { when: 'its gate is open', known: [entry(1, { open: false }), entry(2)], neighbours: [], holder: 2 },
    { when: 'its gate is the only open one', known: [entry(1), entry(2, { open: false })], neighbours: [], holder: 1 },
    { when: 'both are open and it came later', known: [entry(1), entry(2)], neighbours: [], holder: 2 },
    {
      when: 'both are shut and it came later',
      known: [entry(1, { open: false }), entry(2, { open: false })],
      neighbours: [],
      holder: 2,
    },
  ])('is device $holder when $when', ({ known, neighbours, holder }) => {
    const displaced = withHolders(known, known, neighbours).filter(({ heldBy }) => heldBy)

    expect(displaced.map(({ mac }) => mac)).toEqual(known.map(({ mac }) => mac).filter((mac) => mac !== aMac(holder)))
    expect(displaced.every(({ heldBy }) => heldBy?.mac === aMac(holder))).toBe(true)
  })

  test.each([
    { when: 'two gates are open', known: [entry(1), entry(2)], neighbours: [], contested: true },
    {
      when: 'two gates are open and the LAN says whose it is',
      known: [entry(1), entry(2)],
      neighbours: lan(2),
      contested: false,
    },
    { when: 'one gate is open', known: [entry(1, { open: false }), entry(2)], neighbours: [], contested: false },
  ])('nobody can tell, and nobody is charged, when $when: $contested', ({ known, neighbours, contested }) => {
    const holder = withHolders(known, known, neighbours)[1]

    expect(holder?.isContested ?? false).toBe(contested)
    const { downloaded } = getDataUsageSinceBaseline(
      [{ token: 't2', ip: anIp(), downloaded: 0, uploaded: 0 }],
      [{ ...(holder as PortalClient), downloaded: 700 }],
    )
    expect(downloaded).toBe(contested ? 0 : 700)
  })

  test.each([
    { when: 'its gate was open before this answer', before: [entry(1), entry(2)], open: true },
    {
      when: 'an entry went that may have used the IP',
      before: [entry(1, { isOutdated: true }), entry(2, { open: false })],
      open: true,
    },
    { when: 'it has come there since', before: [entry(1)], open: true },
    { when: 'it was shut before', before: [entry(1), entry(2, { open: false })], open: false },
  ])('may have moved what is found at an older entry when $when: $open', ({ before, open }) => {
    const [older] = withHolders([entry(1)], [entry(1), entry(2, { open: false })], lan(2), before)

    expect(older?.heldBy).toEqual({ mac: aMac(2), open, isOnLan: true })
  })

  it('is told with whether its gate is open', () => {
    const known = [entry(1), entry(2, { open: false })]

    expect(withHolders([entry(2)], known)[0]?.heldBy).toEqual({ mac: aMac(1), open: true })
  })

  it('is forgotten as soon as it does not hold any more', () => {
    const before = withHolders([entry(1), entry(2)], [entry(1), entry(2)])

    expect(withHolders(before, [entry(1)])[0]).not.toHaveProperty('heldBy')
  })

  it('is nobody else than a device with two entries of its own', () => {
    const both = [entry(1), aClient({ token: 't9' })]

    expect(withHolders(both, both).some(({ heldBy }) => heldBy)).toBe(false)
    expect(othersAt(entry(1), both)).toEqual([])
  })
})
