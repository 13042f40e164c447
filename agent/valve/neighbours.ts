// Which devices the router's kernel knows on the LAN, from its own table: one small file, no program to run.
import { readFile } from 'node:fs/promises'
import { AnyMac } from '../../protocol/index.ts'
import type { Neighbour } from '../portal/neighbour.ts'

/** Reads who is on the LAN; `undefined` where nobody can tell. */
export type Neighbours = () => Promise<readonly Neighbour[] | undefined>

/** The kernel's ARP table. A device that was unplugged, or does not answer any more, is not in it. */
export function kernelNeighbours(file = '/proc/net/arp'): Neighbours {
  return async () => {
    const table = await readFile(file, 'utf8').catch(() => undefined)
    return table === undefined ? undefined : parseNeighbours(table)
  }
}

/** Reads `/proc/net/arp`: a heading, then rows of IP, type, flags, MAC, mask and interface. */
export function parseNeighbours(table: string): Neighbour[] {
  return table.split('\n').flatMap((row) => {
    const [ip = '', , flags = '', address = ''] = row.trim().split(/\s+/)
    const mac = AnyMac.safeParse(address).data
    // 0x2: the address is known. An entry that is only being looked for has no flag.
    return mac !== undefined && (Number(flags) & 2) === 2 ? [{ ip, mac }] : []
  })
}
