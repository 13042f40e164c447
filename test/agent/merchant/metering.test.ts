// Proves that a look charges exactly what the portal counted and the time the gate was seen open, and nothing else.
import { describe, expect, it, test } from 'vitest'
import { meteringOf } from '../../../agent/merchant/books.ts'
import { lacksBaseline, meter, meterSession, opening, slippedBy, unseen } from '../../../agent/merchant/metering.ts'
import { aBooks, aClient, aLot, aMac, aNow, anIp, anOpenSession, aSession } from '../../support/builders.ts'

const from = (parts = {}) => ({ token: 't1', ip: anIp(), downloaded: 100, uploaded: 10, ...parts })
const lots = [aLot({ allotment: 1_000_000 })]
const momentAt = (milliseconds: number, bootId = 'boot-1') => aNow({ at: milliseconds, bootId })

describe('bytes', () => {
  test.each([
    { when: 'the counters grew', uptime: 0, clients: [aClient({ downloaded: 300, uploaded: 15 })], used: 205 },
    { when: 'the counters stand still', uptime: 0, clients: [aClient({ downloaded: 100, uploaded: 10 })], used: 0 },
    {
      when: 'the portal restarted its counters',
      uptime: 0,
      clients: [aClient({ downloaded: 40, uploaded: 4 })],
      used: 44,
    },
    { when: 'only one counter went down', uptime: 0, clients: [aClient({ downloaded: 300, uploaded: 4 })], used: 304 },
    {
      when: 'a new IP appeared, which counts from here on',
      uptime: 0,
      clients: [aClient({ downloaded: 300, uploaded: 10 }), aClient({ token: 't2', ip: anIp(2), downloaded: 999 })],
      used: 200,
    },
    {
      when: 'the token changed and the IP did not',
      uptime: 0,
      clients: [aClient({ token: 't9', downloaded: 300, uploaded: 10 })],
      used: 200,
    },
    {
      when: 'token and IP are new',
      uptime: 0,
      clients: [aClient({ token: 't9', ip: anIp(9), downloaded: 300, uploaded: 10 })],
      used: 0,
    },
    {
      when: 'the gate is shut',
      uptime: 0,
      clients: [aClient({ open: false, downloaded: 300, uploaded: 10 })],
      used: 0,
    },
    { when: 'the device left the list', uptime: 0, clients: [], used: 0 },
    { when: 'it is another device', uptime: 0, clients: [aClient({ mac: aMac(2), downloaded: 900 })], used: 0 },
  ])('are $used when $when', ({ clients, used }) => {
    const metering = meterSession(anOpenSession({ lots, baseline: [from()] }), { at: momentAt(1000), clients })

    expect(metering.used).toEqual([used])
    expect(metering.downloaded + metering.uploaded).toBe(used)
  })

  it('of both entries of a device count', () => {
    const baseline = [from(), from({ token: 't2', ip: anIp(2), downloaded: 1000, uploaded: 0 })]
    const clients = [
      aClient({ downloaded: 150, uploaded: 10 }),
      aClient({ token: 't2', ip: anIp(2), downloaded: 1007 }),
    ]

    expect(meterSession(anOpenSession({ lots, baseline }), { at: momentAt(1000), clients }).used).toEqual([57])
  })

  it('are measured from where the last look left off', () => {
    const clients = [aClient({ downloaded: 300, uploaded: 15 })]

    expect(meterSession(anOpenSession({ lots, baseline: [from()] }), { at: momentAt(1000), clients }).baseline).toEqual(
      [from({ downloaded: 300, uploaded: 15 })],
    )
  })

  it('that passed before the gate was bought are not charged', () => {
    const clients = [aClient({ downloaded: 5_000_000 })]

    expect(meterSession(aSession({ lots }), { at: momentAt(1000), clients })).toMatchObject({
      used: [0],
      downloaded: 0,
    })
  })

  it('beyond the last lot are overshoot', () => {
    const session = anOpenSession({ lots: [aLot({ allotment: 150 })], overshootBytes: 5 })

    expect(
      meterSession(session, { at: momentAt(1000), uptime: 0, clients: [aClient({ downloaded: 170 })] }),
    ).toMatchObject({
      used: [150],
      overshootBytes: 25,
    })
  })
})

