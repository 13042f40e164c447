// Metering: what a look at the portal means for each session's lots.
import type { Mac, WaitingFor } from '../../protocol/index.ts'
import {
  clearDataBaseline,
  getDataUsageSinceBaseline,
  isAtBaseline,
  isContinued,
  openingBaseline,
  setDataBaseline,
} from '../portal/baseline.ts'
import { counted, type GuardTable, isCut, isOver } from '../portal/guard-table.ts'
import type { Neighbour } from '../portal/neighbour.ts'
import { entriesOf, type PortalClient } from '../portal/portal-client.ts'
import { behindOlder, othersAt } from '../portal/shared-address.ts'
import { type Moment, since } from '../time/moment.ts'
import type { Books } from './books.ts'
import { type Metering, meteringOf } from './journal-record.ts'
import { isPaid, type Meter, remainingOf, type Session, soleMetric, useLots } from './session.ts'
import { beginMeters, countBoth, isAtOldLimit } from './two-meters.ts'

/** A look as metering needs it: the entries, their moment, and facts about the gates. */
export interface Look {
  /** When the portal was asked, where an entry does not say it. */
  at: Moment
  clients: readonly PortalClient[]
  /** The agent's running time, in milliseconds. */
  uptime: number
  /** Devices whose open gate, seen shut before, this agent has not opened: their use so far is not the session's. */
  openedByOthers?: ReadonlySet<Mac>
  /** Tokens of gates that the portal calls open and that let nothing through: no time is charged for them. */
  blocked?: ReadonlySet<string>
  trusted?: readonly Mac[]
  /** Another life of the agent was the last to look at that device. */
  isFirst?: boolean
  /** The LAN as the router's kernel last told of it. */
  neighbours?: readonly Neighbour[] | undefined
  /** Tokens of entries that earlier answers have shown, open or shut. */
  listed?: ReadonlySet<string>
  /** The kernel's table, read after the portal was asked; and where it was not read, as it was last known. */
  guard?: GuardTable
  knownGuard?: GuardTable
}

/** Charges every session for what was used since the look before. */
export function meter(books: Books, look: Look): Metering[] {
  return [...books.sessions.values()].map((session) => meterSession(session, look))
}

