// Gates that a portal shuts along with another one, and goes on calling open: those of other devices at the same IP, whose
// rules read alike; and before version 10 of openNDS, which removes every firewall rule in which the IP stands anywhere, with
// 192.168.66.10 also .100 to .109.
import type { Mac } from '../../protocol/index.ts'
import { majorVersion, type PortalClient, type PortalList } from './portal-client.ts'

/** A gate that a portal calls open and that lost its rules. `by`: the gate that takes it along, until that one is seen shut. */
export interface ShutAlong {
  token: string
  by?: { mac: Mac; token: string }
}

/** The entries that lose their rules when that one's gate is shut, whoever shuts it. */
export function gatesAlong(gate: Pick<PortalClient, 'mac' | 'ip' | 'token'>, list: PortalList): PortalClient[] {
  // A portal has one entry for a device at an IP: a newer one was made when that gate was shut already.
  const isNewer = ({ mac, ip }: PortalClient) => mac === gate.mac && ip === gate.ip
  return list.clients.filter(
    (other) => other.open && other.token !== gate.token && !isNewer(other) && takesAlong(gate.ip, other, list),
  )
}

/** Whether that entry loses its rules when a gate at this IP is shut. */
export function takesAlong(ip: string, other: PortalClient, list: Pick<PortalList, 'kind' | 'version'>): boolean {
  const hasDefect = list.kind === 'opennds' && majorVersion(list) < 10
  return other.ip === ip || (hasDefect && other.ip.includes(ip))
}
