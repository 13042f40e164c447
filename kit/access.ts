// Who may do what at a Mosquitto: the access list and the password of one user, by role. Pure but for the salt that it is given.
import { createHash, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { defaultPrefix } from '../protocol/index.ts'

/** `router` is one router; the others are for the whole fleet. */
export const roles = ['router', 'backend', 'operator', 'monitor'] as const
export type Role = (typeof roles)[number]

/** Topic filters: what may be published to, and what is heard. */
export type Rights = Record<'write' | 'read', readonly string[]>

const all = ['usage', 'status', 'reply', 'reply/+']
const topicsOf: Record<Role, Rights> = {
  router: { write: all, read: ['purchase', 'command', 'query'] },
  // A backend ends the sessions of customers who never came.
  backend: { write: ['purchase', 'query', 'command'], read: all },
  operator: { write: ['command', 'query'], read: all },
  monitor: { write: ['query'], read: all },
}

/** The name at the broker; with `use_username_as_clientid` also the client id, so that none can take another one's place. */
export function userOf(role: Role, name: string, prefix: string): string {
  if (role !== 'router' || prefix === defaultPrefix) return name
  return `${createHash('sha256').update(prefix).digest('hex').slice(0, 8)}_${name}`
}

/** The topics that a user may publish to and subscribe to. */
export function accessOf(role: Role, name: string, prefix: string): Rights {
  const below = (topic: string) => `${prefix}/${role === 'router' ? name : '+'}/${topic}`
  const { write, read } = topicsOf[role]
  return { write: write.map(below), read: read.map(below) }
}

/** The block of an `acl_file`. One for each user: a pattern with %u would give every user a router's rights. */
export function aclBlock(role: Role, name: string, prefix: string): string {
  const { write, read } = accessOf(role, name, prefix)
  const lines = [...write.map((topic) => `topic write ${topic}`), ...read.map((topic) => `topic read ${topic}`)]
  return [`user ${userOf(role, name, prefix)}`, ...lines, ''].join('\n')
}

const iterations = 101

/** The line of a `password_file` as mosquitto_passwd writes it: PBKDF2 with SHA-512. `salt`: 12 random bytes. */
export function passwordLine(user: string, password: string, salt: Uint8Array): string {
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  return `${user}:$7$${iterations}$${Buffer.from(salt).toString('base64')}$${hash.toString('base64')}`
}

/** Whether that line of a `password_file` was made of this password. */
export function isPassword(line: string, password: string): boolean {
  const [, kind, rounds, salt = '', hash = ''] = (line.split(':')[1] ?? '').split('$')
  if (kind !== '7') return false
  const wanted = Buffer.from(hash, 'base64')
  const given = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(rounds), 64, 'sha512')
  return wanted.length === given.length && timingSafeEqual(wanted, given)
}

/** The rights of each user in an `acl_file` that has blocks as they are written above. */
export function rightsIn(acl: string): Map<string, Rights> {
  const users = new Map<string, { write: string[]; read: string[] }>()
  let rights: { write: string[]; read: string[] } | undefined
  for (const line of acl.split('\n')) {
    const [word, action = '', topic = ''] = line.trim().split(' ')
    if (word === 'user') {
      rights = users.get(action) ?? { write: [], read: [] }
      users.set(action, rights)
    }
    if (word !== 'topic' || !rights) continue
    if (action !== 'read') rights.write.push(topic)
    if (action !== 'write') rights.read.push(topic)
  }
  return users
}

/** Whether a topic is one of those that the filters name. */
export function isAmong(filters: readonly string[], topic: string): boolean {
  return filters.some((filter) => matches(filter.split('/'), topic.split('/')))
}

function matches(filter: readonly string[], topic: readonly string[]): boolean {
  if (topic[0]?.startsWith('$') && filter[0] !== topic[0]) return false
  const end = filter.indexOf('#')
  const levels = end < 0 ? filter : filter.slice(0, end)
  if (end < 0 && levels.length !== topic.length) return false
  return levels.every((level, index) => topic[index] !== undefined && (level === '+' || level === topic[index]))
}
