// When to look again: often enough that the last look falls on the last bytes, seldom enough to be quiet.
import type { Moment } from '../moment.ts'
import type { Books } from './books.ts'
import { currentLot, type Lot, type Session, stateOf } from './session.ts'

export interface LookSettings {
  lookIntervalMilliseconds: number
  nearIntervalMilliseconds: number
  linkMegabits: number
}

// A rate is an estimate: looks do not come closer than this, however near it says the end is.
const closestPrediction = 50

/** Milliseconds until the next look is due. */
export function nextLookIn(books: Books, now: Moment, settings: LookSettings): number {
  let next = settings.lookIntervalMilliseconds
  for (const session of books.sessions.values()) next = Math.min(next, ...momentsOf(session, now, settings))
  return Math.max(0, next)
}

function momentsOf(session: Session, now: Moment, settings: LookSettings): number[] {
  const { seenOpen, bytesPerSecond } = session
  const near = settings.nearIntervalMilliseconds
  if (stateOf(session) !== 'open') return stateOf(session) === 'paused' && !seenOpen ? [] : [near]
  const left = leftInCurrentMetric(session.lots)
  if (!seenOpen || !left) return [near]
  const sinceLook = Math.max(0, now.at - seenOpen.at)
  if (left.metric === 'milliseconds') return [left.amount - sinceLook]
  const bytesPerMillisecond = settings.linkMegabits * 125
  const predicted = bytesPerSecond > 0 ? [(left.amount / bytesPerSecond) * 1000 - sinceLook] : []
  return [
    ...(left.amount <= settings.lookIntervalMilliseconds * bytesPerMillisecond ? [near] : []),
    ...predicted.map((milliseconds) => Math.max(closestPrediction, milliseconds)),
  ]
}

/** What is left of the lot in use and those right behind it in the same metric: until then nothing changes. */
function leftInCurrentMetric(lots: readonly Lot[]): { metric: Lot['metric']; amount: number } | undefined {
  const metric = currentLot(lots)?.metric
  if (!metric) return undefined
  let amount = 0
  for (const lot of lots.filter((candidate) => candidate.used < candidate.allotment)) {
    if (lot.metric !== metric) break
    amount += lot.allotment - lot.used
  }
  return { metric, amount }
}
