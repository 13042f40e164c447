// The gate watch: nobody paid and shut, nobody unpaid and open, for longer than one look plus one retry after the last
// fault has gone.
import { dueOf, sumOf } from './charges.ts'
import type { Ledger } from './ledger.ts'
import type { Lot, OpenSession } from './open-session.ts'
import type { Device, Site } from './site.ts'
import type { Timing } from './timing.ts'

export interface GateWatch {
  /** Something is wrong with the router, by the script's will: the watch begins anew when it is over. */
  disturb(): void
  check(): void
}

type Wrong = 'paid and shut' | 'unpaid and open' | 'spent and open' | 'paid and cut'

// For so long a payer who is away may come at any moment.
const expectedMilliseconds = 60_000

export function createGateWatch(
  site: Site,
  ledger: Ledger,
  now: () => number,
  timing: Timing,
  isExpected: (mac: string) => boolean,
  violate: (what: string) => void,
): GateWatch {
  const since = new Map<Device, { wrong: Wrong; from: number; openings: number }>()

  function wrongOf(device: Device): Wrong | undefined {
    const session = ledger.sessions.get(device.mac)
    if (device.gate === undefined)
      return session && isSurelyPaid(session) && isKnown(device) ? 'paid and shut' : undefined
    if (!session) return isExpected(device.mac) ? undefined : 'unpaid and open'
    // A gate behind which the kernel lets nothing through harms nobody; and where a meter is blind nobody sees the end.
    if (site.isCut(device)) return isSurelyPaid(session) && !session.lots.some(isTime) ? 'paid and cut' : undefined
    return isSurelySpent(session) && !site.isBypassed(device) ? 'spent and open' : undefined
  }

  function isSurelyPaid(session: OpenSession): boolean {
    const { bytes, milliseconds } = ledger.bounds(session)
    const sums = sumOf(session)
    return !session.hasOrders && (bytes.most < sums.bytes || milliseconds.most < sums.milliseconds)
  }

  const isTime = ({ metric }: Lot) => metric === 'milliseconds'

  function isSurelySpent(session: OpenSession): boolean {
    if (isExpected(session.device.mac)) return false
    const due = dueOf(site, session)
    const sums = sumOf(session)
    // The time in which it has to be read and shut is the grace.
    if (sums.milliseconds === 0) return due.bytes > sums.bytes + session.givenAway
    return sums.bytes === 0 && due.milliseconds > sums.milliseconds
  }

  /** The portal has an entry for the device as it is now, and the router can tell that its IP is its own. */
  function isKnown(device: Device): boolean {
    if (site.isLostUnseen(device)) return false
    return site.holdsItsIp(device) && site.portal.listed().some(({ mac, ip }) => mac === device.mac && ip === device.ip)
  }

  /** An older entry has its IP: asked by that IP openNDS tells of the older one, and only the whole list of this one. */
  function isBehind({ mac, ip }: Device): boolean {
    return site.portal.listed().find((entry) => entry.ip === ip)?.mac !== mac
  }

  /** Where the kernel does not tell who is there, one who comes long after the purchase is found in the whole list alone. */
  function isUnexpected(device: Device): boolean {
    const { soldAt = 0 } = ledger.sessions.get(device.mac) ?? {}
    return !site.hasNeighbours && now() - Math.max(soldAt, device.closedAt) > expectedMilliseconds
  }

  function graceOf(wrong: Wrong, device: Device): number {
    const isOnlyListed =
      wrong === 'unpaid and open' || isBehind(device) || site.isOpenElsewhere(device) || isUnexpected(device)
    if (wrong !== 'spent and open') return timing.repair + site.restOf(device) + (isOnlyListed ? timing.list : 0)
    const others = [...since.entries()].filter(([other, found]) => other !== device && found.wrong === wrong).length
    // Those who end together are shut one after the other.
    const own = site.steadyFor(device) > timing.steady ? timing.steadyCutOff : timing.cutOff
    // A device that has left moves nothing more, and is read in its turn.
    return own + others * timing.otherCutOff + (device.present ? 0 : timing.look)
  }

  return {
    disturb: () => since.clear(),
    check() {
      site.touch()
      for (const device of site.devices) {
        const wrong = wrongOf(device)
        const before = since.get(device)
        if (!wrong) since.delete(device)
        else if (before?.wrong !== wrong || before.openings !== device.openings) {
          since.set(device, { wrong, from: now(), openings: device.openings })
        } else if (now() - before.from > graceOf(wrong, device))
          violate(`${device.mac} is ${wrong} for ${now() - before.from} ms`)
      }
    },
  }
}
