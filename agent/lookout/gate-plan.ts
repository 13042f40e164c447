// The gate plan: what the portal shows held against what the books say.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { currentLot, isPaid, remainingOf, type Session } from '../merchant/session.ts'
import { majorVersion, type PortalClient, type PortalList, tellsOf } from '../portal/portal-client.ts'
import { othersAt } from '../portal/shared-address.ts'

export type Step =
  /** Without `client` the portal is asked to open for a device it has not seen. */
  | { act: 'open'; mac: Mac; client?: PortalClient; milliseconds?: number }
  /** `isDisplaced`: paid or not, another device has its IP now. */
  | { act: 'close'; mac: Mac; client: PortalClient; isDisplaced?: true }
  /** Shuts a paid gate that lets nothing through, or shows nothing of what it lets through, so that it can be opened again. */
  | { act: 'renew'; mac: Mac; client: PortalClient }
  /**
   * Makes the portal forget what it has counted before at the IP of a paid device, by opening and shutting the gate of the
   * entry that shows it: such a counter shows nothing new until it has passed what it showed before.
   */
  | { act: 'clear'; mac: Mac; client: PortalClient }

/** The treatment of devices that are open and have no session. */
export type UnpaidPolicy = 'close' | 'report'

/** Facts that a plan is made from, besides the answer. */
export interface PlanContext {
  /** Tokens of open gates that let nothing through. */
  blocked?: ReadonlySet<string>
  /** Tokens of older entries that were to be cleared. */
  cleared?: ReadonlySet<string>
  /** Tokens of older entries that the portal will not let be cleared: the count there hides what passes until it is reached. */
  unclearable?: ReadonlySet<string>
  /** The portal's whole list as far as it is known. */
  known?: readonly PortalClient[]
  /** Whether a device is to be let in now: one that shuts its own gate again and again waits. */
  mayOpen?: (mac: Mac) => boolean
  /** Whether a device that the portal has not seen is on the LAN, as far as somebody can tell. */
  isOnLan?: (mac: Mac) => boolean
  /** Devices that the owner lets in anyway: the portal opens no gate for them. */
  trusted?: readonly Mac[] | undefined
}

/** The steps that make the gates follow the books, ends first; every entry of a device counts. */
export function gatePlan(books: Books, list: PortalList, unpaid: UnpaidPolicy, context: PlanContext = {}): Step[] {
  const steps = list.clients.flatMap((client) => stepsFor(books, list, client, unpaid, context))
  // A count that is cleared while another gate at its IP is open goes on from there.
  const urgency = ({ act, mac }: Step) => (act === 'clear' ? -1 : Number(books.sessions.has(mac)))
  const closing = onceEach(steps.filter((step) => step.act !== 'open')).sort((a, b) => urgency(b) - urgency(a))
  const opening = [...steps.filter((step) => step.act === 'open'), ...unseenSteps(books, list, context)]
  const { mayOpen = () => true, unclearable } = context
  const isInTheWay = ({ act, client }: Step) => act !== 'clear' || !unclearable?.has(client?.token ?? '')
  // Two gates at one IP have one counter: the older one is shut first, and the newer opens with the next plan.
  const isFree = ({ mac, client }: Step) => {
    const there = closing.filter((step) => step.mac !== mac && client !== undefined && step.client.ip === client.ip)
    return !there.some(isInTheWay)
  }
  return [...closing, ...opening.filter((step) => mayOpen(step.mac) && isFree(step))]
}

/**
 * The gates that can be opened on what the portal showed last, without asking it again first: a device that has just paid
 * does not wait for another look.
 */
export function openAtOnce(books: Books, remembered: PortalList): Step[] {
  const isNew = (session: Session | undefined) => session !== undefined && session.meter.readAt === null
  return gatePlan(books, remembered, 'report').filter((step) => {
    // Counters that another device has moved are no point to measure from.
    const isAlone = step.client !== undefined && othersAt(step.client, remembered.clients).length === 0
    return step.act === 'open' && isAlone && !step.client?.isOutdated && isNew(books.sessions.get(step.mac))
  })
}

function onceEach<T extends { client: PortalClient }>(steps: readonly T[]): T[] {
  return [...new Map(steps.map((step) => [step.client.token, step])).values()]
}

