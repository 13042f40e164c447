// The gate plan: what the portal shows held against what the books say.
import type { Mac } from '../../protocol/index.ts'
import { majorVersion, type PortalClient, type PortalList, tellsOf } from '../valve/portal-client.ts'
import type { Books } from './books.ts'
import { currentLot, isPaid, remainingOf, type Session } from './session.ts'

export type Step =
  /** Without `client` the portal is asked to open for a device it has not seen. */
  | { act: 'open'; mac: Mac; client?: PortalClient; milliseconds?: number }
  | { act: 'close'; mac: Mac; client: PortalClient }
  /** Shuts a paid gate that lets nothing through, so that it can be opened again. */
  | { act: 'renew'; mac: Mac; client: PortalClient }

/** What to do with devices that are open and have no session. */
export type UnpaidPolicy = 'close' | 'report'

/** The steps that make the gates follow the books; every entry of a device counts. `blocked`: tokens of open gates. */
export function gatePlan(
  books: Books,
  list: PortalList,
  unpaid: UnpaidPolicy,
  blocked: ReadonlySet<string> = new Set(),
): Step[] {
  const steps: Step[] = list.clients.flatMap((client) => {
    const session = books.sessions.get(client.mac)
    if (session && isPaid(session)) {
      if (!client.open) return [openStep(session, client)]
      return blocked.has(client.token) ? [{ act: 'renew' as const, mac: client.mac, client }] : []
    }
    const isToShut = session ? client.open : isLeftOpen(books, list, client, unpaid)
    return isToShut ? [{ act: 'close' as const, mac: client.mac, client }] : []
  })
  if (!opensUnseen(list)) return steps
  const seen = new Set(list.clients.map((client) => client.mac))
  const isUnseen = ({ mac }: Session) => tellsOf(list, mac) && !seen.has(mac)
  const unseen = [...books.sessions.values()].filter((session) => isPaid(session) && isUnseen(session))
  return [...steps, ...unseen.map((session) => openStep(session))]
}

/**
 * The gates that can be opened on what the portal showed last, without asking it again first: whoever has just paid does
 * not wait for another look.
 */
export function openAtOnce(books: Books, remembered: PortalList): Step[] {
  const isNew = (session: Session | undefined) => session !== undefined && session.readAt === null
  return gatePlan(books, remembered, 'report').filter(
    (step) => step.act === 'open' && step.client !== undefined && isNew(books.sessions.get(step.mac)),
  )
}

/** Whether a step is still what the books want: a purchase may have come since it was planned. */
export function isDue(books: Books, step: Step): boolean {
  const session = books.sessions.get(step.mac)
  const isToBeOpen = session !== undefined && isPaid(session)
  return step.act === 'close' ? !isToBeOpen : isToBeOpen
}

/** Open, nobody paid, and not one of the devices that the router's owner trusts. */
export function isUnpaid({ sessions, shutting }: Books, { trusted }: PortalList, { mac, open }: PortalClient): boolean {
  return open && !sessions.has(mac) && !shutting.has(mac) && !trusted.includes(mac)
}

function isLeftOpen(books: Books, list: PortalList, client: PortalClient, unpaid: UnpaidPolicy): boolean {
  const wasMovedAway = client.open && books.shutting.has(client.mac)
  return wasMovedAway || (unpaid === 'close' && isUnpaid(books, list, client))
}

function openStep(session: Session, client?: PortalClient): Step {
  const timed = currentLot(session.lots)?.metric === 'milliseconds'
  return {
    act: 'open',
    mac: session.mac,
    ...(client && { client }),
    ...(timed && { milliseconds: remainingOf(session.lots).milliseconds }),
  }
}

// openNDS 10 authenticates a device on the LAN before it has met the portal page; the others know it by that page only.
function opensUnseen(list: PortalList): boolean {
  return list.kind === 'opennds' && majorVersion(list) >= 10
}
