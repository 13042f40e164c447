// Gates whose rules went with another one's, whoever shut that one: the portal goes on calling them open.
import type { Books } from '../merchant/books.ts'
import { type PortalClient, type PortalList, tellsOf } from '../portal/portal-client.ts'
import { gatesAlong, takesAlong } from '../portal/prefix-defect.ts'
import { type Now, since } from '../time/moment.ts'
import type { Known, Watch } from './watch.ts'

/** The part of the watch that an answer changes, and the gates that it shows to have gone along. */
export type LostRules = Pick<Watch, 'shutAlong' | 'perhapsAlong' | 'shutIps'> & { along: readonly PortalClient[] }

/** A portal that has started again has no gate open. */
export const nothingLost: LostRules = { shutAlong: new Set(), perhapsAlong: [], shutIps: new Set(), along: [] }

/** The gates that the portal calls open and that let nothing through, after an answer. */
export function lostRules(books: Books, list: PortalList, watch: Watch, known: Known, now: Now): LostRules {
  const isOpen = (token: string) => known.after.clients.some((client) => client.open && client.token === token)
  const decided = watch.perhapsAlong.filter(({ by }) => !by || tellsOf(list, by.mac))
  const confirmed = decided.filter(({ by }) => !by || !isOpen(by.token)).map(({ token }) => token)
  const gone = goneFrom(books, list, known, now)
  const along = [...gone.flatMap((gate) => gatesAlong(gate, known.after)), ...openedUnseen(books, list, known, watch)]
  const tokens = [...watch.shutAlong, ...confirmed, ...along.map(({ token }) => token)]
  return {
    shutAlong: new Set(tokens.filter(isOpen)),
    perhapsAlong: watch.perhapsAlong.filter((gate) => !decided.includes(gate)),
    shutIps: new Set([...(list.only ? watch.shutIps : []), ...gone.map(({ ip }) => ip)]),
    along,
  }
}

// Gates that were open before this answer and are not now, whoever shut them, may have taken others along.
function goneFrom(books: Books, list: PortalList, { before, after }: Known, now: Now): Gate[] {
  const open = new Set(after.clients.filter((client) => client.open).map(({ token }) => token))
  const openBefore = before ? before.clients.filter((client) => client.open) : gatesByBooks(books, now)
  return openBefore.filter(({ mac, token }) => tellsOf(list, mac) && !open.has(token))
}

// While no agent ran a customer may have shut its own gate, and others with it.
function gatesByBooks({ sessions }: Books, now: Now): Gate[] {
  const open = [...sessions.values()].filter(({ meter }) => meter.seenOpen && since(meter.seenOpen, now) !== undefined)
  return open.flatMap(({ mac, meter }) => meter.baseline.map(({ token, ip }) => ({ mac, token, ip })))
}

type Gate = Pick<PortalClient, 'mac' | 'ip' | 'token'>

// An entry that its customer opened before it was known may have lost its rules with a gate that was shut since.
function openedUnseen(
  { sessions }: Books,
  list: PortalList,
  { before, after }: Known,
  { shutIps, opening, adopted }: Watch,
): PortalClient[] {
  if (shutIps.size === 0) return []
  const listed = new Set(before?.clients.map(({ token }) => token))
  return list.clients.filter((client) => {
    const { mac, token } = client
    const session = sessions.get(mac)
    if (!client.open || !session || opening.has(mac) || adopted.has(session.sessionId)) return false
    const isKnown = listed.has(token) || session.meter.baseline.some((entry) => entry.token === token)
    return !isKnown && [...shutIps].some((ip) => takesAlong(ip, client, after))
  })
}
