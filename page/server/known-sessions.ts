// The sessions of one router that are not over, with what each consists of: folded from reports and events, which travel separately.
import type { Event, Session, Usage } from '../../protocol/index.ts'
import type { Bought, Device, RouterRow } from '../wire/wire.ts'

export interface KnownSessions {
  /** All of them, as of one moment. */
  seeUsage(usage: Usage): void
  /** News of one. */
  seeEvent(event: Event): void
  /** Which purchases they consist of, also from events of the past. */
  account(event: Event): void
  counts(): Pick<RouterRow, 'open' | 'waiting' | 'paused'>
  bytesPerSecond(): number
  /** In the order of their addresses. */
  devices(): Device[]
}

interface Known {
  /** The last event that its numbers include. */
  asOfSeq: number
  session: Session
  rates: number[]
}

// At a report every ten seconds, ten minutes.
const ratesKept = 60

export function createKnownSessions(): KnownSessions {
  const sessions = new Map<string, Known>()
  const bought = new Map<string, Bought[]>()
  let epoch = ''

  function seeUsage(usage: Usage): void {
    enter(usage.epoch)
    const named = new Set(usage.sessions.map(({ sessionId }) => sessionId))
    for (const [sessionId, { asOfSeq }] of sessions) {
      if (asOfSeq <= usage.afterSeq && !named.has(sessionId)) sessions.delete(sessionId)
    }
    for (const session of usage.sessions) {
      const { rates } = see(session, usage.afterSeq)
      rates.push(session.bytesPerSecond)
      if (rates.length > ratesKept) rates.shift()
    }
  }

  function seeEvent(event: Event): void {
    enter(event.epoch)
    if (event.type === 'session.ended') {
      if (event.part === event.parts) sessions.delete(event.sessionId)
    } else if ('session' in event && event.session && event.seq !== undefined) see(event.session, event.seq)
  }

  // Only what is newer replaces what is known.
  function see(session: Session, asOfSeq: number): Known {
    const known = sessions.get(session.sessionId) ?? { asOfSeq: 0, session, rates: [] }
    if (asOfSeq >= known.asOfSeq) Object.assign(known, { asOfSeq, session })
    sessions.set(session.sessionId, known)
    return known
  }

  // A router that starts another journal has forgotten its sessions.
  function enter(told: string): void {
    if (told === epoch) return
    epoch = told
    sessions.clear()
  }

  function account(event: Event): void {
    if (event.type === 'purchase.accepted') {
      bought.set(event.sessionId, [...(bought.get(event.sessionId) ?? []), boughtBy(event)])
    } else if (event.type === 'session.settled') {
      const over = new Set(event.purchases.map(({ purchaseId }) => purchaseId))
      const rest = bought.get(event.sessionId)?.filter(({ purchaseId }) => !over.has(purchaseId)) ?? []
      bought.set(event.sessionId, rest)
    } else if (event.type === 'session.ended' && event.part === event.parts) bought.delete(event.sessionId)
  }

  function counts(): Pick<RouterRow, 'open' | 'waiting' | 'paused'> {
    const counted = { open: 0, waiting: 0, paused: 0 }
    // A session that closes is open for a moment still.
    for (const { session } of sessions.values()) counted[session.state === 'closing' ? 'open' : session.state]++
    return counted
  }

  function bytesPerSecond(): number {
    let sum = 0
    for (const { session } of sessions.values()) if (session.state === 'open') sum += session.bytesPerSecond
    return sum
  }

  function devices(): Device[] {
    const all = [...sessions.values()].map(
      ({ session, rates }): Device => ({ ...session, rates: [...rates], bought: bought.get(session.sessionId) ?? [] }),
    )
    return all.sort((one, other) => one.mac.localeCompare(other.mac))
  }

  return { seeUsage, seeEvent, account, counts, bytesPerSecond, devices }
}

function boughtBy({ purchaseId, at, metric, allotment, paid }: Extract<Event, { type: 'purchase.accepted' }>): Bought {
  return { purchaseId, at, metric, allotment, ...(paid && { paid: { amount: paid.amount, unit: paid.unit } }) }
}
