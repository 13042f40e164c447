// The effect of an order on its session, pure: whether the portal shows it, whether another order undid it, and why it waits.
import type { CommandError, Event, Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { sessionById } from '../merchant/session-changes.ts'
import { refusal } from './answer.ts'
import type { Order } from './incoming.ts'

/** `shown`: the portal shows it. `over`: the session ended, or another order undid it. Undefined: not yet. */
export function effectOf(books: Books, order: Order, sessionId: string): 'shown' | 'over' | undefined {
  const session = sessionById(books, sessionId)
  if (!session || isUndone(order, session)) return 'over'
  // A portal that cannot be asked shows nothing, whatever it showed before.
  if (books.portalUnreachable) return undefined
  if (order.command === 'session.pause') return session.meter.seenOpen ? undefined : 'shown'
  const isOpen = session.meter.seenOpen !== null
  if (order.command === 'session.move') return isOpen && !books.shutting.has(order.from) ? 'shown' : undefined
  return isOpen ? 'shown' : undefined
}

/** Whether the session is no longer as this order left it, since another order changed it. */
export function isUndone(order: Order, { mac, paused }: { mac: Mac; paused: boolean }): boolean {
  switch (order.command) {
    case 'session.pause':
      return !paused
    case 'session.resume':
      return paused
    case 'session.move':
      return mac !== order.to
    case 'session.end':
      return false
  }
}

const endings: ReadonlySet<string> = new Set(['session.ended', 'purchase.accepted'])

/** The event that decides a `session.end`: the session's end, or a purchase that keeps it going. */
export function endingOf(sessionId: string, event: Event | undefined): Event | undefined {
  if (!event || !('sessionId' in event) || event.sessionId !== sessionId) return undefined
  // A session that ends in parts is over with the last of them, which has the totals.
  if (event.type === 'session.ended' && event.part !== event.parts) return undefined
  return endings.has(event.type) ? event : undefined
}

/** The order is on disk, and the portal does not show it yet. */
export function unconfirmed(books: Books, order: Order, mac: Mac): CommandError {
  return refusal(
    'gate-unconfirmed',
    `stored and being done, but ${delayOf(books, order, mac)}; the agent goes on trying`,
  )
}

function delayOf(books: Books, order: Order, mac: Mac): string {
  if (books.portalUnreachable) return 'the portal cannot be reached'
  if (order.command === 'session.pause' || order.command === 'session.end') {
    return 'the portal does not show the gate shut yet'
  }
  return `the portal does not show the gate of ${mac} open yet; the device may not be there`
}
