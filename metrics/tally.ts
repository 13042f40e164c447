// The counters of one router: its events, counted as they happen.
import { DriftKind, EndReason, type Event, type EventOf, type Paid } from '../protocol/index.ts'
import { plus } from './decimal.ts'

/** Of what a consumer could not have any more. `toSeq` is null where nobody knows how many they are. */
interface Lost {
  type: 'lost'
  fromSeq: number
  toSeq: number | null
  why: string
}

export interface Tally {
  /** By `accepted` or a refusal's code. */
  readonly outcomes: Map<string, number>
  /** The money paid for accepted purchases, by unit and source, as exact decimals. */
  readonly money: Map<string, { unit: string; source?: string; sum: string }>
  /** From the purchase to the open gate: how many within each bound, the last one without. */
  readonly openings: { within: number[]; count: number; milliseconds: number }
  readonly ends: Map<EndReason, number>
  readonly drifts: Map<string, number>
  readonly lost: Map<string, number>
  starts: number
  overshootBytes: number
  unreadBytes: number
}

/** Of the openings, in seconds. */
export const openingBounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600] as const

const lossReasons = ['pruned', 'epoch', 'damaged', 'too-large']

/** With a 0 for all that an alert watches: an increase from nothing would not be seen. */
export function newTally(): Tally {
  return {
    outcomes: new Map([['accepted', 0]]),
    money: new Map(),
    openings: { within: openingBounds.map(() => 0), count: 0, milliseconds: 0 },
    ends: new Map(EndReason.options.map((reason) => [reason, 0])),
    drifts: new Map(DriftKind.options.map((kind) => [kind, 0])),
    lost: new Map(lossReasons.map((why) => [why, 0])),
    ...{ starts: 0, overshootBytes: 0, unreadBytes: 0 },
  }
}

/** Counts an event that comes once, or word of lost ones; other items are passed over. */
export function count(tally: Tally, item: Event | Lost | { type: 'unrecognised' }): void {
  switch (item.type) {
    case 'purchase.accepted':
      add(tally.outcomes, 'accepted', 1)
      if (item.paid) addMoney(tally, item.paid)
      break
    case 'purchase.rejected':
      add(tally.outcomes, item.code, 1)
      break
    case 'session.started':
      addOpening(tally.openings, item.openedAfterMilliseconds)
      break
    case 'session.ended':
      // The totals of a session that ends in parts stand in the last one.
      if (item.part === item.parts) addEnd(tally, item)
      break
    case 'gate.drift':
      add(tally.drifts, item.kind, item.count ?? 1)
      break
    case 'agent.started':
      tally.starts++
      break
    case 'lost':
      add(tally.lost, item.why, item.toSeq === null ? 1 : item.toSeq - item.fromSeq + 1)
  }
}

function addEnd(tally: Tally, { reason, overshootBytes = 0, unreadBytes = 0 }: EventOf<'session.ended'>): void {
  add(tally.ends, reason, 1)
  tally.overshootBytes += overshootBytes
  tally.unreadBytes += unreadBytes
}

function add<Key>(counts: Map<Key, number>, key: Key, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more)
}

function addMoney({ money }: Tally, { amount, unit, source }: Paid): void {
  const key = JSON.stringify([unit, source])
  const sum = plus(money.get(key)?.sum ?? '0', amount)
  money.set(key, { unit, ...(source !== undefined && { source }), sum })
}

function addOpening(openings: Tally['openings'], milliseconds: number): void {
  openings.count++
  openings.milliseconds += milliseconds
  for (const [index, bound] of openingBounds.entries()) {
    if (milliseconds <= bound * 1000) openings.within[index] = (openings.within[index] ?? 0) + 1
  }
}
