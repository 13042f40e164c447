// The next thing that a customer does: a state machine that is told the time and what passed, and answers with actions.
import type { Amounts, Metric } from '../../protocol/index.ts'

export interface Volume {
  downloaded: number
  uploaded: number
}

/** The lots that customers buy: some must be refused. */
export type CustomerOrder = { amount: number; unit: string } | { metric: Metric; allotment: number }

export type CustomerAction =
  /** `as`: under an address of its own, or under one that somebody else has or had. */
  | { do: 'arrive'; as: 'oneself' | 'somebody' }
  | { do: 'browse' }
  | { do: 'buy'; order: CustomerOrder }
  | { do: 'transfer'; volume: Volume }
  /** At the portal's own page, without paying; `custom` is what it adds to the page's address. */
  | { do: 'log-in'; custom: string }
  /** At the portal's own page, although something is left. */
  | { do: 'log-out' }
  | { do: 'leave' }

/** How an order ended: what the device has left, or nothing. */
export type CustomerAnswer = { accepted: true; remaining: Amounts } | { accepted: false }

/** All that a customer notices between two steps. */
export interface Noticed {
  /** Milliseconds of the clock. */
  now: number
  /** Bytes that passed since the last step. */
  passed: number
  answer?: CustomerAnswer
}

export interface Customer {
  /** `by-hand` stays, looks at the portal page and uses what somebody else buys for it. */
  kind: 'buying' | 'by-hand'
  bytesPerSecond: number
  uploadShare: number
  here: boolean
  online: boolean
  /** An order is on its way. */
  ordered: boolean
  /** The rest that the customer believes to have, and until when it waits for a gate because of that. */
  left: Record<Metric, number>
  believesUntil: number
  bought: Record<Metric, number>
  ordersThisVisit: number
  steppedAt: number
  decideAt: number
  browseAt: number
}

export function createCustomer(kind: Customer['kind'], now: number, random: () => number): Customer {
  return {
    kind,
    bytesPerSecond: between(3_000_000, 9_000_000, random),
    uploadShare: 0.05 + random() * 0.1,
    here: false,
    online: false,
    ordered: false,
    left: nothing,
    believesUntil: now,
    bought: nothing,
    ordersThisVisit: 0,
    steppedAt: now,
    decideAt: now + between(0, 1500, random),
    browseAt: now,
  }
}

/** One step: what the customer learns, decides and does. */
export function stepCustomer(
  before: Customer,
  noticed: Noticed,
  random: () => number,
): { customer: Customer; actions: CustomerAction[] } {
  const customer = learn(before, noticed, random)
  if (!customer.here) return noticed.now < customer.decideAt ? { customer, actions: [] } : arrive(customer, random)
  const decided = decide(customer, random)
  if (!decided.customer.here) return decided
  const browsing = browse(decided.customer)
  const transfer = { do: 'transfer', volume: volumeOf(customer, noticed.now - before.steppedAt, random) } as const
  return { customer: browsing.customer, actions: [...browsing.actions, ...decided.actions, transfer] }
}

type Step = ReturnType<typeof stepCustomer>

function learn(before: Customer, { now, passed, answer }: Noticed, random: () => number): Customer {
  const after = { ...before, steppedAt: now, online: passed > 0 }
  if (passed > 0) after.left = usedUp(before.left, { bytes: passed, milliseconds: now - before.steppedAt })
  if (before.online && !after.online && before.here) {
    after.left = nothing
    after.decideAt = now + between(500, 2000, random)
  }
  if (!answer) return after
  const remaining = answer.accepted ? allOf(answer.remaining) : after.left
  const decideAt = now + (answer.accepted ? between(1000, 3000, random) : between(500, 1500, random))
  const bought = answer.accepted ? { bought: remaining, believesUntil: now + patience } : {}
  return { ...after, ordered: false, left: remaining, ...bought, decideAt }
}

function arrive(customer: Customer, random: () => number): Step {
  const decideAt = customer.steppedAt + between(300, 1200, random)
  const browseAt = customer.steppedAt + browsePeriod
  return {
    customer: { ...customer, here: true, ordersThisVisit: 0, decideAt, browseAt },
    actions: [{ do: 'arrive', as: random() < rarely ? 'somebody' : 'oneself' }, { do: 'browse' }],
  }
}

