// The router's LAN: which devices are in range, under which addresses, and whom the kernel's ARP table knows by them.

/** One row of the kernel's ARP table. */
export interface ArpEntry {
  ip: string
  mac: string
}

export function createLan() {
  const addresses = new Map<string, string[]>()
  const present = new Set<string>()
  // An IP belongs to one MAC at a time: the one that was heard from it last.
  const heard = new Map<string, string>()

  const newestIp = (mac: string): string | undefined => addresses.get(mac)?.at(-1)

  /** The device joins, or takes this IP as well; from now on it speaks from the newest. */
  function arrive(mac: string, ip: string): void {
    addresses.set(mac, [...(addresses.get(mac) ?? []).filter((other) => other !== ip), ip])
    present.add(mac)
    hear(mac)
  }

  /** The device is out of range, and would come back with the IP it had last. */
  function leave(mac: string): void {
    present.delete(mac)
    addresses.set(mac, (addresses.get(mac) ?? []).slice(-1))
    for (const [ip, owner] of heard) if (owner === mac) heard.delete(ip)
  }

  /** The device sends something. */
  function hear(mac: string): void {
    const ip = newestIp(mac)
    if (ip !== undefined && present.has(mac)) heard.set(ip, mac)
  }

  /** The device's newest IP, and how many addresses the LAN knows of it; nothing when it is out of range. */
  function neighbour(mac: string): { ip: string; arpEntries: number } | undefined {
    const ips = present.has(mac) ? addresses.get(mac) : undefined
    const ip = ips?.at(-1)
    return ips && ip !== undefined ? { ip, arpEntries: ips.length } : undefined
  }

  function neighbours(): ArpEntry[] {
    return [...present].flatMap((mac) =>
      (addresses.get(mac) ?? []).filter((ip) => (heard.get(ip) ?? mac) === mac).map((ip) => ({ ip, mac })),
    )
  }

  return { arrive, leave, hear, neighbour, neighbours, newestIp }
}
