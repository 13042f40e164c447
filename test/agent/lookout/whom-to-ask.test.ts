// Proves that nodogsplash is asked for everything at once, and openNDS for the devices that matter, each when it is due.
import { describe, expect, it, test } from 'vitest'
import { askAgain } from '../../../agent/lookout/asked.ts'
import { listDueIn } from '../../../agent/lookout/list-due.ts'
import { afterLook, nothingSeen, type Seen } from '../../../agent/lookout/seen.ts'
import { planLook } from '../../../agent/lookout/whom-to-ask.ts'
import type { Session } from '../../../agent/merchant/session.ts'
import type { Mac } from '../../../protocol/index.ts'
import { aBooks, aClient, aList, aLot, aMac, aNow, anIp, anOpenSession, aSession } from '../../support/builders.ts'

const settings = { lookIntervalMilliseconds: 10_000, nearIntervalMilliseconds: 2000, linkMegabits: 100 }
/** openNDS, its list of many devices read a second ago. */
const opennds = (parts: Partial<Seen> = {}): Seen => ({
  ...nothingSeen,
  kind: 'opennds',
  version: '10.3.1',
  listedAt: 99_000,
  listMilliseconds: 2000,
  ...parts,
})
const now = aNow({ at: 100_000 })
const gigabytes = aLot({ allotment: 5e9 })
const nobody: ReadonlySet<Mac> = new Set()

function open(device: number, age: number, parts: Parameters<typeof anOpenSession>[0] = {}): Session {
  const seen = aNow({ at: now.at - age })
  const baseline = [{ token: `t${device}`, ip: anIp(device), downloaded: 0, uploaded: 0 }]
  return anOpenSession({ mac: aMac(device), lots: [gigabytes], baseline, seenOpen: seen, readAt: seen, ...parts })
}

function asked(sessions: Session[], seen = opennds(), wanted = nobody) {
  const question = planLook(aBooks({ sessions }), now, settings, seen, wanted)
  return question === 'all' ? question : question.map(({ names }) => names.join(' '))
}

