// The end: the faults are over and everybody is back, so gates, books, disk and audience must tell the same story.
import type { LiveStatus } from '../../protocol/index.ts'
import type { Audience } from './audience.ts'
import type { Broker } from './broker.ts'
import { balancesIn } from './exact-sums.ts'
import type { Ledger } from './ledger.ts'
import type { Router } from './router.ts'
import type { Site } from './site.ts'

interface Parts {
  site: Site
  ledger: Ledger
  audience: Audience
  broker: Broker
  router: Router
}

/** Everything that is not yet as it must be. */
export function unsettled({ site, ledger, audience, broker, router }: Parts): string[] {
  const found: string[] = []
  const violate = (what: string) => found.push(what)
  if (!router.isUp) return ['in the end the agent is not running']
  if (broker.queue.length > 0) violate(`in the end ${broker.queue.length} messages are not acknowledged`)
  if (audience.heard !== ledger.texts.length) {
    violate(`in the end event ${audience.heard} was heard, and event ${ledger.texts.length} is on disk`)
  }
  const status = JSON.parse(broker.retained ?? '{}') as LiveStatus
  if (status.state !== 'online') violate(`in the end the retained status is ${broker.retained}`)
  const { journal } = status
  const balances = balancesIn(broker.retained ?? '')
  if (journal?.acknowledgedSeq !== ledger.texts.length) violate(`in the end the status says ${broker.retained}`)
  for (const metric of ['bytes', 'milliseconds'] as const) {
    if (balances[metric]?.sold !== ledger.sold[metric]) {
      violate(`${ledger.sold[metric]} ${metric} were sold, and the status says ${broker.retained}`)
    }
  }
  const told = new Map(audience.lastUsage?.sessions.map((session) => [session.mac as string, session]))
  if (told.size !== ledger.sessions.size) violate(`in the end ${told.size} sessions are told of: not those on disk`)
  for (const [mac, session] of ledger.sessions) {
    const { downloaded = 0, uploaded = 0 } = told.get(mac) ?? {}
    const { least } = ledger.bounds(session).bytes
    if (downloaded + uploaded + session.unreadBytes >= least) continue
    violate(
      `in the end ${mac} has ${downloaded + uploaded} bytes metered and ${session.unreadBytes} stated, ${least} could be read`,
    )
  }
  const listed = new Set(site.portal.listed().map((entry) => `${entry.mac} ${entry.ip}`))
  for (const device of site.devices) {
    const { mac, ip, gate } = device
    const isOpen = gate !== undefined
    const session = told.get(mac)
    if (session && !ledger.sessions.has(mac)) violate(`${mac} has a session only in the usage report`)
    if (session?.state === 'closing') violate(`in the end ${mac} is still closing`)
    const belongsOpen = session?.state === 'open' || session?.state === 'waiting'
    if (isOpen && !belongsOpen) violate(`in the end ${mac} is open, and its session is ${session?.state ?? 'none'}`)
    const isKnown = site.holdsItsIp(device) && !site.isLostUnseen(device) && listed.has(`${mac} ${ip}`)
    if (!isOpen && belongsOpen && isKnown) violate(`in the end ${mac} is shut, and its session is ${session.state}`)
  }
  return found
}
