// Proves that a look charges exactly what the portal counted and the time the gate was seen open, and nothing else.
import { describe, expect, it, test } from 'vitest'
import { meteringOf } from '../../../agent/merchant/journal-record.ts'
import {
  type Look,
  lacksBaseline,
  meter,
  meterSession as meteringAfter,
  opening,
  shutByPortal,
  unanswered,
  unseen,
} from '../../../agent/merchant/metering.ts'
import { type Session, unmetered } from '../../../agent/merchant/session.ts'
import { emptyTable, type GuardTable } from '../../../agent/portal/guard-table.ts'
import type { PortalClient } from '../../../agent/portal/portal-client.ts'
import { aBooks, aClient, aLot, aMac, aNow, anIp, anOpenSession, aSession, flat } from '../../support/builders.ts'

const from = (parts = {}) => ({ token: 't1', ip: anIp(), downloaded: 100, uploaded: 10, ...parts })
const lots = [aLot({ allotment: 1_000_000 })]
const momentAt = (milliseconds: number, bootId = 'boot-1') => aNow({ at: milliseconds, bootId })
const look = (clients: PortalClient[], at = momentAt(1000)): Look => ({ at, uptime: 0, clients })
const meterSession = (session: Session, at: Look) => flat(meteringAfter(session, at))

describe('bytes', () => {
  test.each([
    { when: 'the counters grew', clients: [aClient({ downloaded: 300, uploaded: 15 })], used: 205 },
    { when: 'the counters stand still', clients: [aClient({ downloaded: 100, uploaded: 10 })], used: 0 },
    {
      when: 'the portal restarted its counters',
      clients: [aClient({ downloaded: 40, uploaded: 4 })],
      used: 44,
    },
    { when: 'only one counter went down', clients: [aClient({ downloaded: 300, uploaded: 4 })], used: 204 },
    {
      when: 'a new IP appeared, whose entry counts from 0',
      clients: [aClient({ downloaded: 300, uploaded: 10 }), aClient({ token: 't2', ip: anIp(2), downloaded: 999 })],
      used: 1199,
    },
    {
      when: 'the token changed, so the gate was shut and opened in between',
      clients: [aClient({ token: 't9', downloaded: 300, uploaded: 10 })],
      used: 310,
    },
    {
      when: 'token and IP are new',
      clients: [aClient({ token: 't9', ip: anIp(9), downloaded: 300, uploaded: 10 })],
      used: 310,
    },
    {
      when: 'the gate is shut',
      clients: [aClient({ open: false, downloaded: 300, uploaded: 10 })],
      used: 0,
    },
    { when: 'the device left the list', clients: [], used: 0 },
    {
      when: 'another device uses its address',
      clients: [aClient({ downloaded: 300, uploaded: 10, heldBy: { mac: aMac(2), open: true } })],
      used: 0,
    },
    { when: 'it is another device', clients: [aClient({ mac: aMac(2), downloaded: 900 })], used: 0 },
  ])('are $used when $when', ({ clients, used }) => {
    const metering = meterSession(anOpenSession({ lots, baseline: [from()] }), look(clients))

    expect(metering.used).toEqual([used])
    expect(metering.downloaded + metering.uploaded).toBe(used)
  })

  it('of both entries of a device count', () => {
    const baseline = [from(), from({ token: 't2', ip: anIp(2), downloaded: 1000, uploaded: 0 })]
    const clients = [
      aClient({ downloaded: 150, uploaded: 10 }),
      aClient({ token: 't2', ip: anIp(2), downloaded: 1007 }),
    ]

    expect(meterSession(anOpenSession({ lots, baseline }), look(clients)).used).toEqual([57])
  })

  it('are measured from where the last look left off', () => {
    const clients = [aClient({ downloaded: 300, uploaded: 15 })]

    expect(meterSession(anOpenSession({ lots, baseline: [from()] }), look(clients)).baseline).toEqual([
      from({ downloaded: 300, uploaded: 15 }),
    ])
  })

  it('that passed before the gate was bought are not charged', () => {
    const clients = [aClient({ downloaded: 5_000_000 })]

    expect(meterSession(aSession({ lots }), look(clients))).toMatchObject({
      used: [0],
      downloaded: 0,
    })
  })

  it('beyond the last lot are overshoot', () => {
    const session = anOpenSession({ lots: [aLot({ allotment: 150 })], overshootBytes: 5 })

    expect(meterSession(session, look([aClient({ downloaded: 170 })], momentAt(1000)))).toMatchObject({
      used: [150],
      overshootBytes: 25,
    })
  })
})