describe('planLook', () => {
  test.each([
    { when: 'nothing is known of the portal', seen: nothingSeen },
    { when: 'it is nodogsplash', seen: opennds({ kind: 'nodogsplash' }) },
    { when: 'the list was never read', seen: opennds({ listedAt: undefined }) },
    { when: 'a quick list is as old as a look', seen: opennds({ listedAt: 90_000, listMilliseconds: 100 }) },
    { when: 'a list of 2 s is 40 s old', seen: opennds({ listedAt: 60_000 }) },
    {
      when: 'a list of a minute is 10 minutes old',
      seen: opennds({ listedAt: 100_000 - 600_000, listMilliseconds: 60_000 }),
    },
    {
      when: 'an entry must be missing',
      seen: opennds({ listedAt: 98_000, listMilliseconds: 100, isListWanted: true }),
    },
    { when: 'that of a 9.10 is a minute old', seen: opennds({ version: '9.10.0', listedAt: 40_000 }) },
    { when: 'it failed 5 s ago', seen: opennds({ listedAt: 0, listFailures: 1, listFailedAt: 95_000 }) },
    {
      when: 'it failed three times, the last of them 20 s ago',
      seen: opennds({ listedAt: 0, listFailures: 3, listFailedAt: 80_000 }),
    },
  ])('asks for everything when $when', ({ seen }) => {
    expect(asked([open(1, 500)], seen)).toBe('all')
  })

  test.each([
    { when: 'a list of 2 s is younger than 40 s', seen: opennds({ listedAt: 60_001 }) },
    { when: 'an entry is missing and the list takes long', seen: opennds({ isListWanted: true }) },
    { when: 'it is a 9.10, and less than a minute ago', seen: opennds({ version: '9.10.0', listedAt: 40_001 }) },
    { when: 'it failed less than 5 s ago', seen: opennds({ listedAt: 0, listFailures: 1, listFailedAt: 95_001 }) },
    {
      when: 'it failed three times, the last of them less than 20 s ago',
      seen: opennds({ listedAt: 0, listFailures: 3, listFailedAt: 80_001 }),
    },
  ])('does not ask for everything when $when', ({ seen }) => {
    expect(asked([open(1, 500)], seen)).toEqual([])
  })

  it('does not ask for everything while a session is about to end', () => {
    const session = open(1, 500, { lots: [aLot({ metric: 'milliseconds', allotment: 500 })] })

    expect(asked([session], opennds({ listedAt: 60_000 }))).toEqual(['t1'])
  })

  test.each<{ what: string; session: Session; names: string[] }>([
    { what: 'whose reading is as old as a look', session: open(1, 10_000), names: ['t1'] },
    { what: 'whose reading will be soon', session: open(1, 9000), names: ['t1'] },
    { what: 'whose reading is young', session: open(1, 8000), names: [] },
    { what: 'near its end', session: open(1, 2000, { lots: [aLot()] }), names: ['t1'] },
    { what: 'whose end is predicted', session: open(1, 4000, { bytesPerSecond: 1e9 }), names: ['t1'] },
    {
      what: 'whose time is over',
      session: open(1, 50, { lots: [aLot({ metric: 'milliseconds', allotment: 50 })] }),
      names: ['t1'],
    },
    { what: 'that must be shut', session: open(1, 2000, { lots: [aLot({ used: 1000 })] }), names: ['t1'] },
    { what: 'that has just paid', session: aSession({ paidAt: now }), names: [aMac()] },
    {
      what: 'that waits and paid a minute ago',
      session: aSession({ paidAt: aNow({ at: 40_000 }), readAt: aNow({ at: 98_000 }) }),
      names: [aMac()],
    },
    {
      what: 'that waits and paid more than a minute ago',
      session: aSession({ paidAt: aNow({ at: 39_999 }), readAt: aNow() }),
      names: [],
    },
    {
      what: 'that waits and was on line a minute ago',
      session: aSession({ lastOpen: aNow({ at: 40_000 }), readAt: aNow({ at: 98_000 }) }),
      names: [aMac()],
    },
    {
      what: 'that waits since before a reboot',
      session: aSession({ paidAt: aNow({ at: 1e9, bootId: 'boot-0' }), readAt: null }),
      names: [],
    },
    { what: 'that is paused and shut', session: aSession({ paused: true, readAt: aNow() }), names: [] },
    {
      what: 'at two addresses',
      session: open(1, 10_000, {
        baseline: ['a1', 'a2'].map((token) => ({ token, ip: token, downloaded: 0, uploaded: 0 })),
      }),
      names: ['a1 a2'],
    },
  ])('asks $names for a device $what', ({ session, names }) => {
    expect(asked([session])).toEqual(names)
  })

  test.each([
    { who: 'waits, by each of its entries', session: aSession({ paidAt: now }), names: ['old', 'new', aMac()] },
    {
      who: 'waits, by its entry at the address that it has now',
      session: aSession({ paidAt: now }),
      ips: [anIp(2)],
      names: ['new', aMac()],
    },
    {
      who: 'waits at an address without an entry, by that and its MAC',
      session: aSession({ paidAt: now }),
      ips: [anIp(3)],
      names: [anIp(3), aMac()],
    },
    {
      who: 'is on line and has moved to its other entry',
      session: open(1, 10_000, { baseline: [{ token: 'old', ip: anIp(), downloaded: 0, uploaded: 0 }] }),
      ips: [anIp(2)],
      names: ['old', 'new'],
    },
  ])('asks for a device of two entries that $who', ({ session, ips, names }) => {
    const known = aList([aClient({ token: 'old', open: false }), aClient({ token: 'new', open: false, ip: anIp(2) })])
    const present = ips && { present: new Map([[aMac(), ips.map((ip) => ({ mac: aMac(), ip }))]]) }
    const [question] = planLook(aBooks({ sessions: [session] }), now, settings, opennds(present), nobody, known)

    expect(question).toMatchObject({ mac: aMac(), names })
  })

  it('asks for the counters of the older entry at an IP, though no list has shown that one', () => {
    const known = aList([aClient({ borrowed: true })])
    const [question] = planLook(aBooks({ sessions: [open(1, 10_000)] }), now, settings, opennds(), nobody, known)

    expect(question).toEqual({ mac: aMac(), names: ['t1'], shared: [anIp()] })
  })

  it('asks first for a device that is wanted, whatever its turn', () => {
    const sessions = [open(1, 20_000), open(2, 100)]

    expect(asked(sessions, opennds(), new Set([aMac(2)]))).toEqual(['t2', 't1'])
  })

  it('asks for eight at once, the longest overdue first', () => {
    const sessions = Array.from({ length: 12 }, (_, index) => open(index + 1, 10_000 + index))

    expect(asked(sessions)).toEqual(['t12', 't11', 't10', 't9', 't8', 't7', 't6', 't5'])
  })

  it('asks for a gate that a session was moved away from', () => {
    expect(planLook(aBooks({ shutting: new Set([aMac(3)]) }), now, settings, opennds(), nobody)).toEqual([
      { mac: aMac(3), names: [aMac(3)] },
    ])
  })

  it('asks once for a device that paid again after its session was moved away', () => {
    const books = aBooks({ sessions: [open(1, 10_000)], shutting: new Set([aMac(1)]) })

    expect(planLook(books, now, settings, opennds(), nobody, aList([aClient()]))).toEqual([
      { mac: aMac(1), names: ['t1'] },
    ])
  })

  test.each([
    { read: 'long ago', ages: [20_000, 9000], names: ['t1'] },
    { read: 'and another one a moment ago', ages: [20_000, 4000], names: [] },
  ])('asks for one device that has left, read $read', ({ ages, names }) => {
    const absent = new Set(ages.map((_, index) => aMac(index + 1)))
    const sessions = ages.map((age, index) => open(index + 1, age))

    expect(asked(sessions, opennds({ absent }))).toEqual(names)
  })

  it('asks for a device that has left when its time is over', () => {
    const lots = [aLot({ metric: 'milliseconds', allotment: 500 })]

    expect(asked([open(1, 500, { lots })], opennds({ absent: new Set([aMac()]) }))).toEqual(['t1'])
  })
})

