// The daemon's answer as it comes, or does not come, out of the socket: the portal's faults are applied here.

import type { MockPortal } from './world.ts'

/** Rejects with code ECONNREFUSED when the daemon is stopped. */
export async function answer(portal: MockPortal, line: string): Promise<string> {
  if (isHanging(portal)) return new Promise(() => {})
  if (portal.running && portal.faults.endsOnStatus && line === 'status') {
    portal.stop()
    return ''
  }
  return (portal.running ? wrongAnswer(portal, line) : undefined) ?? portal.serve(line)
}

/** The answer to an `ndsctl` in this process: that of openNDS has a lock, and ends with code BUSY while it is held. */
export async function answerNdsctl(portal: MockPortal, line: string): Promise<string> {
  if (isLocked(portal) || (portal.flavour !== 'nodogsplash' && portal.serving)) {
    throw Object.assign(new Error('another ndsctl is at work'), { code: 'BUSY' })
  }
  return answer(portal, line)
}

/** Somebody else's `ndsctl` holds openNDS's lock. */
export function isLocked({ flavour, faults, occupied }: MockPortal): boolean {
  return flavour !== 'nodogsplash' && (faults.busy === true || occupied)
}

/** No request is answered; nodogsplash has no lock, so a caller that comes while it is busy waits. */
export function isHanging({ flavour, running, faults }: MockPortal): boolean {
  return running && (faults.hang === true || (flavour === 'nodogsplash' && faults.busy === true))
}

function wrongAnswer({ faults }: MockPortal, line: string): string | undefined {
  const [command] = line.split(' ')
  if ((command === 'auth' || command === 'deauth') && faults.refuse?.has(command)) return 'No'
  if (command === 'status' && faults.statusFails) return ''
  return command === 'json' ? faults.garbage : undefined
}
