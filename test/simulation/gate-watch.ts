// The gate watch: nobody paid and shut, nobody unpaid and open, for longer than one look plus one retry after the last
// fault has gone.
import { type Ledger, type OpenSession, sumOf } from './ledger.ts'
import { type Device, entriesIn, type Site } from './site.ts'

export interface GateWatch {
  /** Something is wrong with the router, by the script's will: the watch begins anew when it is over. */
  disturb(): void
  check(): void
}

type Wrong = 'paid and shut' | 'unpaid and open' | 'spent and open'

export function createGateWatch(
  site: Site,
  ledger: Ledger,
  now: () => number,
  grace: number,
  isExpected: (mac: string) => boolean,
  violate: (what: string) => void,
): GateWatch {
  const since = new Map<Device, { wrong: Wrong; from: number }>()

  function wrongOf(device: Device): Wrong | undefined {
    const session = ledger.sessions.get(device.mac)
    if (!device.isOpen) return session && isSurelyPaid(session) && isKnown(device) ? 'paid and shut' : undefined
    if (!session) return isExpected(device.mac) ? undefined : 'unpaid and open'
    return isSurelySpent(session) ? 'spent and open' : undefined
  }

  function isSurelyPaid(session: OpenSession): boolean {
    const { bytes, milliseconds } = ledger.bounds(session)
    const sums = sumOf(session)
    return !session.hasOrders && (bytes.most < sums.bytes || milliseconds.most < sums.milliseconds)
  }

  function isSurelySpent(session: OpenSession): boolean {
    const { bytes, milliseconds } = ledger.bounds(session)
    const sums = sumOf(session)
    if (isExpected(session.device.mac)) return false
    if (sums.milliseconds === 0) return bytes.least > sums.bytes + session.givenAway
    return sums.bytes === 0 && milliseconds.least > sums.milliseconds
  }

  /** The portal has an entry for the device as it is now: without one no gate can be opened. */
  function isKnown({ mac, ip, present }: Device): boolean {
    if (!present || !site.portal.running) return false
    return (entriesIn(site.portal.request('json')).get(mac) ?? []).some((entry) => entry.ip === ip)
  }

  return {
    disturb: () => since.clear(),
    check() {
      site.touch()
      for (const device of site.devices) {
        const wrong = wrongOf(device)
        const before = since.get(device)
        if (!wrong) since.delete(device)
        else if (before?.wrong !== wrong) since.set(device, { wrong, from: now() })
        else if (now() - before.from > grace) violate(`${device.mac} is ${wrong} for ${now() - before.from} ms`)
      }
    },
  }
}
