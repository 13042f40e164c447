// Proves what of a stream of items goes into which table, and that nothing in it can stop a database.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import type { Item } from '../../client/index.ts'
import { routerRowsOf, rowsOf, storable } from '../../monitor/storable.ts'
import { accepted, agentStarted, r1, status, usage } from '../support/messages.ts'

const lost = (fromSeq: number, toSeq: number | null): Item => {
  return { type: 'lost', routerId: 'r1', epoch: 'e1', fromSeq, toSeq, why: 'pruned' }
}

describe('a batch', () => {
  it('has its events, its losses, and the last position of each router', () => {
    const other = { ...accepted(7), routerId: 'r2' as typeof r1, historical: true as const }
    const { events, lost: losses, positions } = rowsOf([accepted(1), lost(2, 4), agentStarted(5) as Item, other])
    expect(events.map(({ router_id, seq, type }) => [router_id, seq, type])).toEqual([
      ['r1', 1, 'purchase.accepted'],
      ['r1', 5, 'agent.started'],
      ['r2', 7, 'purchase.accepted'],
    ])
    expect(losses).toEqual([{ router_id: 'r1', epoch: 'e1', from_seq: 2, to_seq: 4, why: 'pruned' }])
    expect(positions).toEqual([
      { router_id: 'r1', epoch: 'e1', seq: 5 },
      { router_id: 'r2', epoch: 'e1', seq: 7 },
    ])
    // How it came is not a part of what happened.
    expect(events[2]?.event).not.toHaveProperty('historical')
  })

  it('moves no position by a loss of unknown size', () => {
    expect(rowsOf([accepted(3), lost(4, null)]).positions).toEqual([{ router_id: 'r1', epoch: 'e1', seq: 3 }])
  })

  it('believes a clock that is synchronised', () => {
    const { events } = rowsOf([accepted(1), accepted(2, { clockSynced: false })])
    expect(events.map(({ happened }) => happened)).toEqual(['2026-11-22T12:00:00.000Z', null])
  })

  it('keeps an event that this version does not know, whatever it holds', () => {
    const event = { type: 'gate.painted', at: 'yesterday', clockSynced: true }
    const { events } = rowsOf([{ type: 'unrecognised', routerId: 'r1', epoch: 'e1', seq: 1, event }])
    expect(events).toMatchObject([{ type: 'gate.painted', happened: null, event }])
  })
})

it('of reports keeps the latest of each kind', () => {
  const report = usage(3, [])
  const rows = routerRowsOf([
    { routerId: r1, status: status(1) },
    { routerId: r1, usage: report },
    { routerId: r1, status: status(2) },
  ])
  expect(rows).toEqual([{ router_id: 'r1', status: status(2), report }])
})

describe('text that a database cannot hold', () => {
  it('is what it was wherever it can be held', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(storable(value)).toBe(JSON.stringify(value))
      }),
    )
  })

  test.each([
    [{ reference: 'a\0b' }, { reference: 'a�b' }],
    [{ 'a\0': ['\ud800', '\udc00x', '😀'] }, { 'a�': ['�', '�x', '😀'] }],
    [{ reference: '\\u0000' }, { reference: '\\u0000' }],
  ])('%j becomes %j', (value, held) => {
    expect(JSON.parse(storable(value))).toEqual(held)
  })
})
