// The customers of one router at its mock portal: asks each what it does next, and does it.
import type { Clock } from '../../agent/time/clock.ts'
import type { MockPortal } from '../portal/world.ts'
import {
  type Customer,
  type CustomerAction,
  type CustomerAnswer,
  type CustomerOrder,
  createCustomer,
  stepCustomer,
} from './customers.ts'
import { type Mischief, type MischievousDevice, mischiefOf } from './mischief.ts'

export interface CrowdOptions {
  portal: Pick<MockPortal, 'arrive' | 'browse' | 'splashLogin' | 'deny' | 'transfer' | 'leave'>
  /** The router's number in the fleet, from 1: no two routers share a device. */
  router: number
  devices: number
  clock: Pick<Clock, 'monotonic' | 'sleep'>
  random: () => number
  buy(mac: string, order: CustomerOrder): Promise<CustomerAnswer>
}

export interface Crowd extends Mischief {
  open(): void
  /** Nobody orders any more; resolves when every order on its way is answered. */
  stopBuying(): Promise<void>
  close(): Promise<void>
}

interface Device extends MischievousDevice {
  customer: Customer
  passed: number
  answer?: CustomerAnswer
}

export function createCrowd({ portal, router, devices, clock, random, buy }: CrowdOptions): Crowd {
  const orders = new Set<Promise<void>>()
  const end = new AbortController()
  const everybody: Device[] = []
  let strangers = 0
  let buying = true
  let walking = Promise.resolve()

  async function walk(): Promise<void> {
    everybody.push(...[...Array(devices).keys()].map((device) => newcomer(device + 1, 'buying')))
    everybody.push(newcomer(0, 'by-hand'))
    while (!end.signal.aborted) {
      for (const device of everybody) step(device)
      if (random() < strangersPerStep) passBy()
      await clock.sleep(stepMilliseconds, end.signal)
    }
  }

  function newcomer(device: number, kind: Customer['kind']): Device {
    const customer = createCustomer(kind, clock.monotonic(), random)
    return { mac: macOf(router, device), ip: ipOf(router, device), customer, passed: 0 }
  }

  function step(device: Device): void {
    if (device.isUnplugged) {
      // Nothing waits to be sent when it is back.
      device.customer = { ...device.customer, steppedAt: clock.monotonic() }
      return
    }
    const { passed, answer } = device
    const noticed = { now: clock.monotonic(), passed, ...(answer && { answer }) }
    const { customer, actions } = stepCustomer(device.customer, noticed, random)
    device.customer = customer
    device.passed = 0
    delete device.answer
    for (const action of actions) act(device, action)
  }

  /** Somebody meets the portal page and walks away; the portal keeps the entry for a while. */
  function passBy(): void {
    const stranger = macOf(router, firstStranger + (strangers++ % mostStrangers))
    portal.arrive(stranger, ipOf(router, firstStranger + (strangers % mostStrangers)))
    portal.browse(stranger)
    portal.leave(stranger)
  }

  /** Its own address, or another one's: as DHCP hands it on, or as somebody sets it who must not. */
  function addressFor(device: Device, as: 'oneself' | 'somebody'): string {
    const other = everybody[Math.floor(random() * everybody.length)]
    return device.borrowedIp ?? (as === 'somebody' && other ? other : device).ip
  }

  function act(device: Device, action: CustomerAction): void {
    const { mac } = device
    if (action.do === 'arrive') portal.arrive(mac, addressFor(device, action.as))
    if (action.do === 'log-in') portal.splashLogin(mac, action.custom)
    if (action.do === 'log-out') portal.deny(mac)
    if (action.do === 'browse') portal.browse(mac)
    if (action.do === 'leave') portal.leave(mac)
    if (action.do === 'buy' && buying) order(device, action.order)
    if (action.do === 'transfer') {
      const { downloaded, uploaded } = portal.transfer(mac, action.volume)
      device.passed = downloaded + uploaded
    }
  }

  function order(device: Device, what: CustomerOrder): void {
    const ordered = buy(device.mac, what)
      .catch((): CustomerAnswer => ({ accepted: false }))
      .then((answer) => {
        device.answer = answer
        orders.delete(ordered)
      })
    orders.add(ordered)
  }

  function open(): void {
    walking = walk()
  }

  async function stopBuying(): Promise<void> {
    buying = false
    await Promise.all(orders)
  }

  async function close(): Promise<void> {
    buying = false
    end.abort()
    await walking
  }

  return { open, stopBuying, close, ...mischiefOf(portal, everybody) }
}

const stepMilliseconds = 100
// One in 20 s, and no more of them than a portal's list has room for.
const strangersPerStep = 0.005
const firstStranger = 1000
const mostStrangers = 40

/** The device's MAC address, locally administered; device 0 is the one to buy for by hand. */
export function macOf(router: number, device: number): string {
  const pairs = [router >> 8, router, device >> 8, device].map((part) => (part & 0xff).toString(16).padStart(2, '0'))
  return `02:74:${pairs.join(':')}`
}

// From .100 on no address begins with another one: openNDS 9.10 shuts 10.0.1.10 and takes 10.0.1.100 along.
function ipOf(router: number, device: number): string {
  return `10.${router & 0xff}.${Math.floor(device / 100)}.${100 + (device % 100)}`
}
