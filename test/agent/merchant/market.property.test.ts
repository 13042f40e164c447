// Proves by random histories that the books always add up, nobody gets less than bought, and nothing is charged twice.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { conservationOf } from '../../../agent/merchant/view.ts'
import { aGrant, aMac, aPurchase } from '../../support/builders.ts'
import { eventsOf } from '../../support/events.ts'
import { aMarket, type Market } from '../../support/market.ts'

const device = fc.integer({ min: 0, max: 2 })
const purchaseId = fc.integer({ min: 0, max: 12 }).map((number) => `p${number}`)
const bytes = fc.integer({ min: 0, max: 60_000 })

type Step = (market: Market) => void
const buys = fc.record({
  purchaseId,
  device,
  metric: fc.constantFrom('bytes' as const, 'milliseconds' as const),
  allotment: fc.integer({ min: 0, max: 50_000 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: buys.map(({ purchaseId: id, device: of, metric, allotment }): Step => {
      const message = allotment === 7 ? aPurchase({ unit: 'eur' }) : aGrant(metric, allotment)
      return (market) => market.buy({ ...message, purchaseId: id, mac: aMac(of) })
    }),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(device, bytes, bytes).map(
      ([of, down, up]): Step =>
        (market) =>
          market.use(of, down, up),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.integer({ min: 0, max: 20_000 }).map(
      (ms): Step =>
        (market) =>
          market.pass(ms),
    ),
  },
  { weight: 9, arbitrary: fc.constant<Step>((market) => market.look()) },
  {
    weight: 1,
    arbitrary: device.map(
      (of): Step =>
        (market) =>
          market.drop(of),
    ),
  },
  {
    weight: 1,
    arbitrary: device.map(
      (of): Step =>
        (market) =>
          market.end(of),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(
      (market) => market.restartCounters(),
      (market) => market.restartPortal(),
      (market) => market.setPortal(false),
      (market) => market.setPortal(true),
      (market) => market.reboot(),
      (market) => market.jumpWall(-3_600_000),
      (market) => market.restartFromSnapshot(),
      (market) => market.restartFromJournal(),
    ),
  },
)

it('keeps its promises through any history', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const market = aMarket(3)
      let before = countersOf(market)
      for (const take of steps) {
        take(market)
        expectSound(market)
        before = expectOnlyGrown(before, countersOf(market))
      }
      expectSoundEvents(market)
      expect(market.replayed()).toEqual(market.books)
    }),
    { numRuns: 400 },
  )
})

it('gives all that was bought, once looks go on for long enough', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const market = aMarket(3)
      for (const take of steps) take(market)
      market.setPortal(true)
      for (let turn = 0; turn < 60; turn++) {
        market.look()
        for (const of of [0, 1, 2]) market.use(of, 40_000, 0)
        market.pass(40_000)
      }
      market.look()
      expect([...market.books.sessions.keys()]).toEqual([])
      expectSound(market)
      expectSoundEvents(market)
    }),
    { numRuns: 100 },
  )
})

function expectSound({ books, world, answers }: Market): void {
  const { bytes: ofBytes, milliseconds } = conservationOf(books)
  expect([ofBytes.difference, milliseconds.difference]).toEqual([0, 0])
  for (const { lots } of books.sessions.values()) {
    for (const { used, allotment } of lots) expect(used >= 0 && used <= allotment).toBe(true)
  }
  expect(ofBytes.used).toBeLessThanOrEqual(world.reduce((sum, { bytes: passed }) => sum + passed, 0))
  expect(milliseconds.used).toBeLessThanOrEqual(world.reduce((sum, { openMilliseconds }) => sum + openMilliseconds, 0))
  for (const outcomes of answers.values()) expect(outcomes.size).toBeLessThanOrEqual(1)
}

function countersOf({ books }: Market): Map<string, number[]> {
  return new Map(
    [...books.sessions.values()].map((session) => [
      session.sessionId,
      [
        session.meter.downloaded,
        session.meter.uploaded,
        session.meter.openMilliseconds,
        session.meter.overshootBytes,
        ...session.lots.map((lot) => lot.used),
      ],
    ]),
  )
}

function expectOnlyGrown(before: Map<string, number[]>, after: Map<string, number[]>): Map<string, number[]> {
  for (const [id, counters] of after) {
    const earlier = before.get(id) ?? []
    expect(earlier.every((value, index) => value <= (counters[index] ?? -1))).toBe(true)
  }
  return after
}

function expectSoundEvents({ events, commandedToEnd }: Market): void {
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index + 1))
  for (const { sessionId, reason, purchases } of eventsOf(events, 'session.ended')) {
    const rest = purchases.reduce((sum, { unused }) => sum + unused, 0)
    expect(purchases.every(({ allotment, used, unused }) => allotment === used + unused)).toBe(true)
    if (reason === 'allotment-used') expect(rest).toBe(0)
    else expect(commandedToEnd.has(sessionId)).toBe(true)
  }
  const decided = events.flatMap((event) =>
    event.type.startsWith('purchase.') && 'purchaseId' in event ? [event.purchaseId] : [],
  )
  expect(new Set(decided).size).toBe(decided.length)
}