describe('time', () => {
  const hour = [aLot({ metric: 'milliseconds', allotment: 3_600_000 })]
  test.each([
    { when: 'the gate stayed open', at: momentAt(1500), clients: [aClient()], used: 1500 },
    {
      when: 'the router was booted in between',
      at: momentAt(900_000, 'boot-2'),
      clients: [aClient()],
      used: 0,
    },
    { when: 'the gate is shut now', at: momentAt(1500), clients: [aClient({ open: false })], used: 0 },
    { when: 'the entry is a new one', at: momentAt(1500), clients: [aClient({ token: 't9' })], used: 0 },
    { when: 'no time has passed', at: momentAt(0), clients: [aClient()], used: 0 },
    { when: 'the wall clock jumped', at: aNow({ at: 1500, wall: 0 }), clients: [aClient()], used: 1500 },
  ])('is $used ms when $when', ({ at, clients, used }) => {
    const metering = meterSession(anOpenSession({ lots: hour }), look(clients, at))

    expect(metering).toMatchObject({ used: [used], openMilliseconds: used })
  })

  it('is not charged for a gate that the portal calls open and that lets nothing through', () => {
    const blocked = { ...look([aClient()], momentAt(1500)), blocked: new Set(['t1']) }

    expect(meterSession(anOpenSession({ lots: hour }), blocked)).toMatchObject({ used: [0], openMilliseconds: 0 })
  })

  it('is that between the two questions, however long the answers took', () => {
    const first = meterSession(aSession({ lots: hour }), look([aClient({ askedAt: 4000 })], momentAt(7000)))
    const session = anOpenSession({ lots: hour, seenOpen: first.seenOpen, baseline: first.baseline })
    const second = meterSession(session, look([aClient({ askedAt: 9000 })], momentAt(9100)))

    expect(first.seenOpen).toMatchObject({ at: 4000 })
    expect(second).toMatchObject({ used: [5000], readAt: { at: 9000 } })
  })

  it('starts to count at the look that first shows the gate open', () => {
    const first = meterSession(aSession({ lots: hour }), look([aClient()], momentAt(5000)))

    expect(first).toMatchObject({ used: [0], seenOpen: { at: 5000 } })
  })

  it('is charged to nobody while the portal is down', () => {
    const books = aBooks({ sessions: [anOpenSession({ lots: hour }), aSession({ mac: aMac(2) })] })

    expect(unseen(books).map(flat)).toMatchObject([{ mac: aMac(1), seenOpen: null, used: [0], bytesPerSecond: 0 }])
  })

  it('does not run while the session is paused and its gate shut', () => {
    const session = anOpenSession({ lots: hour, paused: true, seenOpen: null, baseline: [] })

    expect(meterSession(session, look([aClient({ open: false })], momentAt(9000)))).toMatchObject({
      used: [0],
    })
  })
})

describe('the rate', () => {
  const fast = anOpenSession({ lots, bytesPerSecond: 77 })
  test.each([
    {
      when: 'that of a long interval',
      session: fast,
      at: momentAt(10_000),
      clients: [aClient({ downloaded: 25_000 })],
      rate: 2500,
    },
    {
      when: 'mostly what it was when two looks are close',
      session: anOpenSession({ lots, bytesPerSecond: 1000 }),
      at: momentAt(50),
      clients: [aClient({ downloaded: 100 })],
      rate: 1095,
    },
    {
      when: 'less than half of what it was when nothing moved',
      session: anOpenSession({ lots, bytesPerSecond: 1000 }),
      at: momentAt(10),
      clients: [aClient()],
      rate: 490,
    },
    {
      when: '0 when nothing moved for long',
      session: fast,
      at: momentAt(10_000),
      clients: [aClient()],
      rate: 0,
    },
    { when: '0 while the gate is shut', session: fast, at: momentAt(2000), clients: [], rate: 0 },
    {
      when: 'kept across a reboot',
      session: fast,
      at: momentAt(2000, 'boot-2'),
      clients: [aClient()],
      rate: 77,
    },
  ])('is $when', ({ session, at, clients, rate }) => {
    expect(meterSession(session, look(clients, at)).bytesPerSecond).toBe(rate)
  })
})

