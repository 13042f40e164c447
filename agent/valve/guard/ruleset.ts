// The guard's table as text for `nft -f`. Nothing but parsed addresses, hex names and whole numbers ever gets into it.
import { isIPv4 } from 'node:net'
import type { GuardChange } from '../../portal/guard-table.ts'

export const tableName = 'tollgate'
/** A chain that was flushed still lists, with fewer. */
export const rulesOfGuard = 8

const table = `inet ${tableName}`

/** The table and its rules. Loaded over a table that is there it changes nothing, and lets no packet through meanwhile. */
export function baseText(owner: string, into = table): string {
  const add = (what: string) => `add ${what.replace(' ', ` ${into} `)}`
  const rules = [
    ...both('ip saddr @timed ip saddr != @until drop'),
    ...both('ip saddr @cut drop'),
    ...both('quota name ip saddr map @by_ip add @cut { ip saddr }'),
    'counter name ip saddr map @up_by_ip',
    'counter name ip daddr map @down_by_ip',
  ]
  return lines([
    `add table ${into} { comment "${ownerName(owner)}" ; }`,
    add('map by_ip { type ipv4_addr : quota ; }'),
    add('map up_by_ip { type ipv4_addr : counter ; }'),
    add('map down_by_ip { type ipv4_addr : counter ; }'),
    add('set cut { type ipv4_addr ; flags dynamic ; size 4096 ; }'),
    add('set timed { type ipv4_addr ; }'),
    add('set until { type ipv4_addr ; flags timeout ; }'),
    // After all others: what they drop is not counted.
    add('chain guard { type filter hook forward priority 300 ; policy accept ; }'),
    `flush chain ${into} guard`,
    ...rules.map((rule) => `add rule ${into} guard ${rule}`),
  ])
}

const both = (rule: string) => [rule, rule.replaceAll('saddr', 'daddr')]

/** The topic prefix and the router's id: a table that bears another name is another agent's. */
export function ownerName(owner: string): string {
  // A comment takes 128 bytes.
  return owner.replaceAll(/[^\w/.-]/g, '_').slice(-120)
}

/** One transaction. `now`: milliseconds of this boot. */
export function changeText(changes: readonly GuardChange[], now: number): string {
  return lines(changes.flatMap((change) => linesOf(change, now)))
}

const lines = (of: readonly string[]): string => of.map((line) => `${line}\n`).join('')

function linesOf(change: GuardChange, now: number): string[] {
  switch (change.do) {
    case 'release': {
      const ip = address(change.ip)
      return [...maps.map((map) => `delete element ${table} ${map} { ${ip} }`), ...uncut(ip)]
    }
    case 'remove': {
      const name = hexOf(change.sessionId)
      return [`delete quota ${table} s${name}`, `delete counter ${table} u${name}`, `delete counter ${table} d${name}`]
    }
    case 'add': {
      const name = hexOf(change.sessionId)
      const { limit, downloaded, uploaded } = change.quota
      return [
        `add quota ${table} s${name} { over ${whole(limit)} bytes used ${whole(downloaded + uploaded)} bytes ; }`,
        `add counter ${table} u${name} { packets 0 bytes ${whole(uploaded)} ; }`,
        `add counter ${table} d${name} { packets 0 bytes ${whole(downloaded)} ; }`,
      ]
    }
    case 'limit':
      // Over an object that is there it changes the limit, and keeps what was counted.
      return [`add quota ${table} s${hexOf(change.sessionId)} { over ${whole(change.limit)} bytes ; }`]
    case 'assign': {
      const [ip, name] = [address(change.ip), hexOf(change.sessionId)]
      return maps.map((map, index) => `add element ${table} ${map} { ${ip} : "${'sud'[index]}${name}" }`)
    }
    case 'cut':
      return [`add element ${table} cut { ${address(change.ip)} }`]
    case 'uncut':
      return uncut(address(change.ip))
    case 'time':
      return [`add element ${table} timed { ${address(change.ip)} }`, ...until(address(change.ip), change.until - now)]
    case 'untime': {
      const ip = address(change.ip)
      return [...until(ip, 0), `add element ${table} timed { ${ip} }`, `delete element ${table} timed { ${ip} }`]
    }
  }
}

const maps = ['by_ip', 'up_by_ip', 'down_by_ip'] as const

// Deleting what is not there fails the whole transaction, and the kernel may add or end an element at any moment.
function uncut(ip: string): string[] {
  return [`add element ${table} cut { ${ip} }`, `delete element ${table} cut { ${ip} }`]
}

// A time is changed by taking it out and putting it in again; without a timeout it would never end.
function until(ip: string, milliseconds: number): string[] {
  const left = whole(Math.ceil(Math.max(0, milliseconds)))
  const out = [`add element ${table} until { ${ip} timeout 1s }`, `delete element ${table} until { ${ip} }`]
  return left === '0' ? out : [...out, `add element ${table} until { ${ip} timeout ${left}ms }`]
}

function address(ip: string): string {
  if (!isIPv4(ip)) throw new Error(`${JSON.stringify(ip)} is no IPv4 address`)
  return ip
}

function whole(count: number): string {
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${count} is no whole number`)
  return String(count)
}

const isUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** A session's name in the table, behind a letter: a name must not begin with a digit. */
export function hexOf(sessionId: string): string {
  if (!isUuid.test(sessionId)) throw new Error(`${JSON.stringify(sessionId)} is no session id`)
  return sessionId.replaceAll('-', '')
}

/** The session of a name, or nothing. */
export function sessionIdOf(name: string): string | undefined {
  const [, a, b, c, d, e] = /^[sud]([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(name) ?? []
  return e === undefined ? undefined : `${a}-${b}-${c}-${d}-${e}`
}
