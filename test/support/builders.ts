// Builders for the tests: each gives a sound value, and the test says only what matters to its case.
import { type Config, readConfig } from '../../agent/config.ts'
import { fingerprint } from '../../agent/fingerprint.ts'
import { emptyBooks, type Outcome, type WritableBooks } from '../../agent/merchant/books.ts'
import type { Metering } from '../../agent/merchant/journal-record.ts'
import type { Tariff } from '../../agent/merchant/purchase-session.ts'
import { type Lot, type Meter, type Session, unmetered } from '../../agent/merchant/session.ts'
import type { PortalClient, PortalList } from '../../agent/portal/portal-client.ts'
import type { Now } from '../../agent/time/moment.ts'
import { Mac, parsePurchase, type RouterId, RouterId as RouterIdSchema } from '../../protocol/index.ts'

export const aRouterId: RouterId = RouterIdSchema.parse('r1')

/** The MAC of the device of that number, as it stands on the wire. */
export function aMac(device = 1): Mac {
  const [high, low] = [Math.floor(device / 256), device % 256].map((part) => part.toString(16).padStart(2, '0'))
  return Mac.parse(`02:66:ca:fe:${high}:${low}`)
}

export const anIp = (device = 1): string => `192.168.66.${100 + device}`

export const aWall = Date.parse('2026-11-22T10:00:00.000Z')

/** A moment of the boot `boot-1`; the wall clock goes with it unless the test says otherwise. */
export function aNow({ at = 0, ...rest }: Partial<Now> = {}): Now {
  return { bootId: 'boot-1', at, wall: aWall + at, clockSynced: true, ...rest }
}

/** 21 MiB for one sat, as in the seed. */
export function aTariff(parts: Partial<Tariff> = {}): Tariff {
  return { metric: 'bytes', stepSize: 22_020_096, prices: [aPrice()], directGrants: true, ...parts }
}

export function aPrice(parts: Partial<Tariff['prices'][number]> = {}): Tariff['prices'][number] {
  return { unit: 'sat', pricePerStep: 1, minSteps: 1, ...parts }
}

/** A purchase as a backend writes it: one sat for device 1. */
export function aPurchase(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const isGrant = 'allotment' in fields || 'metric' in fields
  return { purchaseId: 'p1', mac: aMac(), ...(isGrant ? {} : { amount: 1, unit: 'sat' }), ...fields }
}

/** A direct grant of so many bytes or milliseconds. */
export function aGrant(metric: 'bytes' | 'milliseconds', allotment: number, fields: Record<string, unknown> = {}) {
  return aPurchase({ metric, allotment, ...fields })
}

export const bytesOf = (message: unknown): Uint8Array =>
  message instanceof Uint8Array ? message : new TextEncoder().encode(JSON.stringify(message))

/** A message from the purchase topic as the agent has read it. */
export function aReading(message: unknown) {
  const read = parsePurchase(bytesOf(message))
  return { read, content: fingerprint(read, 'bytes') }
}

export function aLot(parts: Partial<Lot> = {}): Lot {
  return { purchaseId: 'p1', metric: 'bytes', allotment: 1000, used: 0, ...parts }
}

/** A session that waits for its gate; see {@link anOpenSession}. Parts of its meter may be given like its own. */
export function aSession({ meter, ...parts }: Partial<Session & Meter> = {}): Session {
  const ofMeter = Object.entries(parts).filter(([name]) => name in unmetered || name === 'waitingFor')
  const own = Object.entries(parts).filter(([name]) => !ofMeter.some(([other]) => other === name))
  return {
    sessionId: 's1',
    mac: aMac(),
    lots: [aLot()],
    passed: { bytes: 0, milliseconds: 0 },
    arrived: { bootId: 'boot-1', at: 0, wall: aWall },
    paidAt: { bootId: 'boot-1', at: 0 },
    startedAt: null,
    paused: false,
    ...Object.fromEntries(own),
    meter: { ...unmetered, ...meter, ...Object.fromEntries(ofMeter) },
  }
}

/** A session whose gate was seen open at 0, with counters at 0. */
export function anOpenSession(parts: Partial<Session & Meter> = {}): Session {
  const seen = { bootId: 'boot-1', at: 0 }
  return aSession({
    startedAt: '2026-11-22T10:00:00.000Z',
    baseline: [{ token: 't1', ip: anIp(), downloaded: 0, uploaded: 0 }],
    seenOpen: seen,
    readAt: seen,
    ...parts,
  })
}

/** Where a session's metering stands, with the fields of its meter beside the others. */
export const flat = ({ meter, ...rest }: Metering): Omit<Metering, 'meter'> & Meter => ({ ...rest, ...meter })

/** The outcome of an earlier purchase, as the books keep it. */
export function anOutcome(of: Partial<Outcome> = {}): Outcome {
  return { content: 'c1', seq: 1, uptime: 0, answer: { code: 'below-minimum' }, ...of }
}

/** Books that add up: what the sessions hold was sold. */
export function aBooks({
  sessions = [],
  ...rest
}: Partial<Omit<WritableBooks, 'sessions'>> & { sessions?: Session[] } = {}): WritableBooks {
  const books: WritableBooks = {
    ...emptyBooks('epoch-1'),
    ...rest,
    sessions: new Map(sessions.map((session) => [session.mac, session])),
  }
  if (rest.sold) return books
  for (const { lots } of sessions) for (const lot of lots) books.sold[lot.metric] += BigInt(lot.allotment)
  return books
}

/** Device 1 in the portal's list: open, nothing used. */
export function aClient(parts: Partial<PortalClient> = {}): PortalClient {
  return { mac: aMac(), ip: anIp(), token: 't1', open: true, downloaded: 0, uploaded: 0, ...parts }
}

export function aList(clients: PortalClient[] = [], parts: Partial<PortalList> = {}): PortalList {
  return { kind: 'nodogsplash', clients, trusted: [], ...parts }
}

/** The settings of a router that names itself and nothing else. */
export function aConfig(env: Record<string, string> = {}): Config {
  const read = readConfig({ AGENT_ROUTER_ID: aRouterId, ...env })
  if ('problems' in read) throw new Error(read.problems.join('; '))
  return read.config
}