describe('the baseline', () => {
  it('is set for every entry before the gate opens', () => {
    const clients = [aClient({ open: false }), aClient({ token: 't2', ip: anIp(2), open: false, downloaded: 7 })]

    expect(flat(opening(aSession(), clients))).toMatchObject({
      baseline: [{ token: 't1' }, { token: 't2', downloaded: 0, hiddenBelow: { downloaded: 7 } }],
    })
  })

  it('of an address that another device uses now are the counters, which that one moves', () => {
    const client = aClient({ open: false, downloaded: 7 })
    const user = aClient({ mac: aMac(2), token: 't2' })

    expect(opening(aSession(), [client], [client, user]).meter.baseline).toEqual([
      { token: 't1', ip: anIp(), downloaded: 7, uploaded: 0 },
    ])
  })

  it('that was set for a gate about to open survives a look at the shut gate', () => {
    const session = aSession({ baseline: [from()] })

    expect(meterSession(session, look([aClient({ open: false })], momentAt(10))).baseline).toEqual([from()])
  })

  it('of a gate that somebody else has opened are its counters now', () => {
    const session = aSession({ lots, baseline: [from()] })
    const opened = { ...look([aClient({ downloaded: 5000, uploaded: 10 })]), openedByOthers: new Set([aMac()]) }

    expect(meterSession(session, opened)).toMatchObject({ used: [0], baseline: [from({ downloaded: 5000 })] })
  })

  it('of a gate that this agent has opened are the counters before', () => {
    const session = aSession({ lots, baseline: [from()] })

    expect(meterSession(session, look([aClient({ downloaded: 5000, uploaded: 10 })]))).toMatchObject({ used: [4900] })
  })

  it('is forgotten when a gate that was open is shut', () => {
    expect(meterSession(anOpenSession(), look([aClient({ open: false })], momentAt(10))).baseline).toEqual([])
  })

  test.each([
    { when: 'there is none', session: aSession(), lacks: true },
    { when: 'the entry is in it', session: anOpenSession(), lacks: false },
    { when: 'the entry has another token', session: aSession({ baseline: [from({ token: 't0' })] }), lacks: true },
    { when: 'its counters have moved while it was shut', session: aSession({ baseline: [from()] }), lacks: true },
  ])('lacks: $lacks when $when', ({ session, lacks }) => {
    expect(lacksBaseline(session, [aClient({ open: false })])).toBe(lacks)
  })
})

it('meters every session of the books by one look', () => {
  const books = aBooks({ sessions: [anOpenSession(), aSession({ mac: aMac(2), sessionId: 's2' })] })
  const clients = [aClient({ downloaded: 5 }), aClient({ mac: aMac(2), token: 't2', ip: anIp(2), downloaded: 900 })]

  expect(meter(books, look(clients, momentAt(10)))).toMatchObject([
    { mac: aMac(1), used: [5] },
    { mac: aMac(2), used: [0] },
  ])
})

describe('what nobody can read', () => {
  test.each([
    { by: 'the measured rate', session: anOpenSession({ bytesPerSecond: 50_000, unreadBytes: 7 }), unreadBytes: 2507 },
    { by: 'a rate of 0', session: anOpenSession({ unreadBytes: 7 }), unreadBytes: 7 },
  ])('is $unreadBytes bytes by $by, and nothing of it is charged', ({ session, unreadBytes }) => {
    expect(shutByPortal(session, 50)).toEqual(meteringOf(session, { unreadBytes, cut: 'portal' }))
  })
})