/** Charges one session: bytes by the portal's counters, time while the gate was seen open at both ends of it. */
export function meterSession(session: Session, look: Look): Metering {
  const { meter } = session
  const entries = entriesOf(look.clients, session.mac)
  const open = entries.filter((entry) => entry.open)
  const isOpen = open.length > 0
  const at = {
    bootId: look.at.bootId,
    at: Math.min(look.at.at, ...entries.map((entry) => entry.askedAt ?? look.at.at)),
  }
  const isOthers = look.openedByOthers?.has(session.mac) === true
  const baseline = isOthers ? setDataBaseline(open) : meter.baseline
  const timed = (look.guard ?? look.knownGuard)?.until
  const isTimeOver = entries.some(({ ip }) => isOver(timed?.get(ip), look.at.at))
  const lent = isLent(session, entries, look)
  const isOthersCount = isAnothers(session, entries, look)
  const read = { guard: look.guard, known: look.knownGuard, left: leftToKernel(session) }
  const { moved, recounts, beyond, portal, guard } = countBoth(session.sessionId, meter, {
    usage: getDataUsageSinceBaseline(baseline, entries, meter.seenOpen !== null, look.listed),
    isContinued: isContinued(baseline, entries),
    // While another device has its address, the kernel counts that one's bytes too. A life before may have opened the gate without
    // a word on the disk: the kernel has counted from there on.
    isCounted: (meter.seenOpen !== null || isOpen || look.isFirst === true) && !isOthers && !lent,
    isLent: lent,
    ...read,
    isMistaken: isTimeOver || isOthersCount,
  })
  const isPending = (read.guard ?? read.known) !== undefined && isAtOldLimit(session.sessionId, meter, read)
  // Until the kernel counts the address for this session, it may drop what the portal counts.
  const recountsFrom = isOthersCount ? 0 : isPending ? meter.recountsFrom : undefined
  const passing = open.filter((entry) => !look.blocked?.has(entry.token))
  const shown = meter.seenOpen && isContinued(baseline, passing) ? (since(meter.seenOpen, at) ?? 0) : 0
  // The portal goes on showing a gate open behind which the kernel has ended the time.
  const openFor = isTimeOver ? Math.min(shown, meter.untoldLeft ?? shown) : shown
  const charged = useLots(session.lots, { bytes: counted(moved) - beyond, milliseconds: openFor })
  return {
    mac: session.mac,
    used: charged.lots.map((lot) => lot.used),
    meter: {
      baseline: isOpen ? setDataBaseline(open, recounts ? [] : baseline) : baselineWhileShut(meter),
      seenOpen: isOpen ? at : null,
      lastOpen: isOpen ? null : (meter.seenOpen ?? meter.lastOpen),
      readAt: at,
      downloaded: meter.downloaded + moved.downloaded,
      uploaded: meter.uploaded + moved.uploaded,
      openMilliseconds: meter.openMilliseconds + openFor,
      bytesPerSecond: isOpen ? rateOf(meter, counted(moved), at) : 0,
      overshootBytes: meter.overshootBytes + charged.overshootBytes + beyond,
      unreadBytes: meter.unreadBytes,
      idleSince: isOpen ? look.uptime : meter.idleSince,
      waitingFor: isOpen || !isPaid(session) ? undefined : waitingFor(session.mac, entries, look.trusted),
      ...(portal && { portal }),
      ...(guard && { guard }),
      ...(recountsFrom !== undefined && { recountsFrom }),
      ...(isTimeOver && meter.untoldLeft !== undefined && { untoldLeft: meter.untoldLeft - openFor }),
      ...cutAfter(session, entries, look),
    },
  }
}

// The kernel keeps the end of bytes alone.
function leftToKernel({ lots }: Session): number {
  return soleMetric(lots) === 'bytes' ? remainingOf(lots).bytes : Number.POSITIVE_INFINITY
}

// Whether another device has an address that the kernel counts for this session: its bytes may be in the count.
function isLent({ sessionId, mac }: Session, entries: readonly PortalClient[], look: Look): boolean {
  const byIp = (look.guard ?? look.knownGuard)?.byIp ?? new Map<string, string>()
  const isHeld = ({ heldBy, ip }: PortalClient) => heldBy !== undefined && byIp.get(ip) === sessionId
  const isOthers = (ip: string) => byIp.get(ip) === sessionId && !entries.some((entry) => entry.ip === ip)
  return entries.some(isHeld) || look.neighbours?.some((one) => one.mac !== mac && isOthers(one.ip)) === true
}

// The kernel counts that address for a session that it was not told to be over, and cuts it at that one's end.
function isAnothers({ sessionId }: Session, entries: readonly PortalClient[], { guard, knownGuard }: Look): boolean {
  const counted = guard ? [] : entries.flatMap(({ ip }) => knownGuard?.byIp.get(ip) ?? [])
  return counted.some((other) => other !== sessionId)
}

// The kernel has stopped a device whose quota has passed, or whose time has ended, also at a gate that stands open.
function cutAfter(
  { sessionId, meter }: Session,
  entries: readonly PortalClient[],
  { guard }: Look,
): Pick<Meter, 'cut'> {
  const isTimeOver = guard !== undefined && entries.some(({ ip }) => guard.until.get(ip) === null)
  if (guard && (isTimeOver || isCut(guard, sessionId))) return { cut: 'kernel' }
  return meter.cut && !entries.some(({ open }) => open) ? { cut: meter.cut } : {}
}

function waitingFor(mac: Mac, entries: readonly PortalClient[], trusted: readonly Mac[] = []): WaitingFor {
  if (trusted.includes(mac)) return 'trusted'
  // An entry whose IP another device has now is no way to let this one in.
  return entries.some((entry) => !entry.heldBy) ? 'gate' : 'device'
}

