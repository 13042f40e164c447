// The running portal and its firewall rules, asked past the agent.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { execa } from 'execa'
import * as z from 'zod'
import type { Passed } from './meter.ts'
import { gateway, run } from './namespaces.ts'

export interface PortalEntry {
  token: string
  state: string
}

/** The portal's entry of an address; `undefined` when it has none. */
export async function entryOf(address: string): Promise<PortalEntry | undefined> {
  const entry = Entry.parse(JSON.parse(await ndsctl('json', address)))
  return entry.token === undefined || entry.state === undefined ? undefined : { token: entry.token, state: entry.state }
}

/** Somebody shuts that address's gate by hand. */
export async function shutByHand(address: string): Promise<void> {
  await ndsctl('deauth', address)
}

/** How many times a gate was opened since the daemon started. */
export async function authentications(): Promise<number> {
  const [, count] = /^Client authentications since start: (\d+)$/m.exec(await ndsctl('status')) ?? []
  if (count === undefined) throw new Error('ndsctl status does not say how many gates it opened')
  return Number(count)
}

/** The firewall's counters that the portal reads; 0 for an address whose gate is shut. */
export async function counted(address: string): Promise<Passed> {
  const downloaded = await bytesOf('ndsINC', address)
  const uploaded = await bytesOf('ndsOUT', address)
  return { downloaded, uploaded, total: downloaded + uploaded }
}

const Entry = z.object({ token: z.string().optional(), state: z.string().optional() })

// Every address has a rule that marks its packets; what follows it counts them again.
async function bytesOf(chain: string, address: string): Promise<number> {
  const listing = await run(gateway, ['iptables', '-t', 'mangle', '-vnxL', chain])
  const rule = listing.split('\n').find((line) => line.includes('MARK') && line.split(/\s+/).includes(address))
  return Number(rule?.trim().split(/\s+/)[1] ?? 0)
}

// The agent under test asks too: one of the two is told to come back later, or waits behind a queue that the agent moves.
async function ndsctl(...args: string[]): Promise<string> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = await execa('ndsctl', args, { reject: false, stderr: 'ignore', timeout: 3000 })
    if (answer.exitCode === 0) return answer.stdout
    await sleepFor(100)
  }
  throw new Error(`ndsctl ${args.join(' ')} got no answer`)
}