describe('a portal that was silent', () => {
  it('has no baseline any more: nothing is charged from its last answer to its next', () => {
    const books = aBooks({ sessions: [anOpenSession({ lots, baseline: [from()] }), aSession({ mac: aMac(2) })] })
    const [silent] = unanswered(books).map(flat)
    const session = anOpenSession({ lots, baseline: silent?.baseline ?? [from()], seenOpen: silent?.seenOpen ?? null })

    expect(unanswered(books).map(flat)).toMatchObject([
      { mac: aMac(1), seenOpen: null, baseline: [], bytesPerSecond: 0 },
    ])
    expect(meterSession(session, look([aClient({ downloaded: 900_000 })], momentAt(60_000)))).toMatchObject({
      used: [0],
      openMilliseconds: 0,
    })
  })
})

describe('why a session waits', () => {
  test.each([
    { for: 'device', clients: [], trusted: [] },
    { for: 'gate', clients: [aClient({ open: false })], trusted: [] },
    { for: 'trusted', clients: [], trusted: [aMac()] },
    { for: 'device', clients: [aClient({ open: false, heldBy: { mac: aMac(2), open: false } })], trusted: [] },
    { for: undefined, clients: [aClient()], trusted: [] },
  ])('is $for', ({ for: waitingFor, clients, trusted }) => {
    expect(meterSession(aSession(), { ...look(clients), trusted }).waitingFor).toBe(waitingFor)
  })
})

describe('bytes that the kernel counted', () => {
  const counted: GuardTable = {
    ...emptyTable,
    quotas: new Map([['s1', { downloaded: 5000, uploaded: 0, limit: 1e6 }]]),
    byIp: new Map([[anIp(), 's1']]),
  }
  const nothing = { downloaded: 0, uploaded: 0 }
  const meter = { ...unmetered, portal: nothing, guard: { at: nothing, total: nothing } }

  it('at an address that another device has are not charged', () => {
    const session = anOpenSession({ lots, meter })
    const neighbours = [{ ip: anIp(), mac: aMac(2) }]

    expect(meterSession(session, { ...look([]), guard: counted, neighbours }).used).toEqual([0])
    expect(meterSession(session, { ...look([]), guard: counted, neighbours: [] }).used).toEqual([5000])
  })

  it('also count beside an older entry at an address that another device has now', () => {
    const session = anOpenSession({ lots, meter })
    const older = aClient({ token: 't0', ip: anIp(9), open: false, heldBy: { mac: aMac(2), open: true } })

    expect(meterSession(session, { ...look([aClient(), older]), guard: counted }).used).toEqual([5000])
  })

  it('at a gate that an earlier life opened without a word on the disk are charged', () => {
    const session = aSession({ lots, meter })
    const shut = aClient({ open: false, downloaded: 0, uploaded: 0 })

    expect(meterSession(session, { ...look([shut]), guard: counted, isFirst: true }).used).toEqual([5000])
    expect(meterSession(session, { ...look([shut]), guard: counted }).used).toEqual([0])
  })

  it('for the session before, which it was not told to be over: what the portal counted of the next one then is not charged', () => {
    const session = anOpenSession({ lots, baseline: [from({ downloaded: 0, uploaded: 0 })] })
    const held: GuardTable = { ...emptyTable, byIp: new Map([[anIp(), 'earlier']]) }
    const at = (downloaded: number, moment: number) => look([aClient({ downloaded, uploaded: 0 })], momentAt(moment))
    const first = meteringAfter(session, { ...at(3000, 1000), knownGuard: held })
    // Until the kernel was told, moments before this reading, it went on dropping.
    const next = meteringAfter({ ...session, meter: first.meter }, { ...at(9000, 2000), guard: counted })

    expect([first.used, next.used]).toEqual([[0], [0]])
  })

  it('after a top-up stay in doubt until the kernel has been told of it', () => {
    const topped = { ...meter, recountsFrom: 5000 }
    const session = anOpenSession({ lots: [aLot({ allotment: 5000 }), aLot({ allotment: 4000 })], meter: topped })
    const at = (limit: number): Look => ({
      ...look([aClient()]),
      guard: { ...counted, quotas: new Map([['s1', { downloaded: 5000, uploaded: 0, limit }]]) },
    })

    expect(meteringAfter(session, at(5000)).meter.recountsFrom).toBe(5000)
    expect(meteringAfter(session, at(9000)).meter.recountsFrom).toBeUndefined()
  })
})