/** Whether a step is still what the books want: a purchase may have come since it was planned. */
export function isDue(books: Books, step: Step): boolean {
  const session = books.sessions.get(step.mac)
  const isToBeOpen = session !== undefined && isPaid(session)
  if (step.act === 'clear') return true
  return step.act === 'close' ? !isToBeOpen || step.isDisplaced === true : isToBeOpen
}

/** Open, nobody paid, and not one of the devices that the router's owner trusts. */
export function isUnpaid({ sessions, shutting }: Books, { trusted }: PortalList, { mac, open }: PortalClient): boolean {
  return open && !sessions.has(mac) && !shutting.has(mac) && trusted !== undefined && !trusted.includes(mac)
}

/** Open without a session, as far as the answer tells: whether its owner trusts it may still have to be asked. */
export function isStrange({ sessions, shutting }: Books, { mac, open }: PortalClient): boolean {
  return open && !sessions.has(mac) && !shutting.has(mac)
}

function stepsFor(
  books: Books,
  list: PortalList,
  client: PortalClient,
  unpaid: UnpaidPolicy,
  { blocked, cleared, known = list.clients }: PlanContext,
): Step[] {
  const { mac, token } = client
  const session = books.sessions.get(mac)
  if (!session || !isPaid(session)) {
    const isToShut = session ? client.open : isLeftOpen(books, list, client, unpaid)
    return isToShut ? [{ act: 'close', mac, client }] : []
  }
  if (client.heldBy && !takesOver(client, known)) {
    return client.open ? [{ act: 'close', mac, client, isDisplaced: true }] : []
  }
  if (client.open) {
    const isToRenew = blocked?.has(token) || (isHidden(session, client) && survivesClearing(list))
    return isToRenew ? [{ act: 'renew', mac, client }] : []
  }
  // The portal would count what passes here as the older entry's.
  const inTheWay = othersAt(client, known).filter((other) => other.open)
  const shuts = inTheWay.map((other): Step => ({ act: 'close', mac: other.mac, client: other, isDisplaced: true }))
  const oldest = known.find((other) => other.ip === client.ip)
  const isToClear = oldest && !oldest.open && client.downloaded + client.uploaded > 0 && !cleared?.has(oldest.token)
  const isOwn = oldest?.token === token
  if (isToClear && (isOwn ? survivesClearing(list) : client.borrowed && oldest.mac !== mac)) {
    shuts.push({ act: 'clear', mac: oldest.mac, client: oldest })
    // It has another token then, or is gone: the next plan opens for the device.
    if (isOwn) return shuts
  }
  return [...shuts, openStep(session, client)]
}

// An agent that died while it cleared the entry has left the gate open before the count that was to go.
function isHidden({ meter }: Session, { token, borrowed }: PortalClient): boolean {
  return !borrowed && meter.baseline.some((entry) => entry.token === token && entry.hiddenBelow !== undefined)
}

// openNDS drops an entry with its gate: before version 10 the payer would have to meet the portal's page again.
function survivesClearing(list: PortalList): boolean {
  return list.kind === 'nodogsplash' || majorVersion(list) >= 10
}

// Where the LAN does not tell who is there, a payer who met the portal's page at that IP after the others has it now.
function takesOver({ ip, token, open, heldBy }: PortalClient, known: readonly PortalClient[]): boolean {
  return !open && !heldBy?.isOnLan && known.findLast((other) => other.ip === ip)?.token === token
}

function isLeftOpen(books: Books, list: PortalList, client: PortalClient, unpaid: UnpaidPolicy): boolean {
  const wasMovedAway = client.open && books.shutting.has(client.mac)
  return wasMovedAway || (unpaid === 'close' && isUnpaid(books, list, client))
}

// openNDS 10 authenticates a device on the LAN before it has met the portal page; the others know it by that page only.
function unseenSteps(books: Books, list: PortalList, { isOnLan = () => true, trusted = [] }: PlanContext): Step[] {
  if (list.kind !== 'opennds' || majorVersion(list) < 10) return []
  const seen = new Set(list.clients.map((client) => client.mac))
  const isUnseen = ({ mac }: Session) => tellsOf(list, mac) && !seen.has(mac)
  return [...books.sessions.values()]
    .filter((session) => isPaid(session) && isUnseen(session) && isOnLan(session.mac) && !trusted.includes(session.mac))
    .map((session) => openStep(session))
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
