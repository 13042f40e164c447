// Proves that what a look shows is told once, by the right event, and that nobody's story ends untold.
import { describe, expect, it, test } from 'vitest'
import type { UnpaidPolicy } from '../../../agent/lookout/gate-plan.ts'
import { settle } from '../../../agent/lookout/settle.ts'
import { nothingWatched, type Watch } from '../../../agent/lookout/watch.ts'
import type { PortalClient } from '../../../agent/portal/portal-client.ts'
import { aBooks, aClient, aList, aLot, aMac, aNow, anIp, anOpenSession, aSession } from '../../support/builders.ts'

const nothing = nothingWatched

function look(sessions: Parameters<typeof aBooks>[0], clients = [aClient()], parts: Partial<Case> = {}) {
  const { watch = nothing, unpaid = 'close', now = aNow({ at: 1000 }), trusted = [] } = parts
  return settle(aBooks(sessions), aList(clients, { trusted }), watch, unpaid, now)
}
interface Case {
  watch: Watch
  unpaid: UnpaidPolicy
  now: ReturnType<typeof aNow>
  trusted: ReturnType<typeof aMac>[]
}

const spent = [aLot({ allotment: 100, used: 100 })]
const shut = aClient({ open: false })

describe('session.started', () => {
  it('is told when the gate is seen open for the first time', () => {
    const session = aSession({ arrived: { bootId: 'boot-1', at: 400, wall: 0 } })

    expect(look({ sessions: [session] }).events).toMatchObject([
      {
        type: 'session.started',
        sessionId: 's1',
        mac: aMac(),
        openedAfterMilliseconds: 600,
        session: { state: 'open' },
      },
    ])
  })

  it('began with the look that saw the gate open, which was asked for before its answer came', () => {
    const list = aList([aClient()], { askedAt: 400 })
    const now = aNow({ at: 1000, wall: Date.UTC(2026, 10, 22, 10) })

    expect(settle(aBooks({ sessions: [aSession()] }), list, nothing, 'close', now).events).toMatchObject([
      { session: { startedAt: '2026-11-22T09:59:59.400Z' } },
    ])
  })

  it('takes the wall clock for a device that waited across a reboot', () => {
    const now = aNow({ bootId: 'boot-2', at: 5, wall: 90_000 })
    const session = aSession({ arrived: { bootId: 'boot-1', at: 400, wall: 60_000 } })

    expect(look({ sessions: [session] }, [aClient()], { now }).events).toMatchObject([
      { openedAfterMilliseconds: 30_000 },
    ])
  })

  it('is never negative, whatever the wall clock did', () => {
    const now = aNow({ bootId: 'boot-2', at: 5, wall: 0 })

    expect(look({ sessions: [aSession()] }, [aClient()], { now }).events).toMatchObject([
      { openedAfterMilliseconds: 0 },
    ])
  })

  test.each([
    { when: 'it was told before', sessions: [anOpenSession()], clients: [aClient()] },
    { when: 'the gate is still shut', sessions: [aSession()], clients: [shut] },
    { when: 'the device was not seen yet', sessions: [aSession()], clients: [] },
    {
      when: 'the gate is open though the session is to end',
      sessions: [aSession({ ending: 'ended-by-command' as const })],
      clients: [aClient()],
    },
  ])('is not told when $when', ({ sessions, clients }) => {
    expect(look({ sessions }, clients).events).toEqual([])
  })

  it('is told also when the first look finds everything used up', () => {
    const baseline = [{ token: 't1', ip: anIp(), downloaded: 0, uploaded: 0 }]
    const session = aSession({ baseline, lots: [aLot({ allotment: 500 })] })

    expect(look({ sessions: [session] }, [aClient({ downloaded: 1000 })]).events).toMatchObject([
      { type: 'session.started' },
    ])
  })
})

