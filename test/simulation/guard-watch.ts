// The guard watch: a guarded device gets all that it has bought and at most a packet more, also while the agent is dead, and is
// charged what passed. Judged where nothing else has a part in it: the portal answered, the kernel took what was written, and
// nobody else opened its gate or had its address.
import type { EventOf } from '../../protocol/index.ts'
import { noBounds, sumOf } from './charges.ts'
import type { Device } from './device.ts'
import type { OpenSession } from './open-session.ts'

export const packet = 1500
// Each counter of the portal is rounded down.
const rounding = 2 * 1024

export interface GuardWatch {
  /** The kernel has cut that device: whatever was bought by then has passed. */
  cut(device: Device): void
  /** A purchase was accepted, another gets a packet that crosses its end. */
  ended(session: OpenSession, event: EventOf<'session.ended'>): void
  /** Something that has a part in what is charged has happened to that device, or to all. */
  disturb(device?: Device): void
}

interface Parts {
  devices: readonly Device[]
  sessionOf(device: Device): OpenSession | undefined
  now(): number
  /** How long after a purchase the kernel may not know of it. */
  grace: number
  /** Portal or guard has a fault now. */
  isTroubled(device: Device): boolean
  /** Whether there is an agent now, and since when. */
  livesSince(): { isUp: boolean; at: number }
  violate(what: string): void
}

export function createGuardWatch({
  devices,
  sessionOf,
  now,
  grace,
  isTroubled,
  livesSince,
  violate,
}: Parts): GuardWatch {
  const disturbedAt = new Map<Device, number>()
  const cuts = new Map<string, number>()

  function isJudged(session: OpenSession): boolean {
    const { device, earlier, hasOrders, lots } = session
    if (isTroubled(device) || hasOrders || earlier !== noBounds || lots.some(({ metric }) => metric === 'milliseconds'))
      return false
    return (disturbedAt.get(device) ?? Number.NEGATIVE_INFINITY) < session.begunAt
  }

  const passedOf = ({ device, from }: OpenSession) => device.passed - from.passed

  return {
    cut(device) {
      const session = sessionOf(device)
      if (!session || !isJudged(session)) return
      cuts.set(session.sessionId, (cuts.get(session.sessionId) ?? 0) + 1)
      // A purchase that came a moment ago is not in the kernel yet, nor one after which the agent died.
      const { isUp, at } = livesSince()
      if ((isUp ? now() - Math.max(session.soldAt, at) : at - session.soldAt) < grace) return
      const { bytes } = sumOf(session)
      const passed = passedOf(session)
      if (passed < bytes - rounding) violate(`the kernel cut ${device.mac} after ${passed} of ${bytes} bytes`)
    },
    ended(session, { used, downloaded = 0, uploaded = 0, reason }) {
      if (!isJudged(session)) return
      const { bytes } = sumOf(session)
      const passed = passedOf(session)
      const metered = downloaded + uploaded
      const most = bytes + packet * Math.max(1, cuts.get(session.sessionId) ?? 0)
      const of = `of ${session.device.mac}, with ${bytes} bytes bought and ${passed} passed`
      if (reason === 'allotment-used' && passed < bytes - rounding) violate(`the session ${of} has ended`)
      if (passed > most) violate(`the session ${of}: more than a packet beyond`)
      const isHonest = Math.abs(metered - passed) <= packet + rounding && (used?.bytes ?? 0) <= passed + rounding
      if (!isHonest) violate(`the session ${of}: ${metered} metered, ${used?.bytes} charged`)
    },
    disturb(device) {
      for (const one of device ? [device] : devices) disturbedAt.set(one, now())
    },
  }
}
