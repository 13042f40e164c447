// Proves the picture that the page's server keeps: what is known of each router, and what is new to whom.
import { describe, expect, it } from 'vitest'
import { createPicture, type PicturePast } from '../../page/server/picture.ts'
import { RouterId } from '../../protocol/index.ts'
import { accepted, aSession, ended, r1, started, status, usage } from '../support/messages.ts'

const paid = { amount: 0.1, unit: 'eur', pricePerStep: 0.1, steps: 1, change: 0 }
const r2 = RouterId.parse('r2')

function aPicture(past?: PicturePast) {
  const time = { now: 1000, wall: Date.parse('2026-11-22T12:00:00Z') }
  const picture = createPicture({ now: () => time.now, wall: () => time.wall }, past)
  const row = (id = 'r1') => picture.since(-1).routers?.find((one) => one.id === id)
  const devices = () => picture.detailSince(-1, 'r1')?.devices ?? []
  const report = (afterSeq: number, ...sessions: ReturnType<typeof aSession>[]) =>
    picture.seeReport({ routerId: r1, usage: { ...usage(afterSeq, sessions), sessions } })
  return { picture, time, row, devices, report }
}

describe('a router', () => {
  it('has the figures of its books, and those of its sessions at once', () => {
    const { picture, row, devices, report } = aPicture()
    picture.seeReport({ routerId: r1, status: status(3, { sold: 1000, used: 400, remaining: 600 }) })
    picture.seeItem(accepted(1))
    expect([row()?.sold.bytes, row()?.used.bytes, row()?.waiting, row()?.open]).toEqual([1000, 400, 1, 0])
    picture.seeItem(started(2))
    expect([row()?.waiting, row()?.open, devices()[0]?.state]).toEqual([0, 1, 'open'])
    report(2, aSession({ bytesPerSecond: 500 }))
    report(2, aSession({ bytesPerSecond: 700 }))
    expect([row()?.bytesPerSecond, devices()[0]?.rates]).toEqual([700, [500, 700]])
    picture.seeItem(ended(3))
    expect([row()?.open, devices()]).toEqual([0, []])
  })

  it('keeps the sums of its books while it cannot read them', () => {
    const { picture, row } = aPicture()
    picture.seeReport({ routerId: r1, status: status(3, { sold: 1000, used: 400, remaining: 600 }) })
    const { epoch: _, journal: __, conservation: ___, sessions: ____, ...unread } = status(3)
    picture.seeReport({ routerId: r1, status: { ...unread, state: 'degraded', warnings: ['the disk'] } })
    expect([row()?.state, row()?.sold.bytes, row()?.used.bytes]).toEqual(['degraded', 1000, 400])
  })

  it('is not taken back by a report that is older than an event', () => {
    const { picture, devices, report } = aPicture()
    picture.seeItem(started(2))
    report(1, aSession({ state: 'waiting' }))
    expect(devices().map(({ state }) => state)).toEqual(['open'])
    report(1)
    expect(devices()).toHaveLength(1)
    report(2)
    expect(devices()).toEqual([])
  })

  it('has no session by an event of the past', () => {
    const { picture, devices } = aPicture()
    picture.seeItem({ ...started(2), historical: true })
    expect(devices()).toEqual([])
  })

  it('forgets its sessions with another journal', () => {
    const { picture, devices } = aPicture()
    picture.seeItem(started(2))
    picture.seeItem({ ...accepted(1), epoch: 'e2', sessionId: 's2', session: aSession({ sessionId: 's2' }) })
    expect(devices().map(({ sessionId }) => sessionId)).toEqual(['s2'])
  })

  it('knows the purchases of its sessions, also from the past, until they are settled', () => {
    const { picture, devices, report } = aPicture()
    picture.seeItem({ ...accepted(1, { paid }), historical: true })
    picture.seeItem({ ...accepted(2), historical: true })
    report(2, aSession({ allotment: { bytes: 2000 } }))
    const ids = () => devices()[0]?.bought.map(({ purchaseId }) => purchaseId)
    expect([ids(), devices()[0]?.bought[0]?.paid]).toEqual([['p1', 'p2'], { amount: 0.1, unit: 'eur' }])
    const { purchases, sessionId, mac, epoch, at } = ended(3)
    const common = { version: 1, routerId: r1, clockSynced: true, epoch, at } as const
    picture.seeItem({ ...common, type: 'session.settled', seq: 3, sessionId, mac, purchases })
    expect(ids()).toEqual(['p2'])
  })

  it('was heard when anything came of it, and not by its past', () => {
    const { picture, time, row } = aPicture()
    picture.seeReport({ routerId: r1, status: status(0) })
    time.now = 5000
    picture.seeItem({ ...accepted(1), historical: true })
    expect(row()?.heardAt).toBe(1000)
    picture.seeItem(accepted(2))
    expect([row()?.heardAt, row()?.silentAfter]).toEqual([5000, 30_000])
  })
})

