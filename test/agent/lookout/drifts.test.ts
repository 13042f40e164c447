// Proves that what happens again and again is told once and then counted, that nothing of it is lost, and that kinds and
// devices do not hide one another.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drift } from '../../../agent/lookout/drift-words.ts'
import { coalesce, type Drift, type Reports, toldLate } from '../../../agent/lookout/drifts.ts'
import { timestamp } from '../../../agent/time/moment.ts'
import { aMac, aNow } from '../../support/builders.ts'

const minutes = (count: number) => count * 60_000
const blocked = (device = 1, unreadBytes?: number) =>
  drift('paid-but-blocked', 'the gate is being opened again', {
    mac: aMac(device),
    ...(unreadBytes !== undefined && { unreadBytes }),
  })

/** The events that are told when these drifts come at these moments; at moments without one the counted are looked at. */
function told(happening: readonly { at: number; drifts?: Drift[] }[]) {
  let reports: Reports = new Map()
  return happening.flatMap(({ at, drifts = [] }) => {
    const now = aNow({ at })
    const counted = coalesce(reports, drifts, now)
    reports = counted.reports
    return counted.told.map((drift) => ({ at, drift }))
  })
}

describe('a drift', () => {
  it('is told at once, without a count', () => {
    expect(told([{ at: 5, drifts: [blocked()] }])).toEqual([{ at: 5, drift: blocked() }])
  })

  it('that comes again within five minutes is told at the end of them, with how often and since when', () => {
    const again = [1000, 2000, 3000].map((at) => ({ at, drifts: [blocked(1, 10)] }))
    const [first, second, ...rest] = told([{ at: 0, drifts: [blocked()] }, ...again, { at: minutes(5) }])

    expect(first).toEqual({ at: 0, drift: blocked() })
    expect(second).toEqual({
      at: minutes(5),
      drift: { ...blocked(1, 30), count: 3, since: timestamp(aNow({ at: 1000 }).wall) },
    })
    expect(rest).toEqual([])
  })

  it('that comes again just once is told in the end as any other', () => {
    expect(
      told([{ at: 0, drifts: [blocked()] }, { at: 1000, drifts: [blocked()] }, { at: minutes(5) }]).map(
        ({ drift }) => drift,
      ),
    ).toEqual([blocked(), blocked()])
  })

  it('that the disk refused at first is quiet for five minutes from when it was told', () => {
    const at = (minute: number) => aNow({ at: minutes(minute) })
    const first = coalesce(new Map(), [blocked()], at(0))
    const again = coalesce(toldLate(first.reports, first.told, at(1)), [blocked()], at(2))

    expect(again.told).toEqual([])
    expect(coalesce(again.reports, [], at(5)).told).toEqual([])
    expect(coalesce(again.reports, [], at(6)).told).toEqual([blocked()])
  })

  it('that does not come again is told once, and at once again after five minutes', () => {
    expect(
      told([{ at: 0, drifts: [blocked()] }, { at: minutes(5) }, { at: minutes(6), drifts: [blocked()] }]),
    ).toHaveLength(2)
  })

  it('is told of each device and of each kind', () => {
    const drifts = [blocked(1), blocked(2), drift('open-but-unpaid', 'the gate is being shut', { mac: aMac(1) })]

    expect(told([{ at: 0, drifts }]).map(({ drift }) => drift)).toEqual(drifts)
  })

  it('of the portal itself counts as any other', () => {
    const flapping = Array.from({ length: 100 }, (_, second) => ({
      at: second * 1000,
      drifts: [second % 2 === 0 ? drift('portal-unreachable', 'no answer') : drift('portal-back', 'asked again')],
    }))

    expect(told([...flapping, { at: minutes(10) }]).map(({ drift: { kind, count } }) => [kind, count])).toEqual([
      ['portal-unreachable', undefined],
      ['portal-back', undefined],
      ['portal-unreachable', 49],
      ['portal-back', 49],
    ])
  })
})

it('are all counted in the end, no more often than once in five minutes, whatever comes when', () => {
  const happening = fc.array(fc.record({ after: fc.nat(200_000), device: fc.integer({ min: 1, max: 3 }) }), {
    maxLength: 80,
  })
  fc.assert(
    fc.property(happening, (steps) => {
      let at = 0
      const drifts = steps.map(({ after, device }) => {
        at += after
        return { at, drifts: [blocked(device, 7)] }
      })
      const all = told([...drifts, { at: at + minutes(5) }])
      for (const device of [1, 2, 3]) {
        const own = all.filter(({ drift }) => drift.mac === aMac(device))
        const happened = steps.filter((step) => step.device === device).length
        expect(own.reduce((sum, { drift }) => sum + (drift.count ?? 1), 0)).toBe(happened)
        expect(own.reduce((sum, { drift }) => sum + (drift.unreadBytes ?? 0), 0)).toBe(happened * 7)
        const gaps = own.slice(1).map((one, index) => one.at - (own[index]?.at ?? 0))
        expect(gaps.every((gap) => gap >= minutes(5))).toBe(true)
      }
    }),
  )
})
