// The names by which the entries of a device are asked for.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import type { Session } from '../merchant/session.ts'
import { type Asked, entriesOf, type PortalClient, type PortalList } from '../portal/portal-client.ts'
import { othersAt } from '../portal/shared-address.ts'
import type { Step } from './gate-plan.ts'
import type { Seen } from './seen.ts'

/** The question that shows whether these steps were taken. */
export function askAgain(books: Books, steps: readonly Step[], known?: PortalList): Asked[] {
  // A step that made room at an IP is for the paid device that is there now.
  const roomFor = steps.flatMap(({ client }) => (client && known ? othersAt(client, known.clients) : []))
  const paid = roomFor.map(({ mac }) => mac).filter((mac) => books.sessions.has(mac))
  const macs = [...new Set([...steps.map((step) => step.mac), ...paid])]
  return macs.map((mac): Asked => {
    const taken = steps.flatMap((step) => (step.mac === mac && step.client ? [{ ...step, client: step.client }] : []))
    const ips = taken.map(({ client }) => client.ip)
    const others = (books.sessions.get(mac)?.meter.baseline ?? []).filter((entry) => !ips.includes(entry.ip))
    const names = [...taken.flatMap((step) => namesAfter(step, known)), ...others.map((entry) => entry.token)]
    return { mac, names: names.length > 0 ? names : [mac], ...sharedOf(mac, known) }
  })
}

/**
 * The names by which an entry is found after a step: its token, unless that may have changed, which it does when the gate is shut; then
 * its IP. With an older entry at that IP no question by the IP tells of this one.
 */
function namesAfter({ act, client }: Step & { client: PortalClient }, known?: PortalList): string[] {
  const isAlone = othersAt(client, known?.clients ?? []).length === 0
  if (!isToken(client.token)) return [client.ip]
  if (act === 'open') return [client.token]
  return isAlone ? [client.ip] : [client.token, client.ip]
}

/** Everybody who has a session, one by one: for a portal whose whole list cannot be read. */
export function everybody({ sessions }: Books, known?: PortalList): Asked[] {
  return [...sessions.values()].map((session) => askedOf(session, { known }))
}

/**
 * By token, as far as it is known: by anything else openNDS searches its whole list, and tells of the oldest entry there. A
 * device may use any of its entries at an address that it has now.
 */
export function askedOf({ mac, meter }: Session, { known, present }: AskContext): Asked {
  const { seenOpen, baseline } = meter
  const metered = seenOpen ? baseline.map((entry) => entry.token).filter(isToken) : []
  const own = entriesOf(known?.clients, mac)
  const here = present?.get(mac)?.map(({ ip }) => ip)
  const newIps = here?.filter((ip) => !own.some((entry) => entry.ip === ip)) ?? []
  const isUsable = ({ ip, token }: PortalClient) => isToken(token) && (here ? here.includes(ip) : metered.length === 0)
  const usable = own.filter(isUsable).map(({ token }) => token)
  const names = [...new Set([...metered, ...usable]), ...newIps, ...(metered.length > 0 ? [] : [mac])]
  return { mac, names, ...sharedOf(mac, known) }
}

const isToken = (token: string): boolean => token !== '' && token !== 'null'

// An entry that no list has shown may have an older one at its IP; one that was read there has.
function sharedOf(mac: Mac, known?: PortalList): Pick<Asked, 'shared'> {
  const entries = entriesOf(known?.clients, mac)
  if (entries.length === 0) return { shared: 'every' }
  const isShared = (entry: PortalClient) => entry.borrowed || othersAt(entry, known?.clients ?? []).length > 0
  const shared = entries.filter(isShared).map(({ ip }) => ip)
  return shared.length > 0 ? { shared } : {}
}

interface AskContext {
  known?: PortalList | undefined
  present?: Seen['present'] | undefined
}
