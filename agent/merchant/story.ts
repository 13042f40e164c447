// The story of one purchase, told from the events of the journal, for whoever has to explain it to a customer.
import type { Event, EventOf } from '../../protocol/index.ts'

export interface Chapter {
  seq: number
  at: string
  text: string
}

/** A story as it is told, event by event, in order. */
export interface Story {
  readonly chapters: readonly Chapter[]
  /** Nothing more belongs to it. */
  readonly isEnded: boolean
  tell(event: Event): void
}

/** The story of a purchase, from the event of its outcome on; events that do not concern it are left out. */
export function storyOf(purchaseId: string): Story {
  const chapters: Chapter[] = []
  const about: About = { purchaseId }
  let isBegun = false
  let isEnded = false

  function tell(event: Event): void {
    if (isEnded) return
    const isOutcome = !isBegun && 'purchaseId' in event && event.purchaseId === purchaseId
    if (isOutcome && event.type === 'purchase.accepted') Object.assign(about, following(event))
    isBegun ||= isOutcome
    if (!isBegun) return
    const text = textOf(event, about)
    if (text !== undefined) chapters.push({ seq: event.seq ?? 0, at: event.at, text })
    if (event.type === 'session.moved' && event.sessionId === about.sessionId) about.mac = event.to
    isEnded = isOutcome
      ? event.type === 'purchase.rejected'
      : event.type === 'session.ended' && event.sessionId === about.sessionId
  }

  return {
    chapters,
    get isEnded() {
      return isEnded
    },
    tell,
  }
}

interface About {
  purchaseId: string
  sessionId?: string
  mac?: string
}

const following = ({ sessionId, mac }: EventOf<'purchase.accepted'>) => ({ sessionId, mac })

function textOf(event: Event, about: About): string | undefined {
  if ('sessionId' in event && event.sessionId !== undefined && event.sessionId !== about.sessionId) return undefined
  switch (event.type) {
    case 'purchase.accepted': {
      const bought = `${event.allotment.toLocaleString('en')} ${event.metric}`
      if (event.purchaseId !== about.purchaseId) return `purchase ${event.purchaseId} added ${bought} to the session`
      const waits = event.session?.state === 'waiting' ? '; the gate was still shut' : ''
      return `accepted: ${bought} for ${event.mac}, in session ${event.sessionId}${waits}`
    }
    case 'purchase.rejected':
      return event.purchaseId === about.purchaseId ? `refused with ${event.code}: ${event.message}` : undefined
    case 'session.started':
      return `the gate opened, ${event.openedAfterMilliseconds.toLocaleString('en')} ms after the session's first purchase`
    case 'session.paused':
      return 'paused by command'
    case 'session.resumed':
      return 'resumed by command'
    case 'session.moved':
      return `moved by command from ${event.from} to ${event.to}`
    case 'session.settled':
      return event.purchases.some((purchase) => purchase.purchaseId === about.purchaseId)
        ? 'used up, and left out of the session from here on'
        : undefined
    case 'session.ended':
      return ending(event, about.purchaseId)
    case 'gate.drift':
      return event.mac === undefined || event.mac === about.mac ? `${event.kind}: ${event.repair}` : undefined
    case 'agent.started':
      return `the agent started (${event.why})`
    case 'agent.stopped':
      return `the agent was stopped (${event.why})`
  }
}

function ending({ reason, purchases }: EventOf<'session.ended'>, purchaseId: string): string {
  const own = purchases.find((purchase) => purchase.purchaseId === purchaseId)
  const of = own
    ? `: ${[own.used, own.allotment, own.unused].map((count) => count.toLocaleString('en')).join(' / ')}`
    : ''
  return `the session ended (${reason})${of}${own ? ` ${own.metric} used / bought / unused` : ''}`
}
