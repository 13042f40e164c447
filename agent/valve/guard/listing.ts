// The guard's table as `nft` lists it, read into values.
import * as z from 'zod'
import type { GuardTable, Quota } from '../../portal/guard-table.ts'
import { GuardFault } from './guard.ts'
import { rulesOfGuard, sessionIdOf, tableName } from './ruleset.ts'

const Address = z.ipv4()
const Timeout = z.object({ elem: z.object({ val: Address, expires: z.number().optional() }) })
const Element = z.union([Address, z.object({ elem: z.object({ val: Address }) }).transform(({ elem }) => elem.val)])
const Bytes = z.int().min(0)
const Listed = z.object({
  quota: z.object({ name: z.string(), bytes: Bytes }).optional(),
  counter: z.object({ name: z.string(), bytes: Bytes }).optional(),
  map: z.object({ name: z.string(), elem: z.array(z.tuple([Address, z.string()])).default([]) }).optional(),
  set: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
  rule: z.object({ chain: z.string() }).optional(),
  chain: z.object({ name: z.string(), hook: z.string().optional() }).optional(),
})
const Listing = z.object({ nftables: z.array(Listed) })

/** The table by its JSON listing, with whole seconds; `undefined` without its rules. `now`: milliseconds of this boot. */
export function tableOf(json: string, now: number): GuardTable | undefined {
  try {
    return tableIn(json, now)
  } catch (cause) {
    throw new GuardFault('guard-garbled', 'the listing of the table cannot be read', { cause })
  }
}

function tableIn(json: string, now: number): GuardTable | undefined {
  const { nftables } = Listing.parse(JSON.parse(json))
  const isHooked = nftables.some(({ chain }) => chain?.name === 'guard' && chain.hook === 'forward')
  const rules = nftables.filter(({ rule }) => rule?.chain === 'guard')
  if (!isHooked || rules.length < rulesOfGuard) return undefined
  const counters = new Map(nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.bytes] as const] : [])))
  const quotas = nftables.flatMap(({ quota }) => (quota ? quotaOf(quota, counters) : []))
  const elementsOf = (name: string) => nftables.flatMap(({ set }) => (set?.name === name ? set.elem : []))
  const running = new Map(elementsOf('until').flatMap((element) => endsOf(element, now)))
  const timed = elementsOf('timed').map((element) => Element.parse(element))
  const byIp = nftables.flatMap(({ map }) => (map?.name === 'by_ip' ? map.elem : []))
  return {
    quotas: new Map(quotas),
    byIp: new Map(byIp.flatMap(([ip, name]) => withSession(ip, name))),
    cut: new Set(elementsOf('cut').map((element) => Element.parse(element))),
    until: new Map(timed.map((ip) => [ip, running.get(ip) ?? null])),
  }
}

function quotaOf({ name, bytes }: { name: string; bytes: number }, counters: ReadonlyMap<string, number>) {
  const sessionId = sessionIdOf(name)
  const hex = name.slice(1)
  const [downloaded, uploaded] = [counters.get(`d${hex}`), counters.get(`u${hex}`)]
  if (sessionId === undefined || downloaded === undefined || uploaded === undefined) return []
  const quota: Quota = { limit: bytes, downloaded, uploaded }
  return [[sessionId, quota] as const]
}

function withSession(ip: string, name: string) {
  const sessionId = sessionIdOf(name)
  return sessionId === undefined ? [] : [[ip, sessionId] as const]
}

function endsOf(element: unknown, now: number) {
  const { elem } = Timeout.parse(element)
  return elem.expires === undefined ? [] : [[elem.val, now + elem.expires * 1000] as const]
}

/** The name in the comment of a table's text listing; empty where it has none. */
export function ownerIn(text: string): string {
  return /^\s*comment "([^"]*)"/m.exec(text)?.[1] ?? ''
}

/** When each time ends, to the millisecond, by the text listing of its set. */
export function endsIn(text: string, now: number): Map<string, number> {
  const elements = text.matchAll(/(\d+\.\d+\.\d+\.\d+) timeout \S+ expires (\S+?)[\s,}]/g)
  return new Map([...elements].map(([, ip = '', left = '']) => [ip, now + millisecondsOf(left)]))
}

const units: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

function millisecondsOf(duration: string): number {
  const parts = [...duration.matchAll(/(\d+)(ms|[dhms])/g)]
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0)
}

const Told = z.object({
  add: z.object({ element: z.object({ name: z.string(), elem: z.object({ set: z.array(z.unknown()) }) }) }).optional(),
  delete: z.record(z.string(), z.object({ name: z.string(), table: z.string().optional() }).partial()).optional(),
})

/** One line of `nft -j monitor`: addresses that were cut, or that a part of the table is gone. */
export function toldBy(line: string): { cut: string[] } | 'damaged' | undefined {
  if (!line.includes(tableName)) return undefined
  let told: z.output<typeof Told>
  try {
    told = Told.parse(JSON.parse(line))
  } catch {
    return undefined
  }
  const { element } = told.add ?? {}
  if (element?.name === 'cut') return { cut: element.elem.set.flatMap((each) => Element.safeParse(each).data ?? []) }
  const [what, gone] = Object.entries(told.delete ?? {})[0] ?? []
  const isOwn = gone?.table === tableName || (what === 'table' && gone?.name === tableName)
  return isOwn && (what === 'table' || what === 'chain' || what === 'rule') ? 'damaged' : undefined
}
