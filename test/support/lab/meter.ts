// The bytes that really passed the router for each device. The portal's own counters vanish with the entry when a gate shuts, and
// what passed since they were last read with them; these are the lab's, they stand behind the gate and only grow.
import * as z from 'zod'
import { gateway, run } from './namespaces.ts'
import { lanInterface, upstreamAddress, wanInterface } from './network.ts'

export interface Passed {
  downloaded: number
  uploaded: number
  total: number
}

// Just behind the place where openNDS counts downloads, and before the source address is rewritten. Packets that
// the gate refuses do not get there, and answers of the router itself are not counted.
const rules = `
table ip tg_meter {
  set downloaded { type ipv4_addr; size 1024; flags dynamic; counter; }
  set uploaded { type ipv4_addr; size 1024; flags dynamic; counter; }
  chain passed {
    type filter hook postrouting priority -149;
    oifname "${lanInterface}" ip saddr ${upstreamAddress} add @downloaded { ip daddr }
    oifname "${wanInterface}" ip saddr 192.168.66.0/24 add @uploaded { ip saddr }
  }
}`

export async function installMeter(): Promise<void> {
  await run(gateway, ['nft', '-f', '-'], rules)
}

/** Bytes as the firewall counts them, since the lab was made. */
export async function passed(address: string): Promise<Passed> {
  const ruleset = Ruleset.parse(JSON.parse(await run(gateway, ['nft', '-j', 'list', 'table', 'ip', 'tg_meter'])))
  const of = (name: string) =>
    ruleset.nftables
      .flatMap(({ set }) => (set?.name === name ? set.elem : []))
      .find((each) => each.elem.val === address)?.elem.counter.bytes ?? 0
  const downloaded = of('downloaded')
  const uploaded = of('uploaded')
  return { downloaded, uploaded, total: downloaded + uploaded }
}

const Element = z.object({ elem: z.object({ val: z.string(), counter: z.object({ bytes: z.number() }) }) })
const Ruleset = z.object({
  nftables: z.array(z.object({ set: z.object({ name: z.string(), elem: z.array(Element).default([]) }).optional() })),
})
