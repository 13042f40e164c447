// Who may do what at a NATS cluster: one line for each user, in a list that nats-server includes. Pure but for the salt that it is given.
import { encodeBase64, hashSync } from 'bcryptjs'
import { accessOf, type Role, userOf } from './access.ts'

export interface NatsUser {
  role: Role
  name: string
  prefix: string
  /** Absent for a user that shows a certificate, whose common name is the user's. */
  password?: string
  /** 16 random bytes. */
  salt: Uint8Array
}

/** Whether topics below that prefix are subjects too: a dot parts a subject's levels, and the others are its wildcards. */
export const isSubjectPrefix = (prefix: string): boolean => !/[.*>]/.test(prefix)

/** The list with one more user in it. `text`: the list as it is, empty where there is none. */
export function withNatsUser(text: string, user: NatsUser): string {
  const lines = text.split('\n').filter((line) => line.startsWith('{'))
  return `users: [\n${[...lines, natsUser(user)].join('\n')}\n]\n`
}

function natsUser({ role, name, prefix, password, salt }: NatsUser): string {
  const { write, read } = accessOf(role, name, prefix)
  // Subscriptions of QoS 1 are served through subjects of the server's own.
  const permissions = { publish: write.map(subjectOf), subscribe: [...read.map(subjectOf), '$MQTT.sub.>'] }
  const secret = password === undefined ? {} : { password: bcrypt(password, salt) }
  return JSON.stringify({
    user: userOf(role, name, prefix),
    ...secret,
    allowed_connection_types: ['MQTT'],
    permissions,
  })
}

/** `router/+/usage` as NATS calls it: `router.*.usage`. */
const subjectOf = (filter: string): string => filter.replaceAll('/', '.').replaceAll('+', '*')

// 192 random bits need no stretching, and a thousand routers that come back at once are a thousand hashes.
const cost = '04'

// Before 2.10 nats-server takes any other prefix than 2a for a password in plain text.
function bcrypt(password: string, salt: Uint8Array): string {
  return hashSync(password, `$2a$${cost}$${encodeBase64(salt, 16)}`)
}