describe('time', () => {
  const hour = [aLot({ metric: 'milliseconds', allotment: 3_600_000 })]
  test.each([
    { when: 'the gate stayed open', at: momentAt(1500), uptime: 0, clients: [aClient()], used: 1500 },
    {
      when: 'the router was booted in between',
      at: momentAt(900_000, 'boot-2'),
      uptime: 0,
      clients: [aClient()],
      used: 0,
    },
    { when: 'the gate is shut now', at: momentAt(1500), uptime: 0, clients: [aClient({ open: false })], used: 0 },
    { when: 'the entry is a new one', at: momentAt(1500), uptime: 0, clients: [aClient({ token: 't9' })], used: 0 },
    { when: 'no time has passed', at: momentAt(0), uptime: 0, clients: [aClient()], used: 0 },
    { when: 'the wall clock jumped', at: aNow({ at: 1500, wall: 0 }), uptime: 0, clients: [aClient()], used: 1500 },
  ])('is $used ms when $when', ({ at, clients, used }) => {
    const metering = meterSession(anOpenSession({ lots: hour }), { at, clients })

    expect(metering).toMatchObject({ used: [used], openMilliseconds: used })
  })

  it('starts to count at the look that first shows the gate open', () => {
    const first = meterSession(aSession({ lots: hour }), { at: momentAt(5000), uptime: 0, clients: [aClient()] })

    expect(first).toMatchObject({ used: [0], seenOpen: { at: 5000 } })
  })

  it('is charged to nobody while the portal is down', () => {
    const books = aBooks({ sessions: [anOpenSession({ lots: hour }), aSession({ mac: aMac(2) })] })

    expect(unseen(books)).toMatchObject([{ mac: aMac(1), seenOpen: null, used: [0], bytesPerSecond: 0 }])
  })

  it('does not run while the session is paused and its gate shut', () => {
    const session = anOpenSession({ lots: hour, paused: true, seenOpen: null, baseline: [] })

    expect(meterSession(session, { at: momentAt(9000), uptime: 0, clients: [aClient({ open: false })] })).toMatchObject(
      {
        used: [0],
      },
    )
  })
})

describe('the rate', () => {
  const fast = anOpenSession({ lots, bytesPerSecond: 77 })
  test.each([
    {
      when: 'that of a long interval',
      session: fast,
      at: momentAt(10_000),
      uptime: 0,
      clients: [aClient({ downloaded: 25_000 })],
      rate: 2500,
    },
    {
      when: 'mostly what it was when two looks are close',
      session: anOpenSession({ lots, bytesPerSecond: 1000 }),
      at: momentAt(50),
      uptime: 0,
      clients: [aClient({ downloaded: 100 })],
      rate: 1095,
    },
    {
      when: 'less than half of what it was when nothing moved',
      session: anOpenSession({ lots, bytesPerSecond: 1000 }),
      at: momentAt(10),
      uptime: 0,
      clients: [aClient()],
      rate: 490,
    },
    {
      when: '0 when nothing moved for long',
      session: fast,
      at: momentAt(10_000),
      uptime: 0,
      clients: [aClient()],
      rate: 0,
    },
    { when: '0 while the gate is shut', session: fast, at: momentAt(2000), uptime: 0, clients: [], rate: 0 },
    {
      when: 'kept across a reboot',
      session: fast,
      at: momentAt(2000, 'boot-2'),
      uptime: 0,
      clients: [aClient()],
      rate: 77,
    },
  ])('is $when', ({ session, at, clients, rate }) => {
    expect(meterSession(session, { at, clients }).bytesPerSecond).toBe(rate)
  })
})

describe('the baseline', () => {
  it('is set for every entry before the gate opens', () => {
    const clients = [aClient({ open: false }), aClient({ token: 't2', ip: anIp(2), open: false, downloaded: 7 })]

    expect(opening(aSession(), clients)).toMatchObject({ baseline: [{ token: 't1' }, { token: 't2', downloaded: 7 }] })
  })

  it('that was set for a gate about to open survives a look at the shut gate', () => {
    const session = aSession({ baseline: [from()] })

    expect(
      meterSession(session, { at: momentAt(10), uptime: 0, clients: [aClient({ open: false })] }).baseline,
    ).toEqual([from()])
  })

  it('is forgotten when a gate that was open is shut', () => {
    expect(
      meterSession(anOpenSession(), { at: momentAt(10), uptime: 0, clients: [aClient({ open: false })] }).baseline,
    ).toEqual([])
  })

  test.each([
    { when: 'there is none', session: aSession(), lacks: true },
    { when: 'the entry is in it', session: anOpenSession(), lacks: false },
    { when: 'the entry has another token', session: aSession({ baseline: [from({ token: 't0' })] }), lacks: true },
  ])('lacks: $lacks when $when', ({ session, lacks }) => {
    expect(lacksBaseline(session, [aClient({ open: false })])).toBe(lacks)
  })
})

it('meters every session of the books by one look', () => {
  const books = aBooks({ sessions: [anOpenSession(), aSession({ mac: aMac(2), sessionId: 's2' })] })
  const clients = [aClient({ downloaded: 5 }), aClient({ mac: aMac(2), token: 't2', ip: anIp(2), downloaded: 900 })]

  expect(meter(books, { at: momentAt(10), clients })).toMatchObject([
    { mac: aMac(1), used: [5] },
    { mac: aMac(2), used: [0] },
  ])
})

describe('what slips by while a gate is shutting', () => {
  const spent = aLot({ allotment: 100, used: 100 })
  const minutes = aLot({ metric: 'milliseconds', allotment: 100, used: 100 })
  test.each([
    { when: 'bytes are used up', lots: [spent], overshootBytes: 7 + 2500 },
    { when: 'something is left', lots: [spent, aLot()], overshootBytes: 7 },
    { when: 'time is used up', lots: [spent, minutes], overshootBytes: 7 },
  ])('is $overshootBytes bytes, by the measured rate, when $when', ({ lots, overshootBytes }) => {
    const session = anOpenSession({ lots, bytesPerSecond: 50_000, overshootBytes: 7 })

    expect(slippedBy(session, 50)).toEqual({ ...meteringOf(session), overshootBytes })
  })
})
