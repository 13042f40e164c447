// Drifts in words: which gate or meter is not as the books say, and how that is mended.
import type { Mac } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import type { Session } from '../merchant/session.ts'
import type { PortalClient } from '../portal/portal-client.ts'
import type { Drift } from './drifts.ts'

export function metersDisagree(
  { mac, sessionId }: Session,
  { portal, guard }: { portal: number; guard: number },
): Drift {
  const repair = `since the gate opened the portal has counted ${portal} bytes and the kernel ${guard}: the larger total is charged`
  return drift('meters-disagree', repair, { mac, sessionId })
}

/** The gate of a device whose IP another one has now is being shut. */
export function sharedAddress(books: Books, { mac, ip }: PortalClient, holder: Mac | undefined): Drift {
  const repair = `${ip} has passed to ${holder ?? 'another device'}: this gate is read and shut, and opens when the device has an address again`
  return drift('shared-address', repair, { mac, ...sessionIdOf(books, mac) })
}

export function sessionIdOf({ sessions }: Books, mac: Mac): { sessionId?: string } {
  const session = sessions.get(mac)
  return session ? { sessionId: session.sessionId } : {}
}

export function drift(
  kind: Drift['kind'],
  repair: string,
  about: { mac?: Mac; sessionId?: string; unreadBytes?: number } = {},
): Drift {
  return { type: 'gate.drift', kind, ...about, repair }
}
