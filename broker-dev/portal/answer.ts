// The daemon's answer as it comes, or does not come, out of the socket: the portal's faults are applied here.

import type { MockPortal } from './world.ts'

/** Rejects with code ECONNREFUSED when the daemon is stopped, and with BUSY when another caller has openNDS's lock. */
export async function answer(portal: MockPortal, line: string): Promise<string> {
  const { latencyMilliseconds = 0, hang = false, busy = false, garbage, refuse } = portal.faults
  if (latencyMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, latencyMilliseconds))
  if (!portal.running) throw Object.assign(new Error('the daemon is stopped'), { code: 'ECONNREFUSED' })
  if (hang || (busy && portal.flavour === 'nodogsplash')) return new Promise(() => {})
  if (busy) throw Object.assign(new Error('another ndsctl is at work'), { code: 'BUSY' })
  const [command] = line.split(' ')
  if ((command === 'auth' || command === 'deauth') && refuse?.has(command)) return 'No'
  if (command === 'json' && garbage !== undefined) return garbage
  return portal.request(line)
}