describe('listDueIn', () => {
  test.each([
    { when: 'it was never read', seen: opennds({ listedAt: undefined }), due: 0 },
    { when: 'it is quick and a second old', seen: opennds({ listMilliseconds: 100 }), due: 8900 },
    { when: 'it takes 2 s and is a second old', seen: opennds(), due: 39_000 },
    { when: 'it is that of a 9.10', seen: opennds({ version: '9.10.0', listMilliseconds: 100 }), due: 59_000 },
    {
      when: 'it is that of a 9.10, and an entry must be missing',
      seen: opennds({ version: '9.10.0', listMilliseconds: 100, isListWanted: true }),
      due: 9000,
    },
    { when: 'it failed a second ago', seen: opennds({ listFailures: 1, listFailedAt: 99_000 }), due: 4000 },
    {
      when: 'it failed for the third time a second ago',
      seen: opennds({ listFailures: 3, listFailedAt: 99_000 }),
      due: 19_000,
    },
    {
      when: 'it failed for the tenth time a second ago',
      seen: opennds({ listFailures: 10, listFailedAt: 99_000 }),
      due: 599_000,
    },
    { when: 'it takes 2 s and an entry must be missing', seen: opennds({ isListWanted: true }), due: 9000 },
    { when: 'it is nodogsplash', seen: opennds({ kind: 'nodogsplash' }), due: Number.POSITIVE_INFINITY },
  ])('is $due when $when', ({ seen, due }) => {
    expect(listDueIn(aBooks(), now, settings, seen)).toBe(due)
  })

  const used = (milliseconds: number) => ({ lots: [aLot({ metric: 'milliseconds', allotment: milliseconds })] })
  test.each<{ ends: string; session: Session; listAge?: number; due: number }>([
    { ends: 'at its measured rate in 3 s', session: open(1, 2000, { bytesPerSecond: 1e9 }), due: 3000 },
    { ends: 'at its measured rate in 4 s', session: open(1, 1000, { bytesPerSecond: 1e9 }), due: 0 },
    { ends: 'by its time in 3 s', session: open(1, 500, used(3500)), due: 3000 },
    { ends: 'now', session: open(1, 500, used(500)), due: 100 },
    { ends: 'some time: nothing flows', session: open(1, 2000), due: 0 },
    {
      ends: 'in 3 s, and another interval is nearly over',
      session: open(1, 500, used(3500)),
      listAge: 79_990,
      due: 10,
    },
    { ends: 'in 3 s, and another interval is over', session: open(1, 500, used(3500)), listAge: 80_000, due: 0 },
  ])('is $due when a list of 2 s is due and a session ends $ends', ({ session, listAge = 40_000, due }) => {
    const seen = opennds({ listedAt: now.at - listAge })

    expect(listDueIn(aBooks({ sessions: [session] }), now, settings, seen)).toBe(due)
  })
})

