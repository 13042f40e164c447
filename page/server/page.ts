// The page's server: follows a fleet through the client, and shows it to browsers that may act on it. No browser speaks MQTT or sees the
// broker's credentials.
import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Cursor, EventsOptions, Fleet } from '../../client/index.ts'
import type { ListenAddress } from '../../metrics/address.ts'
import { eventsKept } from '../wire/wire.ts'
import { createActs, type FaultInjector } from './acts.ts'
import { type AdmissionRules, isLoopback } from './admission.ts'
import { readAssets } from './assets.ts'
import { createPageHttp } from './page-http.ts'
import { createPicture, type Picture, type PicturePast } from './picture.ts'
import { createStreams } from './streams.ts'

export interface PageOptions {
  address: ListenAddress
  /** Where the built page is. */
  folder: string
  /** Only looks, never acts. */
  isReadOnly: boolean
  /** Whether others than this machine's own simulation would feel what is done: a broker somewhere else. */
  actsBeyondThisMachine: boolean
  /** The secret that opens the page; made where one is needed and none is given. */
  token?: string | undefined
  /** Names under which a proxy offers it. */
  names?: readonly string[]
  /** Which events it counts and shows. */
  from: NonNullable<EventsOptions['from']>
  /** A history, with so many events: it is shown first, and events go on behind it, whatever `from` says. */
  past?: ((events: number) => Promise<PicturePast & { cursor: Cursor }>) | undefined
  signal: AbortSignal
  faults?: FaultInjector | undefined
  /** A device of that router that waits for whoever tries it out. */
  byHand?: (routerId: string) => string | undefined
  /** The address to open, with the token where there is one. */
  onListening?: (url: string) => void
  onAct?: (what: string) => void
}

// Four frames a second.
const beatInterval = 250
const retirementInterval = 5000
const leastToken = 16

/** Resolves when the signal aborts. */
export async function runPage(fleet: Fleet, options: PageOptions): Promise<void> {
  const { address, signal, isReadOnly, faults, onAct, names = [] } = options
  const clock = { now: () => performance.now(), wall: () => Date.now() }
  const assets = readAssets(options.folder)
  const past = await options.past?.(eventsKept)
  const from = past?.cursor ?? options.from
  const picture = createPicture(clock, past)
  const noFaults = { kinds: [], records: () => [] }
  const shown = {
    isReadOnly,
    faults: isReadOnly || !faults ? noFaults : faults,
    byHand: options.byHand ?? (() => undefined),
  }
  const streams = createStreams({ picture, clock, ...shown })
  const acts = createActs({ fleet, isReadOnly, faults, onAct })
  const rules: AdmissionRules = { ...address, names, token: tokenFor(options) }
  let isHearing = false
  const fault = () => (isHearing ? undefined : 'no broker has granted the subscriptions yet')
  const server = createPageHttp({ assets, picture, streams, acts, clock, rules: () => rules, fault })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address.port, address.host, resolve)
  })
  rules.port = (server.address() as AddressInfo).port
  options.onListening?.(urlOf(rules))
  const beating = setInterval(streams.beat, beatInterval)
  try {
    await Promise.all([
      hearEvents(fleet, picture, { from, signal, onListening: () => (isHearing = true) }),
      hearReports(fleet, picture, signal),
      watchRetirements(fleet, picture, signal),
    ])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    clearInterval(beating)
    streams.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

function tokenFor({ token, address, isReadOnly, actsBeyondThisMachine }: PageOptions): string | undefined {
  if (token !== undefined && token.length < leastToken) {
    throw new RangeError(`the token is too short to be a secret: give ${leastToken} characters or more`)
  }
  const isNeeded = !isLoopback(address.host) || (!isReadOnly && actsBeyondThisMachine)
  return token ?? (isNeeded ? randomBytes(24).toString('base64url') : undefined)
}

// Behind the number sign, so that no server's log and no other site sees it.
function urlOf({ host, port, token }: AdmissionRules): string {
  const isEverywhere = host === '0.0.0.0' || host === '::'
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}/${token === undefined ? '' : `#token=${token}`}`
}

async function hearEvents(fleet: Fleet, picture: Picture, options: EventsOptions): Promise<void> {
  for await (const { item } of fleet.events(options)) picture.seeItem(item)
}

async function hearReports(fleet: Fleet, picture: Picture, signal: AbortSignal): Promise<void> {
  for await (const report of fleet.reports({ signal })) picture.seeReport(report)
}

async function watchRetirements(fleet: Fleet, picture: Picture, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleepFor(retirementInterval, undefined, { signal })
    const routers = await fleet.routers({ signal })
    picture.keepOnly(new Set(routers.map(({ routerId }) => routerId)))
  }
}
