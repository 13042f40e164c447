// Charges: what a session's device really moved against what the session was charged for, and what was stated as unread.
import type { EventOf, Metric } from '../../protocol/index.ts'
import type { Device, Tally } from './device.ts'
import type { Bounds, Lot, OpenSession, Start } from './open-session.ts'
import type { Site } from './site.ts'

export const noBounds: Bounds = { bytes: { least: 0, most: 0 }, milliseconds: { least: 0, most: 0 } }

export function startOn(site: Site, device: Device): Start {
  site.begin(device)
  return { ...device, free: { ...device.free }, mute: { ...device.mute }, asked: site.passedAtQuestion(device) }
}

/** The part of a session's use that is to be charged as soon as it is read, in whole units of the portal. */
export function dueOf(site: Site, { device, from, earlier }: Pick<OpenSession, 'device' | 'from' | 'earlier'>): Tally {
  site.touch()
  const free = (metric: keyof Tally) => device.free[metric] - from.free[metric]
  return {
    bytes: earlier.bytes.least + device.passed - from.passed - free('bytes') - roundingOf(device, from),
    milliseconds: earlier.milliseconds.least + device.openMilliseconds - from.openMilliseconds - free('milliseconds'),
  }
}

// The portal rounds each counter down, so every point to measure from is a rounded number.
const roundingOf = (device: Device, from: Start): number => 2 * 1024 * (device.openings - from.openings + 2)

/** The use that an agent which does its work has charged or stated by now, at least and at most. */
export function boundsOf(
  site: Site,
  { device, from, earlier }: Pick<OpenSession, 'device' | 'from' | 'earlier'>,
): Bounds {
  site.touch()
  const unread = site.unread(device)
  const rounding = roundingOf(device, from)
  const free = (metric: keyof Tally) => device.free[metric] - from.free[metric] + unread[metric]
  const mute = (metric: keyof Tally) => device.mute[metric] - from.mute[metric]
  const bytes = device.passed - from.passed - free('bytes') - rounding
  const milliseconds = device.openMilliseconds - from.openMilliseconds - free('milliseconds')
  const shown = device.shownMilliseconds - from.shownMilliseconds
  return {
    bytes: {
      least: earlier.bytes.least + Math.max(0, bytes),
      most: earlier.bytes.most + device.passed - from.asked - mute('bytes') + device.unheard - from.unheard + rounding,
    },
    milliseconds: {
      least: earlier.milliseconds.least + Math.max(0, milliseconds),
      // An opening is seen at the earliest when its question was sent, and at both ends.
      most:
        earlier.milliseconds.most +
        shown -
        mute('milliseconds') +
        2 * site.call * (device.openings - from.openings + 1),
    },
  }
}

type Totals = Pick<EventOf<'session.ended'>, 'used' | 'downloaded' | 'uploaded' | 'overshootBytes' | 'unreadBytes'>

/** Everything that is wrong with the totals of a session that has ended. */
export function wrongCharges(site: Site, session: OpenSession, totals: Totals): string[] {
  const { bytes, milliseconds } = boundsOf(site, session)
  const { used = {}, downloaded = 0, uploaded = 0, overshootBytes = 0, unreadBytes = 0 } = totals
  const charged = { bytes: used.bytes ?? 0, milliseconds: used.milliseconds ?? 0 }
  const metered = downloaded + uploaded
  const sums = sumOf(session)
  const found: string[] = []
  if (charged.bytes > bytes.most) found.push(`${charged.bytes} bytes charged, ${bytes.most} passed`)
  if (charged.milliseconds > milliseconds.most) {
    found.push(`${charged.milliseconds} ms charged, open for ${milliseconds.most} ms`)
  }
  if (metered > bytes.most) found.push(`${metered} bytes metered, ${bytes.most} passed`)
  const stated = overshootBytes + unreadBytes
  if (sums.milliseconds === 0 && charged.bytes + stated < bytes.least) {
    found.push(`${charged.bytes} bytes charged and ${stated} stated, ${bytes.least} could be read`)
  }
  if (sums.bytes === 0 && charged.milliseconds < Math.min(milliseconds.least, sums.milliseconds)) {
    found.push(`${charged.milliseconds} ms charged, ${milliseconds.least} ms could be seen`)
  }
  return found
}

export function sumOf({ lots }: { lots: readonly Lot[] }): Record<Metric, number> {
  const sum = { bytes: 0, milliseconds: 0 }
  for (const { metric, allotment } of lots) sum[metric] += allotment
  return sum
}
