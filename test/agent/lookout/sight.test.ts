// Proves what the agent knows of the portal after it moved a gate, read an entry or heard of the LAN, without an agent.
import { describe, expect, it, test } from 'vitest'
import {
  adopting,
  afterClearing,
  afterLoss,
  afterNotice,
  afterOpening,
  afterReading,
  afterRefusedClearing,
  afterShut,
  beforeShut,
  goingAlong,
  goneAlong,
  isFresh,
  nothingKnown,
  perhapsAlong,
  type Sight,
  unclearable,
  withStrangers,
} from '../../../agent/lookout/sight.ts'
import type { Asked } from '../../../agent/portal/portal-client.ts'
import { aBooks, aClient, aList, aLot, aMac, aNow, anOpenSession } from '../../support/builders.ts'

const client = aClient({ token: 't1', open: true })
const neighbour = aClient({ token: 't2', mac: aMac(2), ip: client.ip, open: true })
const elsewhere = aClient({ token: 't3', mac: aMac(3), ip: '10.0.0.9', open: true })
const seeing = (...clients: (typeof client)[]): Sight => ({ ...nothingKnown, remembered: aList(clients) })

describe('after a shut', () => {
  it('the gates at the same IP have lost their rules with it, and no others', () => {
    const { watch } = afterShut(seeing(client, neighbour, elsewhere), client)

    expect([...watch.shutAlong]).toEqual(['t2'])
    expect([...watch.shutIps]).toEqual([client.ip])
  })

  it('that may come the next life knows which paid gates go along, and of which it is certain', () => {
    const books = aBooks({ sessions: [anOpenSession({ mac: aMac(2) })] })
    const sight = seeing(client, neighbour, elsewhere)
    const along = goingAlong(sight, books, client)
    const by = { mac: client.mac, token: 't1' }

    expect(along).toEqual([{ token: 't2', by }])
    expect(goingAlong(sight, aBooks(), client)).toEqual([])
    expect(goneAlong(perhapsAlong(sight, along), books)).toEqual([{ token: 't2', by }])
    expect(goneAlong(afterShut(perhapsAlong(sight, along), client), books)).toEqual([{ token: 't2' }])
    expect(adopting(nothingKnown, { ...books, shutAlong: along }).watch.perhapsAlong).toEqual(along)
  })

  it('that is about to come the shut is the agent’s own', () => {
    expect(beforeShut(nothingKnown, client.mac).watch.shut).toEqual(new Set([client.mac]))
    expect(nothingKnown.watch.shut.size).toBe(0)
  })
})

describe('a question about a payer', () => {
  const neighbours = [{ ip: client.ip, mac: aMac(7) }]
  const question = [{ mac: client.mac, names: ['t1'] }]

  test.each([
    { when: 'the kernel has another device at its IP that no answer has shown', parts: { neighbours }, asked: [1, 7] },
    { when: 'that device is known', parts: { neighbours: [{ ip: client.ip, mac: aMac(2) }] }, asked: [1] },
    { when: 'the kernel says nothing', parts: {}, asked: [1] },
  ])('is also one about $asked when $when', ({ parts, asked }) => {
    const sight = { ...seeing(client, { ...neighbour, ip: '10.0.0.8' }), ...parts }
    const macs = withStrangers(sight, question) as readonly Asked[]

    expect(macs.map(({ mac }) => mac)).toEqual(asked.map(aMac))
  })
})

it('a gate that was opened, and an entry that was cleared, are known as the agent’s own doing', () => {
  expect(afterOpening(nothingKnown, client.mac).watch.opening).toEqual(new Set([client.mac]))
  expect(afterClearing(nothingKnown, client).watch.cleared).toEqual(new Set(['t1']))
})

it('an older entry that the portal refuses to open keeps the payer behind it out for three tries', () => {
  const tries = [1, 2, 3].map((count) => {
    return Array.from({ length: count }).reduce((sight: Sight) => afterRefusedClearing(sight, client), nothingKnown)
  })

  expect(tries.map((sight) => unclearable(sight).has('t1'))).toEqual([false, false, true])
  expect(tries.some(({ watch }) => watch.cleared.has('t1'))).toBe(false)
})

it('a new life may have been opening the gates of every session in the books', () => {
  const session = anOpenSession()

  expect(adopting(nothingKnown, aBooks({ sessions: [session] })).watch.adopted).toEqual(new Set([session.sessionId]))
})

describe('after a reading', () => {
  it('the entry has its counters, and the other entries stay', () => {
    const { remembered } = afterReading(seeing(client, elsewhere), { ...client, downloaded: 77 })

    expect(remembered?.clients).toEqual([{ ...client, downloaded: 77 }, elsewhere])
  })

  it('that found no entry the entry is gone', () => {
    expect(afterLoss(seeing(client, elsewhere), client).remembered?.clients).toEqual([elsewhere])
  })
})

it('what the kernel tells of the LAN is known from then on', () => {
  const told = [{ mac: client.mac, ip: client.ip }]
  const { neighbours, seen } = afterNotice(seeing(client), told, aBooks({ sessions: [anOpenSession()] }), aNow())

  expect(neighbours).toBe(told)
  expect(seen.present?.has(client.mac)).toBe(true)
})

describe('a reading is fresh enough for a shut', () => {
  const slow: Sight = { ...nothingKnown, seen: { ...nothingKnown.seen, latencyMilliseconds: 500 } }
  const going = aBooks({ sessions: [anOpenSession()] })
  const usedUp = aBooks({ sessions: [anOpenSession({ lots: [aLot({ allotment: 5, used: 5 })] })] })

  test.each([
    { when: 'it is 20 ms old', books: going, age: 20, fresh: true },
    { when: 'it is older, whatever the portal takes', books: going, age: 21, fresh: false },
    { when: 'nothing more is charged and the portal is slow', books: usedUp, age: 500, fresh: true },
    { when: 'nothing more is charged and it is older than a call', books: usedUp, age: 501, fresh: false },
    { when: 'nobody is charged', books: aBooks(), age: 9999, fresh: true },
  ])('$fresh when $when', ({ books, age, fresh }) => {
    expect(isFresh(slow, books, { ...client, askedAt: 0 }, age)).toBe(fresh)
  })

  it('never, where nobody knows its age', () => {
    const { askedAt: _, ...ageless } = client
    expect(isFresh(slow, going, ageless, 0)).toBe(false)
  })
})
