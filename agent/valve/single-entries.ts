// Entries asked for one by one: a device has an entry at each of its addresses, and an older one of another device may stand there.
import type { Mac } from '../../protocol/index.ts'
import type { Asked, PortalClient, PortalList } from '../portal/portal-client.ts'
import { borrowedFrom } from '../portal/shared-address.ts'
import type { Clock } from '../time/clock.ts'
import type { Answers } from './answers.ts'
import { parseClient } from './dialect.ts'
import { PortalFault } from './portal-fault.ts'

export interface SingleEntries {
  /** The entry of that name as the portal has it now; `undefined` when it has none. */
  one(name: string): Promise<PortalClient | undefined>
  /** The entries of some devices, as an answer about these alone. */
  some(asked: readonly Asked[], portal: Pick<PortalList, 'kind' | 'version'>): Promise<PortalList>
}

export function createSingleEntries({ askText }: Answers, clock: Pick<Clock, 'monotonic'>): SingleEntries {
  async function one(name: string): Promise<PortalClient | undefined> {
    const askedAt = clock.monotonic()
    const client = parseClient(await askText(['json', name]))
    return client && { ...client, askedAt }
  }

  async function some(
    asked: readonly Asked[],
    { kind, version }: Pick<PortalList, 'kind' | 'version'>,
  ): Promise<PortalList> {
    const clients: PortalClient[] = []
    const named = new Map<Mac, ReadonlySet<string>>()
    let unread: PortalFault | undefined
    for (const about of asked) {
      try {
        const told = await entriesOf(about)
        clients.push(...told.entries)
        named.set(about.mac, told.names)
      } catch (err) {
        // An answer that cannot be read costs the device it is about, and nobody else.
        if (!(err instanceof PortalFault) || err.code !== 'portal-garbled') throw err
        unread = err
      }
    }
    if (unread && named.size === 0) throw unread
    return { kind, ...(version !== undefined && { version }), clients, only: new Set(named.keys()), named }
  }

  async function entriesOf({
    mac,
    names,
    shared = [],
  }: Asked): Promise<{ entries: PortalClient[]; names: Set<string> }> {
    const entries = new Map<string, PortalClient>()
    const told = new Set<string>()
    // The oldest entries at IPs, of other devices.
    const elders = new Map<string, PortalClient>()
    // A device whose entries are gone may be back under another name.
    for (const name of [...new Set([...names, mac])]) {
      if (name === mac && entries.size > 0) break
      const client = await one(name)
      if (client?.mac === mac) entries.set(client.token, client)
      // An IP may have passed to another device, or have an older entry of another one.
      else if (client?.ip === name) elders.set(name, client)
      if (!client || (client.mac === mac && name !== mac)) told.add(name)
    }
    const isShared = ({ ip }: PortalClient) => shared === 'every' || shared.includes(ip) || elders.has(ip)
    for (const entry of [...entries.values()].filter(isShared)) {
      const oldest = elders.get(entry.ip) ?? (await one(entry.ip))
      if (oldest && oldest.token !== entry.token) {
        entries.set(entry.token, { ...borrowedFrom(oldest, entry), askedAt: oldest.askedAt ?? clock.monotonic() })
      }
    }
    return { entries: [...entries.values()], names: told }
  }

  return { one, some }
}