function decide(customer: Customer, random: () => number): Step {
  const { steppedAt: now, online, left } = customer
  if (customer.kind === 'by-hand' || customer.ordered || now < customer.decideAt) return { customer, actions: [] }
  const later = { ...customer, decideAt: now + between(1500, 4000, random) }
  if (online) {
    if (random() < 0.1) return leave(customer, random)
    if (random() < rarely) return { customer: later, actions: [{ do: 'log-out' }] }
    return isLow(customer) && random() < 0.5 ? buy(later, random) : { customer: later, actions: [] }
  }
  // Paid, and the gate not open yet. An answer that came late may tell of a rest that was used up by then.
  const isPaid = left.bytes > 0 || left.milliseconds > 0
  if (isPaid && now < customer.believesUntil) return { customer: later, actions: [] }
  if (customer.ordersThisVisit > 0 && random() < 0.35) return leave(customer, random)
  if (customer.ordersThisVisit > 0 && random() < rarely)
    return { customer: later, actions: [{ do: 'log-in', custom: chooseCustom(random) }] }
  return buy(later, random)
}

function leave(customer: Customer, random: () => number): Step {
  const decideAt = customer.steppedAt + between(1500, 5000, random)
  return { customer: { ...customer, here: false, online: false, left: nothing, decideAt }, actions: [{ do: 'leave' }] }
}

function buy(customer: Customer, random: () => number): Step {
  const { ordersThisVisit } = customer
  return {
    customer: { ...customer, ordered: true, ordersThisVisit: ordersThisVisit + 1 },
    actions: [{ do: 'buy', order: chooseOrder(random) }],
  }
}

function chooseOrder(random: () => number): CustomerOrder {
  const choice = random()
  if (choice < 0.04) return { amount: 0, unit: 'sat' }
  if (choice < 0.08) return { amount: 1, unit: 'seashells' }
  if (choice < 0.33) return { metric: 'milliseconds', allotment: between(4, 12, random) * 500 }
  return { amount: between(1, 2, random), unit: 'sat' }
}

const patience = 60_000

// Tricks of real customers at a portal, by accident or to get more than they paid for.
const rarely = 0.03

/** Texts that read on as openNDS's own words, where it prints them. */
function chooseCustom(random: () => number): string {
  return customs[between(0, customs.length - 1, random)] ?? ''
}

const customs = ['x",\n"state":"Preauthenticated",\n"y":"z', 'one line\nand another', 'a "quoted" text']

// A customer who is shut out looks at the portal page every now and then: openNDS forgets a device that it shuts.
function browse(customer: Customer): Step {
  const { steppedAt: now } = customer
  if (customer.online || now < customer.browseAt) return { customer, actions: [] }
  return { customer: { ...customer, browseAt: now + browsePeriod }, actions: [{ do: 'browse' }] }
}

const browsePeriod = 2000

function volumeOf(customer: Customer, milliseconds: number, random: () => number): Volume {
  const bytes = (customer.bytesPerSecond * milliseconds * (0.6 + 0.8 * random())) / 1000
  const uploaded = Math.round(bytes * customer.uploadShare)
  return { downloaded: Math.round(bytes) - uploaded, uploaded }
}

function isLow({ left, bought }: Customer): boolean {
  return left.bytes <= bought.bytes * 0.4 && left.milliseconds <= bought.milliseconds * 0.4
}

function usedUp(left: Customer['left'], used: Customer['left']): Customer['left'] {
  return {
    bytes: Math.max(0, left.bytes - used.bytes),
    milliseconds: Math.max(0, left.milliseconds - used.milliseconds),
  }
}

function allOf({ bytes = 0, milliseconds = 0 }: Amounts): Customer['left'] {
  return { bytes, milliseconds }
}

const nothing = { bytes: 0, milliseconds: 0 }

function between(least: number, most: number, random: () => number): number {
  return least + Math.floor(random() * (most - least + 1))
}
