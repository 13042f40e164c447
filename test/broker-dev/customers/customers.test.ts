// Proves what one customer does, the same for the same seed.
import { describe, expect, it } from 'vitest'
import {
  type Customer,
  type CustomerAction,
  type CustomerAnswer,
  type CustomerOrder,
  createCustomer,
  stepCustomer,
} from '../../../broker-dev/customers/customers.ts'
import { mulberry32 } from '../../../broker-dev/random.ts'

/** A customer's life at a gate that opens as soon as it is paid and shuts when that is used up. */
function live(seed: number, seconds: number, kind: Customer['kind'] = 'buying') {
  const random = mulberry32(seed)
  const actions: (CustomerAction & { at: number; left: number })[] = []
  let customer = createCustomer(kind, 0, random)
  let answer: CustomerAnswer | undefined
  const left = { bytes: 0, milliseconds: 0 }
  let passed = 0
  for (let now = 0; now <= seconds * 1000; now += 100) {
    const step = stepCustomer(customer, { now, passed, ...(answer && { answer }) }, random)
    customer = step.customer
    answer = undefined
    passed = 0
    for (const action of step.actions) {
      actions.push({ ...action, at: now, left: left.bytes + left.milliseconds })
      if (action.do === 'buy') answer = sell(action.order)
      if (action.do === 'transfer' && (left.bytes > 0 || left.milliseconds > 0)) {
        passed = action.volume.downloaded + action.volume.uploaded
        if (left.milliseconds > 0) left.milliseconds = Math.max(0, left.milliseconds - 100)
        else left.bytes = Math.max(0, left.bytes - passed)
      }
    }
  }
  return actions

  function sell(order: CustomerOrder): CustomerAnswer {
    if ('metric' in order) left[order.metric] += order.allotment
    else if (order.unit !== 'sat' || order.amount < 1) return { accepted: false }
    else left.bytes += order.amount * 22_020_096
    return { accepted: true, remaining: { ...left } }
  }
}

const lives = [...Array(50).keys()].map((seed) => live(seed, 120))
const orders = lives.flat().flatMap((action) => (action.do === 'buy' ? [action.order] : []))

describe('a customer', () => {
  it('does the same again for the same seed', () => {
    expect(live(7, 60)).toEqual(live(7, 60))
    expect(live(7, 60)).not.toEqual(live(8, 60))
  })

  it('asks again when it has paid and is not let in for a minute, as after an answer that came too late', () => {
    const random = mulberry32(3)
    let customer = createCustomer('buying', 0, random)
    let answer: CustomerAnswer | undefined
    const boughtAt: number[] = []
    for (let now = 0; now < 150_000; now += 100) {
      const step = stepCustomer(customer, { now, passed: 0, ...(answer && { answer }) }, random)
      customer = step.customer
      answer = undefined
      if (!step.actions.some((action) => action.do === 'buy')) continue
      boughtAt.push(now)
      answer = { accepted: true, remaining: { bytes: 1000 } }
    }
    const pauses = boughtAt.slice(1).map((at, index) => at - Number(boughtAt[index]))
    expect(pauses.length).toBeGreaterThan(0)
    expect(Math.min(...pauses)).toBeGreaterThan(59_000)
  })

  it('arrives, looks at the portal page and buys within three seconds', () => {
    for (const actions of lives) {
      expect(actions.slice(0, 2).map((action) => action.do)).toEqual(['arrive', 'browse'])
      expect(actions.find((action) => action.do === 'buy')?.at).toBeLessThan(3000)
    }
  })

  it('buys bytes, sometimes time, and now and then what must be refused', () => {
    expect(orders).toContainEqual({ amount: 0, unit: 'sat' })
    expect(orders).toContainEqual({ amount: 1, unit: 'seashells' })
    const good = orders.filter((order) => 'unit' in order && order.unit === 'sat' && order.amount > 0)
    const grants = orders.filter((order) => 'metric' in order)
    expect(good.length).toBeGreaterThan(grants.length)
    expect(grants.length).toBeGreaterThan(orders.length / 10)
  })

  it('leaves and comes back', () => {
    const visits = lives.map((actions) => actions.filter((action) => action.do === 'arrive').length)
    expect(Math.min(...visits)).toBeGreaterThan(1)
  })

  it('logs out at the portal page now and then, and logs in without paying with a text of its own', () => {
    const visits = lives.flat().filter((action) => action.do === 'arrive').length
    const logOuts = lives.flat().filter((action) => action.do === 'log-out').length
    const texts = lives.flat().flatMap((action) => (action.do === 'log-in' ? [action.custom] : []))
    expect([logOuts > 0 && logOuts < visits, texts.length > 0 && texts.length < visits]).toEqual([true, true])
    expect(texts.some((text) => text.includes('\n'))).toBe(true)
  })

  it('does nothing while it is away', () => {
    for (const actions of lives) {
      const leaving = actions.findIndex((action) => action.do === 'leave')
      expect(actions[leaving + 1]?.do ?? 'arrive').toBe('arrive')
    }
  })

  it('has one order on its way at a time', () => {
    const random = mulberry32(1)
    let customer = createCustomer('buying', 0, random)
    let bought = 0
    for (let now = 0; now < 60_000; now += 100) {
      const step = stepCustomer(customer, { now, passed: 0 }, random)
      customer = step.customer
      bought += step.actions.filter((action) => action.do === 'buy').length
    }
    expect(bought).toBe(1)
  })

  it('buys again while it still has some', () => {
    const topUps = lives.flat().filter((action) => action.do === 'buy' && action.left > 0)
    expect(topUps.length).toBeGreaterThan(0)
  })

  it('never sends less than nothing, nor parts of a byte', () => {
    const volumes = lives.flat().flatMap((action) => (action.do === 'transfer' ? Object.values(action.volume) : []))
    expect(volumes.filter((bytes) => !Number.isInteger(bytes) || bytes < 0)).toEqual([])
  })

  it('only looks and uses when somebody buys for it by hand', () => {
    expect(new Set(live(3, 60, 'by-hand').map((action) => action.do))).toEqual(
      new Set(['arrive', 'browse', 'transfer']),
    )
  })
})