describe('session.ended', () => {
  it('is told when the gate of a spent session is seen shut', () => {
    const lots = [
      aLot({ allotment: 100, used: 100, reference: 'r' }),
      aLot({ purchaseId: 'p2', allotment: 50, used: 50 }),
    ]
    const session = anOpenSession({
      lots,
      downloaded: 120,
      uploaded: 33,
      openMilliseconds: 7,
      overshootBytes: 3,
      unreadBytes: 5,
    })

    expect(look({ sessions: [session] }, [shut]).events).toEqual([
      {
        type: 'session.ended',
        sessionId: 's1',
        mac: aMac(),
        startedAt: '2026-11-22T10:00:00.000Z',
        reason: 'allotment-used',
        terminateCause: { name: 'Session-Timeout', number: 5 },
        purchases: [
          { purchaseId: 'p1', reference: 'r', metric: 'bytes', allotment: 100, used: 100, unused: 0 },
          { purchaseId: 'p2', metric: 'bytes', allotment: 50, used: 50, unused: 0 },
        ],
        used: { bytes: 150 },
        downloaded: 120,
        uploaded: 33,
        openMilliseconds: 7,
        overshootBytes: 3,
        unreadBytes: 5,
      },
    ])
  })

  it('names what a command left unused', () => {
    const session = anOpenSession({ ending: 'ended-by-command', lots: [aLot({ allotment: 100, used: 30 })] })

    expect(look({ sessions: [session] }, [shut]).events).toMatchObject([
      {
        reason: 'ended-by-command',
        terminateCause: { name: 'Admin-Reset', number: 6 },
        purchases: [{ used: 30, unused: 70 }],
      },
    ])
  })

  test.each([
    { when: 'the device is not on the list any more', clients: [] },
    { when: 'the portal shows it shut', clients: [shut] },
    { when: 'all its entries are shut', clients: [shut, aClient({ token: 't2', ip: anIp(2), open: false })] },
  ])('is told when $when', ({ clients }) => {
    expect(look({ sessions: [anOpenSession({ lots: spent })] }, clients).events).toMatchObject([
      { type: 'session.ended' },
    ])
  })

  test.each([
    { when: 'the gate is still open', clients: [aClient()] },
    { when: 'one of its entries is still open', clients: [shut, aClient({ token: 't2', ip: anIp(2) })] },
  ])('is not told while $when', ({ clients }) => {
    expect(look({ sessions: [anOpenSession({ lots: spent })] }, clients).events).toEqual([])
  })

  it('is not told of a paused session that holds something', () => {
    expect(look({ sessions: [anOpenSession({ paused: true })] }, [shut]).events).toEqual([])
  })

  it('is told of a paused session that an operator ends', () => {
    const session = aSession({ paused: true, ending: 'ended-by-command' })

    expect(look({ sessions: [session] }, [shut]).events).toMatchObject([{ reason: 'ended-by-command' }])
  })
})

