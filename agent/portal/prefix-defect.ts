// Gates that a portal shuts along with another one, and goes on calling open: those of other devices at the same IP, whose
// rules read alike; and before version 10 of openNDS, which removes every firewall rule in which the IP stands anywhere, with
// 192.168.66.10 also .100 to .109.
import { majorVersion, type PortalClient, type PortalList } from './portal-client.ts'

/** The entries that lose their rules when that one's gate is shut, whoever shuts it. */
export function shutAlong(client: PortalClient, list: PortalList): PortalClient[] {
  return list.clients.filter(
    (other) => other.open && other.token !== client.token && takesAlong(client.ip, other, list),
  )
}

/** Whether that entry loses its rules when a gate at this IP is shut. */
export function takesAlong(ip: string, other: PortalClient, list: Pick<PortalList, 'kind' | 'version'>): boolean {
  const hasDefect = list.kind === 'opennds' && majorVersion(list) < 10
  return other.ip === ip || (hasDefect && other.ip.includes(ip))
}