/**
 * The point to measure from, put on disk before the gate opens: an agent that dies in between still knows it. `known`: the
 * portal's whole list as far as it is known; `table`: the kernel's, which will have a count of this session; `isSure`: it can be asked.
 */
export function opening(
  session: Session,
  clients: readonly PortalClient[],
  known: readonly PortalClient[] = clients,
  table?: GuardTable,
  isSure = true,
): Metering {
  const entries = entriesOf(clients, session.mac).map((entry) => behindOlder(entry, known))
  // Another device's open gate at that IP adds to the same counters.
  const isUsed = entries.some((entry) => othersAt(entry, known).some((other) => other.open))
  const baseline = isUsed ? setDataBaseline(entries) : openingBaseline(entries)
  const isOthers = (ip: string) => othersAt({ ip, mac: session.mac }, known).some((other) => other.open)
  const meters = beginMeters(session, table, { isSure, isOthers })
  return meteringOf(session, { baseline, recountsFrom: undefined, ...meters })
}

// A gate that was open is shut now: nothing to measure from. A gate that is about to open keeps the baseline set for it.
function baselineWhileShut({ seenOpen, baseline }: Meter): Meter['baseline'] {
  return seenOpen ? clearDataBaseline() : baseline
}

// A rate is smoothed over this time: two looks shortly after one another say little.
const rateMemoryMilliseconds = 500

function rateOf({ seenOpen, bytesPerSecond }: Meter, bytes: number, at: Moment): number {
  const interval = seenOpen && since(seenOpen, at)
  if (!interval) return bytesPerSecond
  const weight = 1 - Math.exp(-interval / rateMemoryMilliseconds)
  // Halve the rate when nothing moved, or an idle session would be polled as if it were ending.
  const before = bytes === 0 ? bytesPerSecond / 2 : bytesPerSecond
  return Math.round(before * (1 - weight) + (bytes / interval) * 1000 * weight)
}

/**
 * The session after the portal has shut its gate at this agent's order. `milliseconds`: from the last reading to the shut, which
 * nobody could read, since the portal forgets its counters with the gate. Where the kernel has not counted, the measured rate
 * stands for them, as `unreadBytes`: nobody is charged by an estimate.
 */
export function shutByPortal(session: Session, milliseconds: number): Metering {
  const { bytesPerSecond, unreadBytes, guard, cut = 'portal' } = session.meter
  const bytes = guard ? 0 : Math.round((bytesPerSecond * milliseconds) / 1000)
  return meteringOf(session, { unreadBytes: unreadBytes + bytes, cut })
}

/** Whether its gate is seen open now and was not before: from here on it is measured. */
export function isSeenAgain(before: Session | undefined, { meter }: Metering): boolean {
  return before?.meter.seenOpen === null && meter.seenOpen !== null
}

/** Whether a gate's opening lacks a point to measure from. */
export function lacksBaseline(session: Session, clients: readonly PortalClient[]): boolean {
  const entries = entriesOf(clients, session.mac)
  return entries.some((client) => {
    const from = session.meter.baseline.find((entry) => entry.token === client.token)
    // The counters of a shut gate move where another device at its IP uses them.
    return !from || (!client.open && !isAtBaseline(from, client))
  })
}

/** With the daemon gone everybody is on line and nobody is charged: no gate counts as seen open. */
export function unseen(books: Books): Metering[] {
  const open = [...books.sessions.values()].filter(({ meter }) => meter.seenOpen)
  return open.map((session) => meteringOf(session, { seenOpen: null, bytesPerSecond: 0, guard: undefined }))
}

/** A portal that was silent for long: nothing is charged from its last answer before to its first after, bytes or time. */
export function unanswered(books: Books): Metering[] {
  return unseen(books).map(({ meter, ...rest }) => ({ ...rest, meter: { ...meter, baseline: clearDataBaseline() } }))
}