describe('gate.drift', () => {
  test.each([
    { when: 'the portal shut a paid gate', clients: [shut], repair: /opened again/ },
    { when: 'the device is gone from the list', clients: [], repair: /as soon as the portal sees/ },
  ])('is paid-but-blocked when $when', ({ clients, repair }) => {
    expect(look({ sessions: [anOpenSession()] }, clients).drifts).toEqual([
      {
        type: 'gate.drift',
        kind: 'paid-but-blocked',
        mac: aMac(),
        sessionId: 's1',
        repair: expect.stringMatching(repair),
      },
    ])
  })

  test.each([
    { when: 'it waits for its gate anyway', session: aSession(), watch: nothing },
    { when: 'the agent shut it itself', session: anOpenSession(), watch: { ...nothing, shut: new Set([aMac()]) } },
  ])('is not told of a blocked device when $when', ({ session, watch }) => {
    expect(look({ sessions: [session] }, [shut], { watch }).drifts).toEqual([])
  })

  test.each([
    { unpaid: 'close' as const, repair: 'the gate is being shut' },
    { unpaid: 'report' as const, repair: 'reported only, as configured' },
  ])('is open-but-unpaid once, policy $unpaid', ({ unpaid, repair }) => {
    const first = look({}, [aClient()], { unpaid })
    const second = look({}, [aClient()], { unpaid, watch: first.watch })

    expect(first.drifts).toEqual([{ type: 'gate.drift', kind: 'open-but-unpaid', mac: aMac(), repair }])
    expect(second.drifts).toEqual([])
  })

  it('is open-but-unpaid again when the device was shut in between', () => {
    const first = look({}, [aClient()])
    const second = look({}, [shut], { watch: first.watch })

    expect(look({}, [aClient()], { watch: second.watch }).drifts).toHaveLength(1)
  })

  it('is told once of a device with two open entries', () => {
    expect(look({}, [aClient(), aClient({ token: 't2', ip: anIp(2) })]).drifts).toHaveLength(1)
  })

  it('says nothing of a trusted device', () => {
    expect(look({}, [aClient()], { trusted: [aMac()] }).drifts).toEqual([])
  })

  const two = [
    anOpenSession(),
    anOpenSession({
      mac: aMac(2),
      sessionId: 's2',
      baseline: [{ token: 't2', ip: anIp(2), downloaded: 0, uploaded: 0 }],
    }),
  ]
  test.each([
    {
      when: 'a counter went down',
      sessions: [anOpenSession({ baseline: [{ token: 't1', ip: anIp(), downloaded: 9, uploaded: 0 }] })],
      clients: [aClient()],
    },
    { when: 'all open gates are gone at once', sessions: two, clients: [] },
  ])('is portal-restarted when $when', ({ sessions, clients }) => {
    expect(look({ sessions }, clients).drifts).toContainEqual(expect.objectContaining({ kind: 'portal-restarted' }))
  })

  test.each([
    { when: 'one of two is gone', sessions: two, clients: [aClient()] },
    { when: 'the only one is gone', sessions: [anOpenSession()], clients: [] },
    { when: 'this agent has shut them all', sessions: two, clients: [], shut: two },
    {
      when: 'the count fell that an older entry showed',
      sessions: [
        anOpenSession({ baseline: [{ token: 't1', ip: anIp(), downloaded: 9, uploaded: 0, borrowed: true }] }),
      ],
      clients: [aClient({ borrowed: true })],
    },
  ])('is not portal-restarted when $when', ({ sessions, clients, shut = [] }) => {
    const watch = { ...nothing, shut: new Set(shut.map(({ mac }) => mac)) }

    expect(look({ sessions }, clients, { watch }).drifts).not.toContainEqual(
      expect.objectContaining({ kind: 'portal-restarted' }),
    )
  })
})

describe('a gate that shut without an order', () => {
  const fast = (parts = {}) => anOpenSession({ bytesPerSecond: 1_000_000, ...parts })
  const at = { token: 't1', ip: anIp(), downloaded: 0, uploaded: 0 }

  test.each([
    { when: 'it is shut', clients: [shut] },
    { when: 'its entry is gone', clients: [] },
    { when: 'it was opened again by somebody else', clients: [aClient({ token: 't9' })] },
  ])('has half of what its rate makes of the time stated as unread when $when', ({ clients }) => {
    const { metered, watch } = look({ sessions: [fast()] }, clients)

    expect(metered).toMatchObject([{ meter: { unreadBytes: 500_000 } }])
    expect(watch.shuts.get(aMac())).toMatchObject({ count: 1, at: 1000, bytesPerSecond: 1_000_000 })
  })

  it('states it in the drift, too', () => {
    expect(look({ sessions: [fast()] }, [shut]).drifts).toMatchObject([
      { kind: 'paid-but-blocked', unreadBytes: 500_000 },
    ])
  })

  test.each([
    { when: 'this agent shut it', session: fast(), watch: { ...nothing, shut: new Set([aMac()]) }, clients: [shut] },
    { when: 'it is still open', session: fast(), watch: nothing, clients: [aClient()] },
    { when: 'it was not open before', session: aSession({ bytesPerSecond: 9 }), watch: nothing, clients: [shut] },
  ])('is none when $when', ({ session, watch, clients }) => {
    const settled = look({ sessions: [session] }, clients, { watch })

    expect([settled.metered[0]?.meter.unreadBytes, settled.watch.shuts.size]).toEqual([0, 0])
  })

  it('is not held against a device whose portal has lost everybody', () => {
    const two = [fast(), fast({ mac: aMac(2), sessionId: 's2', baseline: [{ ...at, token: 't2', ip: anIp(2) }] })]

    expect(look({ sessions: two }, []).watch.shuts.size).toBe(0)
  })
})

