// A defect of openNDS before version 10: to shut the gate of 192.168.66.10 it removes every firewall rule in which that text
// stands, so also those of .100 to .109, and goes on calling them open.
import { majorVersion, type PortalClient, type PortalList } from './portal-client.ts'

/** The entries that lose their rules when that one's gate is shut. */
export function shutAlong(client: PortalClient, list: PortalList): PortalClient[] {
  if (list.kind !== 'opennds' || majorVersion(list) >= 10) return []
  return list.clients.filter((other) => other.open && other.ip !== client.ip && other.ip.includes(client.ip))
}