const entry = (device: number, ip = anIp(device)) => aClient({ mac: aMac(device), ip, token: `t${device}` })

describe('askAgain', () => {
  const books = aBooks({ sessions: [open(1, 0)] })

  test.each([
    {
      what: 'an entry that was shut, by its IP',
      step: { act: 'close' as const, mac: aMac(), client: aClient() },
      names: [anIp()],
      shared: undefined,
    },
    {
      what: 'one that was shut behind an older one by its token too, which may be gone',
      step: { act: 'close' as const, mac: aMac(4), client: entry(4, anIp(3)) },
      names: ['t4', anIp(3)],
      shared: [anIp(3)],
    },
    {
      what: 'an entry that was opened, and the other one of the device',
      step: { act: 'open' as const, mac: aMac(), client: aClient({ token: 'new', ip: '192.168.66.201' }) },
      names: ['new', 't1'],
      shared: undefined,
    },
    {
      what: 'one that was opened and has no token, by its IP',
      step: { act: 'open' as const, mac: aMac(4), client: aClient({ mac: aMac(4), ip: anIp(4), token: 'null' }) },
      names: [anIp(4)],
      shared: [anIp(3)],
    },
    {
      what: 'a device that the portal had not seen, and every older entry at its IP',
      step: { act: 'open' as const, mac: aMac(2) },
      names: [aMac(2)],
      shared: 'every',
    },
    {
      what: 'one that was opened behind an older one of another device, and for the counters at their IP',
      step: { act: 'open' as const, mac: aMac(4), client: entry(4, anIp(3)) },
      names: ['t4'],
      shared: [anIp(3)],
    },
  ])('asks for $what', ({ step, names, shared }) => {
    const known = aList([aClient(), entry(3, anIp(3)), entry(4, anIp(3))])

    expect(askAgain(books, [step], known)).toEqual([{ mac: step.mac, names, ...(shared && { shared }) }])
  })
})

describe('afterLook', () => {
  const some = { only: new Set([aMac(1)]), kind: 'opennds' as const }
  const books = aBooks({ sessions: [open(1, 0)] })
  const question = [{ mac: aMac(1), names: ['t1', 't2'] }]

  it('knows when the whole list was read, and how long that took', () => {
    const seen = afterLook(nothingSeen, 'all', aList([], { kind: 'opennds' }), books, now, 300)

    expect(seen).toMatchObject({ kind: 'opennds', listedAt: now.at, listMilliseconds: 300, latencyMilliseconds: 0 })
  })

  it('knows how long one name takes', () => {
    const seen = afterLook(opennds(), question, aList([], some), books, now, 50)

    expect(seen).toMatchObject({ listedAt: 99_000, listMilliseconds: 2000, latencyMilliseconds: 25 })
  })

  it('remembers who has left until seen otherwise', () => {
    const known = aList([aClient(), entry(2)])
    const was = opennds({ absent: new Set([aMac(2), aMac(3)]) })
    const left = afterLook(was, question, aList([aClient({ addresses: 0 })], some), books, now, 1, known)
    const back = afterLook(left, question, aList([aClient({ addresses: 1 })], some), books, now, 1, known)

    expect([left, back].map(({ absent }) => [...absent])).toEqual([[aMac(2), aMac(1)], [aMac(2)]])
  })

  test.each([
    { addresses: 1, isListWanted: false },
    { addresses: 2, isListWanted: true },
  ])('wants the list: $isListWanted for a device at $addresses addresses of which one is known', (row) => {
    const seen = afterLook(opennds(), question, aList([aClient({ addresses: row.addresses })], some), books, now, 1)

    expect(seen.isListWanted).toBe(row.isListWanted)
  })

  it('does not want the list for an address that was there when it was last read', () => {
    const both = [aClient({ addresses: 2 })]
    const read = afterLook(nothingSeen, 'all', aList(both, { kind: 'opennds' }), books, now, 1)

    expect(afterLook(read, question, aList(both, some), books, now, 1).isListWanted).toBe(false)
  })
})