describe('gates that are shut along with another one', () => {
  const ten = aClient({ ip: '192.168.66.10' })
  const hundred = aClient({ mac: aMac(2), token: 't2', ip: '192.168.66.101' })
  const session = anOpenSession({
    mac: aMac(2),
    sessionId: 's2',
    lots: [aLot({ metric: 'milliseconds', allotment: 60_000 })],
    baseline: [{ token: 't2', ip: hundred.ip, downloaded: 0, uploaded: 0 }],
  })
  const of = (clients: PortalClient[], parts = {}) => aList(clients, { kind: 'opennds', version: '9.10.0', ...parts })

  test.each([
    { who: 'somebody without a session', sessions: [session] },
    {
      who: 'another payer',
      sessions: [anOpenSession({ baseline: [{ ...session.meter.baseline[0], token: 't1' } as never] }), session],
    },
  ])('are told and charged no time, whoever shut that of $who', ({ sessions }) => {
    const books = aBooks({ sessions })
    const after = of([hundred])
    const settled = settle(books, after, nothing, 'close', aNow({ at: 1000 }), { before: of([ten, hundred]), after })

    expect(settled.metered.find(({ mac }) => mac === aMac(2))).toMatchObject({ used: [0] })
    expect(settled.drifts).toContainEqual(expect.objectContaining({ kind: 'paid-but-blocked', mac: aMac(2) }))
    expect([...settled.watch.blocked]).toEqual(['t2'])
  })

  it.each([
    { boot: 'in this boot', bootId: aNow().bootId, blocked: ['t2'] },
    { boot: 'in another boot, with another portal', bootId: 'boot-0', blocked: [] },
  ])('are known at the first look of a life where a payer was open before $boot', ({ bootId, blocked }) => {
    const gone = { token: ten.token, ip: ten.ip, downloaded: 0, uploaded: 0 }
    const open = anOpenSession({ baseline: [gone], seenOpen: { bootId, at: 0 } })
    const list = of([hundred])
    const settled = settle(aBooks({ sessions: [open, session] }), list, nothing, 'close', aNow({ at: 1000 }))

    expect([...settled.watch.blocked]).toEqual(blocked)
  })

  it.each([
    { until: 'for as long as the portal calls them open', now: hundred, blocked: ['t2'] },
    { until: 'until they are shut', now: { ...hundred, open: false }, blocked: [] },
    { until: 'until they are renewed', now: { ...hundred, token: 't3' }, blocked: [] },
  ])('are to be renewed $until, and told of once', ({ now, blocked }) => {
    const books = aBooks({ sessions: [session] })
    const watch = { ...nothing, shutAlong: new Set(['t2']), blocked: new Set(['t2']) }
    const settled = settle(books, of([now]), watch, 'close', aNow({ at: 1000 }))
    const known = { before: of([now]), after: of([now]) }
    const again = settle(books, of([now]), settled.watch, 'close', aNow({ at: 2000 }), known)

    expect([...again.watch.blocked]).toEqual(blocked)
    expect([...settled.drifts, ...again.drifts].filter(({ repair }) => repair.includes('nothing comes'))).toEqual([])
  })

  it.each([
    {
      when: 'the gate that takes it along is seen shut',
      clients: [hundred],
      only: undefined,
      blocked: ['t2'],
      left: 0,
    },
    { when: 'that gate is still open', clients: [ten, hundred], only: undefined, blocked: [], left: 0 },
    {
      when: 'the answer tells nothing of that gate',
      clients: [hundred],
      only: new Set([aMac(2)]),
      blocked: [],
      left: 1,
    },
  ])('that an earlier life may have shut along is doubted until then: $when', ({ clients, only, blocked, left }) => {
    const watch = { ...nothing, perhapsAlong: [{ token: 't2', by: { mac: ten.mac, token: ten.token } }] }
    const list = of(clients, only && { only })
    const settled = settle(aBooks({ sessions: [session] }), list, watch, 'close', aNow({ at: 1000 }))

    expect([...settled.watch.blocked]).toEqual(blocked)
    expect(settled.watch.perhapsAlong).toHaveLength(left)
  })

  it.each([
    { who: 'that its customer opened before it was known', parts: {}, blocked: ['t4'] },
    { who: 'that this agent was opening', parts: { opening: new Set([aMac(2)]) }, blocked: [] },
    { who: 'at another IP', parts: { shutIps: new Set(['192.168.66.20']) }, blocked: [] },
  ])('may be one $who: $blocked', ({ parts, blocked }) => {
    const watch = { ...nothing, shutIps: new Set(['192.168.66.10']), ...parts }
    const after = of([hundred, { ...hundred, token: 't4', ip: '192.168.66.102' }])
    const settled = settle(aBooks({ sessions: [session] }), after, watch, 'close', aNow(), {
      before: of([hundred]),
      after,
    })

    expect([...settled.watch.blocked]).toEqual(blocked)
    expect([...settled.watch.shutIps]).toEqual([])
  })

  it('are asked about at once where the answer tells nothing of them', () => {
    const books = aBooks({ sessions: [session] })
    const only = of([], { only: new Set([aMac(1)]) })
    const settled = settle(books, only, nothing, 'close', aNow(), { before: of([ten, hundred]), after: of([hundred]) })

    expect(settled.askAtOnce).toEqual([aMac(2)])
  })
})

