// Proves what a router's customers do together.
import { describe, expect, it } from 'vitest'
import { createCrowd, macOf } from '../../../broker-dev/customers/crowd.ts'
import type { CustomerAnswer } from '../../../broker-dev/customers/customers.ts'
import { mulberry32 } from '../../../broker-dev/random.ts'

/** A clock whose sleepers wake when the test lets time pass. */
function aClock() {
  let now = 0
  let wake = () => {}
  return {
    monotonic: () => now,
    async sleep(_milliseconds: number, signal?: AbortSignal) {
      await new Promise<void>((resolve) => {
        wake = resolve
        signal?.addEventListener('abort', wake)
      })
      signal?.removeEventListener('abort', wake)
    },
    async pass(milliseconds: number) {
      for (const end = now + milliseconds; now < end; now += 100) {
        wake()
        await new Promise(setImmediate)
      }
    },
  }
}

function aCrowd(answer: () => Promise<CustomerAnswer>, devices = 5) {
  const clock = aClock()
  const seen: string[] = []
  const bought: string[] = []
  const portal = {
    arrive: (mac: string, ip: string) => seen.push(`arrive ${mac} ${ip}`),
    browse: (mac: string) => seen.push(`browse ${mac}`) > 0,
    splashLogin: (mac: string, custom = '') => seen.push(`log-in ${mac} ${custom}`) > 0,
    deny: (mac: string) => seen.push(`log-out ${mac}`) > 0,
    leave: (mac: string) => seen.push(`leave ${mac}`),
    transfer: () => ({ downloaded: 0, uploaded: 0 }),
  }
  const crowd = createCrowd({
    ...{ portal, router: 2, devices, clock, random: mulberry32(1) },
    buy: (mac) => {
      bought.push(mac)
      return answer()
    },
  })
  return { crowd, clock, seen, bought }
}

const allOf = (devices: number) => [...Array(devices + 1).keys()].map((device) => macOf(2, device))

describe('the customers of a router', () => {
  it('do nothing before they are let in', async () => {
    const { clock, seen } = aCrowd(async () => ({ accepted: false }))
    await clock.pass(5000)
    expect(seen).toEqual([])
  })

  it('all arrive, each with a MAC and an IP of its own, and all but one buy', async () => {
    const { crowd, clock, seen, bought } = aCrowd(async () => ({ accepted: true, remaining: { bytes: 1 } }))
    crowd.open()
    await clock.pass(5000)
    await crowd.close()
    const arrivals = seen.filter((line) => line.startsWith('arrive'))
    expect(new Set(arrivals.map((line) => line.split(' ')[1]))).toEqual(new Set(allOf(5)))
    expect(new Set(arrivals.map((line) => line.split(' ')[2])).size).toBe(6)
    expect(new Set(bought)).toEqual(new Set(allOf(5).slice(1)))
  })

  it('share a router with strangers who meet the page and walk away', async () => {
    const { crowd, clock, seen } = aCrowd(async () => ({ accepted: false }))
    crowd.open()
    await clock.pass(120_000)
    await crowd.close()
    const stranger = macOf(2, 1000)
    expect(seen.filter((line) => line.includes(stranger)).map((line) => line.split(' ')[0])).toEqual([
      'arrive',
      'browse',
      'leave',
    ])
  })

  it('come now and then under an address that another one has', async () => {
    const { crowd, clock, seen } = aCrowd(async () => ({ accepted: false }), 20)
    crowd.open()
    await clock.pass(120_000)
    await crowd.close()
    const arrivals = seen.filter((line) => line.startsWith('arrive')).map((line) => line.split(' '))
    const own = new Map(arrivals.map(([, mac, ip]) => [mac, ip]).reverse() as [string, string][])
    const borrowed = arrivals.filter(([, mac = '', ip = '']) => own.get(mac) !== ip)
    expect(borrowed.length).toBeGreaterThan(0)
    expect(borrowed.every(([, , ip = '']) => [...own.values()].includes(ip))).toBe(true)
  })

  it('order nothing more once told so, and wait for what is on its way', async () => {
    let tell: (answer: CustomerAnswer) => void = () => {}
    const answer = new Promise<CustomerAnswer>((resolve) => {
      tell = resolve
    })
    const { crowd, clock, bought } = aCrowd(() => answer, 1)
    crowd.open()
    await clock.pass(5000)
    let settled = false
    const stopped = crowd.stopBuying().then(() => {
      settled = true
    })
    await clock.pass(5000)
    expect(settled).toBe(false)
    tell({ accepted: false })
    await stopped
    await clock.pass(20_000)
    await crowd.close()
    expect(bought).toHaveLength(1)
  })

  it('go on when an order fails', async () => {
    const { crowd, clock, bought } = aCrowd(() => Promise.reject(new Error('no backend')), 1)
    crowd.open()
    await clock.pass(10_000)
    await crowd.close()
    expect(bought.length).toBeGreaterThan(1)
  })
})