it('adds up money as exact decimals, by day and router', () => {
  const { picture, row } = aPicture()
  for (const seq of [1, 2, 3]) picture.seeItem(accepted(seq, { paid }))
  picture.seeItem(accepted(4, { at: '2026-11-21T23:59:59.999Z' }))
  // Its clock is not to be trusted: then it is the server's day.
  picture.seeItem(accepted(5, { at: '1970-01-01T00:00:00.000Z', clockSynced: false }))
  expect(row()?.money).toEqual([{ unit: 'eur', sum: '0.3' }])
  expect(picture.sales().map(({ day, unit, purchases, amount }) => [day, unit, purchases, amount])).toEqual([
    ['2026-11-22', 'eur', 3, '0.3'],
    ['2026-11-22', undefined, 1, '0'],
    ['2026-11-21', undefined, 1, '0'],
  ])
})

it('tells what is new since a version and nothing else', () => {
  const { picture } = aPicture()
  picture.seeItem(accepted(1))
  const { version } = picture
  expect([picture.since(version), picture.detailSince(version, 'r1')]).toEqual([{}, undefined])
  picture.seeReport({ routerId: r2, status: { ...status(0), routerId: r2 } })
  expect(picture.since(version).routers?.map(({ id }) => id)).toEqual(['r2'])
  expect(picture.since(version).events).toBeUndefined()
  picture.seeItem(started(2))
  expect(picture.since(version).routers?.map(({ id }) => id)).toEqual(['r1', 'r2'])
  expect(picture.since(version).events?.map(({ type }) => type)).toEqual(['session.started'])
})

it('keeps the events in the order of time, however late they come', () => {
  const { picture } = aPicture()
  picture.seeItem(accepted(1, { at: '2026-11-22T12:00:02.000Z' }))
  picture.seeItem({ ...accepted(2, { at: '2026-11-22T12:00:01.000Z' }), historical: true })
  const lost = { type: 'lost', routerId: r1, epoch: 'e1', fromSeq: 3, toSeq: 4, why: 'pruned' } as const
  picture.seeItem(lost)
  expect(picture.since(-1).events?.map(({ id }) => id)).toEqual(['r1 e1 lost 3', 'r1 e1 2', 'r1 e1 1'])
})

it('forgets a router that is retired, and has every browser begin anew', () => {
  const { picture, row } = aPicture()
  picture.seeItem(accepted(1))
  const { version } = picture
  // It has just been heard of: perhaps the list is older.
  picture.keepOnly(new Set())
  expect([row()?.id, picture.isOutdated(version)]).toEqual(['r1', false])
  picture.keepOnly(new Set())
  expect([row(), picture.isOutdated(version), picture.isOutdated(picture.version)]).toEqual([undefined, true, false])
})

describe('with a history', () => {
  const sold = {
    day: '2026-11-21',
    routerId: 'r1',
    metric: 'bytes',
    unit: 'eur',
    purchases: 2,
    allotment: 2000,
  } as const
  const past = {
    sales: [{ ...sold, amount: '0.2', change: '0' }],
    items: [{ ...accepted(1, { paid }), historical: true } as const],
  }

  it('goes on from its sums, and counts nothing of it again', () => {
    const { picture, row } = aPicture(past)
    expect([picture.sales(), row()?.money]).toEqual([past.sales, [{ unit: 'eur', sum: '0.2' }]])
    picture.seeItem(accepted(2, { paid, at: '2026-11-21T23:00:00.000Z' }))
    picture.seeItem(accepted(3, { paid }))
    expect(picture.sales().map(({ day, purchases, amount }) => [day, purchases, amount])).toEqual([
      ['2026-11-22', 1, '0.1'],
      ['2026-11-21', 3, '0.3'],
    ])
    expect(row()?.money).toEqual([{ unit: 'eur', sum: '0.4' }])
  })

  it('shows its events, and the purchases of sessions that go on', () => {
    const { picture, devices, report } = aPicture(past)
    expect(picture.since(-1).events?.map(({ id }) => id)).toEqual(['r1 e1 1'])
    report(1, aSession())
    expect(devices()[0]?.bought.map(({ purchaseId }) => purchaseId)).toEqual(['p1'])
  })

  it('forgets at once a router that is there in the past only', () => {
    const { picture, row } = aPicture(past)
    picture.keepOnly(new Set())
    expect(row()).toBeUndefined()
  })
})