describe('a gate that others opened', () => {
  const baseline = [{ token: 't1', ip: anIp(), downloaded: 100, uploaded: 0 }]
  const waiting = aSession({ baseline, lots: [aLot({ allotment: 1e9 })] })
  const open = [aClient({ downloaded: 5000 })]

  test.each([
    { who: 'others opened', watch: nothing, used: 0 },
    { who: 'this agent opened', watch: { ...nothing, opening: new Set([aMac()]) }, used: 4900 },
    { who: 'the agent before this one may have opened', watch: { ...nothing, adopted: new Set(['s1']) }, used: 4900 },
  ])('is charged $used when $who', ({ watch, used }) => {
    expect(look({ sessions: [waiting] }, open, { watch }).metered).toMatchObject([{ used: [used] }])
  })
})

describe('an address that another device has now', () => {
  const baseline = [{ token: 't1', ip: anIp(), downloaded: 100, uploaded: 0 }]
  const session = anOpenSession({ baseline, lots: [aLot({ allotment: 1e9 })] })
  const handedOn = [aClient({ downloaded: 5000, heldBy: { mac: aMac(2), open: false } })]

  test.each([
    { when: 'since the look before', watch: nothing, used: 4900 },
    { when: 'since some moment at which no agent looked', watch: { ...nothing, adopted: new Set(['s1']) }, used: 0 },
  ])('has its own device charged $used, $when', ({ watch, used }) => {
    expect(look({ sessions: [session] }, handedOn, { watch }).metered).toMatchObject([{ used: [used] }])
  })
})

it('tells of used-up purchases that leave a session of many', () => {
  const used = Array.from({ length: 64 }, (_, n) => aLot({ purchaseId: `p${n}`, allotment: 1, used: 1 }))
  const { events } = look({ sessions: [anOpenSession({ lots: [...used, aLot({ purchaseId: 'last' })] })] })

  expect(events).toMatchObject([{ type: 'session.settled', sessionId: 's1' }])
})

it('charges every session, whatever else it tells', () => {
  const { metered } = look({ sessions: [anOpenSession()] }, [aClient({ downloaded: 60, uploaded: 40 })])

  expect(metered).toMatchObject([{ mac: aMac(), used: [100], meter: { readAt: { bootId: 'boot-1', at: 1000 } } }])
})
