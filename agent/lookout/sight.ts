// Sight: all that the agent knows of the portal besides the books. Pure: each function gives the next sight.
import type { LiveStatus, Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { currentLot } from '../merchant/session.ts'
import type { Neighbour } from '../portal/neighbour.ts'
import {
  type Asked,
  entriesByIp,
  type PortalClient,
  type PortalList,
  type Question,
  updated,
  without,
} from '../portal/portal-client.ts'
import { gatesAlong, type ShutAlong } from '../portal/prefix-defect.ts'
import { othersAt, withHolders } from '../portal/shared-address.ts'
import type { Now } from '../time/moment.ts'
import { afterNeighbours, nothingSeen, type Seen } from './seen.ts'
import { nothingWatched, type Watch } from './watch.ts'
import { absentMilliseconds } from './whom-to-ask.ts'

export interface Sight {
  /** The portal as the status shows it. */
  portal: LiveStatus['portal']
  /** Facts about the portal itself, from the looks so far. */
  seen: Seen
  /** The memory of the gates from look to look. */
  watch: Watch
  /** The portal's list as the looks so far have shown it. */
  remembered: PortalList | undefined
  /** The LAN as the router's kernel last told of it. */
  neighbours: readonly Neighbour[] | undefined
  /** Devices to ask about at the next look: their gates may have been shut along with another one. */
  askAtOnce: readonly Mac[]
  /** When the portal last answered anything, and since when no question was answered, in milliseconds of this boot. */
  answeredAt: number
  unansweredSince: number | undefined
}

export const nothingKnown: Sight = {
  portal: { kind: 'unknown', version: null, state: 'unknown' },
  seen: nothingSeen,
  watch: nothingWatched,
  remembered: undefined,
  neighbours: undefined,
  askAtOnce: [],
  answeredAt: Number.NEGATIVE_INFINITY,
  unansweredSince: undefined,
}

/** A life of the agent begins: the one before may have been opening the gates of these sessions. */
export function adopting(sight: Sight, { sessions, shutAlong }: Books): Sight {
  const adopted = new Set([...sessions.values()].map(({ sessionId }) => sessionId))
  return { ...sight, watch: { ...sight.watch, adopted, perhapsAlong: shutAlong } }
}

/** The router's kernel told who is on the LAN. */
export function afterNotice(sight: Sight, neighbours: readonly Neighbour[] | undefined, books: Books, now: Now): Sight {
  const { remembered } = sight
  const seen = afterNeighbours(sight.seen, neighbours, remembered, books, now)
  if (!remembered) return { ...sight, neighbours, seen }
  const clients = withHolders(remembered.clients, remembered.clients, neighbours)
  return { ...sight, neighbours, seen, remembered: { ...remembered, clients } }
}

/** The question, and with it one about each device that has the IP of one asked about and that no answer has shown yet. */
export function withStrangers({ remembered, neighbours = [] }: Sight, question: Question): Question {
  if (question === 'all' || !remembered) return question
  const { clients } = remembered
  const macs = new Set(question.map(({ mac }) => mac))
  const ips = new Set(clients.filter(({ mac, open }) => open && macs.has(mac)).map(({ ip }) => ip))
  const isStranger = ({ mac, ip }: Neighbour) => ips.has(ip) && !clients.some((client) => client.mac === mac)
  const strangers = neighbours.filter((one) => isStranger(one) && !macs.has(one.mac))
  return [...question, ...strangers.map(({ mac }): Asked => ({ mac, names: [mac] }))]
}

/** Whether several devices stand at one IP in an answer, or in what is known beside it. */
export function isShared({ remembered }: Sight, list: PortalList): boolean {
  const known = entriesByIp([...(remembered?.clients ?? []), ...list.clients])
  return list.clients.some((client) => othersAt(client, known.get(client.ip) ?? []).length > 0)
}

/** An answer, and the whole list as far as it is known with it; both with the holders of shared addresses. */
export function merged({ remembered, neighbours }: Sight, list: PortalList): { told: PortalList; whole: PortalList } {
  const union = updated(remembered, list)
  const before = remembered?.clients
  const whole = { ...union, clients: withHolders(union.clients, union.clients, neighbours, before) }
  return { told: { ...list, clients: withHolders(list.clients, whole.clients, neighbours, before) }, whole }
}

/** The agent opens that device's gate, or may have. */
export function afterOpening(sight: Sight, mac: Mac): Sight {
  const { watch } = sight
  return { ...sight, watch: { ...watch, opening: new Set([...watch.opening, mac]) } }
}

/** The agent is about to shut that device's gate: a shut that is seen from now on is its own. */
export function beforeShut(sight: Sight, mac: Mac): Sight {
  const { watch } = sight
  return { ...sight, watch: { ...watch, shut: new Set([...watch.shut, mac]) } }
}

/** Another gate is about to be shut that takes these along. */
export function perhapsAlong(sight: Sight, gates: readonly ShutAlong[]): Sight {
  const { watch } = sight
  return { ...sight, watch: { ...watch, perhapsAlong: [...watch.perhapsAlong, ...gates] } }
}

/** The gates of sessions that lose their rules when that one is shut. */
export function goingAlong({ remembered }: Sight, { sessions }: Books, client: PortalClient): ShutAlong[] {
  const along = remembered ? gatesAlong(client, remembered) : []
  const { mac, token } = client
  return along.filter((other) => sessions.has(other.mac)).map((other) => ({ token: other.token, by: { mac, token } }))
}

/** The gates of sessions that have lost their rules with another one, or perhaps have, as the next life has to know them. */
export function goneAlong({ watch, remembered }: Sight, { sessions }: Books): ShutAlong[] {
  const paid = remembered?.clients.filter(({ mac }) => sessions.has(mac)) ?? []
  const known = paid.filter(({ token }) => watch.shutAlong.has(token)).map(({ token }) => ({ token }))
  return [...known, ...watch.perhapsAlong.filter(({ token }) => !watch.shutAlong.has(token))]
}

/** The portal has shut that gate, and perhaps others along with it. */
export function afterShut(sight: Sight, client: PortalClient): Sight {
  const { watch, remembered } = sight
  const along = remembered ? gatesAlong(client, remembered).map(({ token }) => token) : []
  const shutIps = new Set([...watch.shutIps, client.ip])
  return { ...sight, watch: { ...watch, shutAlong: new Set([...watch.shutAlong, ...along]), shutIps } }
}

/** The portal has forgotten the counters of an older entry. */
export function afterClearing(sight: Sight, { token }: PortalClient): Sight {
  const { watch } = sight
  return { ...sight, watch: { ...watch, cleared: new Set([...watch.cleared, token]) } }
}

/** The portal would not open an older entry that was to be cleared. */
export function afterRefusedClearing(sight: Sight, { token }: PortalClient): Sight {
  const { watch } = sight
  const tries = (watch.uncleared.get(token) ?? 0) + 1
  return { ...sight, watch: { ...watch, uncleared: new Map(watch.uncleared).set(token, tries) } }
}

const clearingTries = 3

/** Tokens of older entries that the portal has refused to open again and again: a payer is not kept out for them. */
export function unclearable({ watch }: Sight): ReadonlySet<string> {
  return new Set([...watch.uncleared].filter(([, tries]) => tries >= clearingTries).map(([token]) => token))
}

/** One entry was read again. */
export function afterReading(sight: Sight, last: PortalClient): Sight {
  const { remembered } = sight
  if (!remembered) return sight
  const read = ({ heldBy }: PortalClient) => ({ ...last, ...(heldBy && { heldBy }) })
  const clients = remembered.clients.map((entry) => (entry.token === last.token ? read(entry) : entry))
  return { ...sight, remembered: { ...remembered, clients } }
}

/** An entry is gone. Nothing else tells of it where it stood behind an older one at its IP, and kept a payer there waiting. */
export function afterLoss(sight: Sight, client: PortalClient): Sight {
  const { remembered } = sight
  return remembered ? { ...sight, remembered: without(remembered, client) } : sight
}

// Before a shut, a reading older than this is taken again, however slow the portal is.
const mostFreshMilliseconds = 20

/**
 * Whether a reading need not be taken again before a shut: a reading younger than one portal call is as good as a new one. Of a
 * session that is used up nothing more is charged: while a slow portal tells how much has passed meanwhile, as much again passes.
 */
export function isFresh({ seen }: Sight, { sessions }: Books, client: PortalClient, at: number): boolean {
  const { mac, askedAt, borrowed } = client
  const session = sessions.get(mac)
  if (!session) return true
  const isUsedUp = currentLot(session.lots) === undefined
  // Behind an older entry each reading takes two questions, and one about a device that has left takes a second.
  const latency = borrowed ? Math.max(seen.latencyMilliseconds, absentMilliseconds) : seen.latencyMilliseconds
  const most = isUsedUp ? latency : Math.min(seen.latencyMilliseconds, mostFreshMilliseconds)
  return askedAt !== undefined && at - askedAt <= most
}
