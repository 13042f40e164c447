// `enrol`: makes the account of a router, a backend, an operator or a monitor at a Mosquitto, and the files that it needs.
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FleetError } from '../client/index.ts'
import { aclBlock, passwordLine, type Role, userOf } from '../kit/access.ts'
import type { Context } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'

export interface EnrolOptions {
  name: string
  role: Role
  out: string
}

const saltBytes = 12
const passwordBytes = 24

/** Adds to the broker's two files in `out`, and puts what the user needs into a folder of its own there. */
export async function enrol({ terminal, options }: Context, { name, role, out }: EnrolOptions): Promise<ExitCode> {
  const { url, prefix = 'router' } = options
  const user = userOf(role, name, prefix)
  const [users, acl, own] = [join(out, 'passwd'), join(out, 'acl'), join(out, user)]
  const known = linesOf(users)
  if (known.some((line) => line.startsWith(`${user}:`))) {
    throw new FleetError(
      'invalid-argument',
      `${user} has an account in ${users} already: take its line and its block out first`,
    )
  }
  const password = randomBytes(passwordBytes).toString('base64url')
  mkdirSync(own, { recursive: true, mode: 0o700 })
  put(join(own, 'password'), `${password}\n`, 0o600)
  if (role === 'router') put(join(own, 'agent.toml'), tomlOf({ name, user, prefix, url }), 0o600)
  put(users, [...known, passwordLine(user, password, randomBytes(saltBytes)), ''].join('\n'), 0o600)
  put(acl, [...blocksOf(acl), aclBlock(role, name, prefix)].join('\n'), 0o600)
  terminal.json({ user, files: { users, acl, own } })
  terminal.say(`${own}  is for ${role === 'router' ? `the router ${name}` : `the ${role}`}: keep it secret`)
  terminal.say(`${users} and ${acl}  are for the broker; then kill -HUP it`)
  return done
}

interface Bundle {
  name: string
  user: string
  prefix: string
  url: string
}

function tomlOf({ name, user, prefix, url }: Bundle): string {
  const lines = [`router_id = "${name}"`, `mqtt_url = "${url}"`, `mqtt_username = "${user}"`]
  const fleet = prefix === 'router' ? [] : [`topic_prefix = "${prefix}"`]
  return [...lines, 'mqtt_password_file = "/etc/tollgate-fleet/password"', ...fleet, ''].join('\n')
}

function linesOf(file: string): string[] {
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []
}

function blocksOf(file: string): string[] {
  return existsSync(file) ? [readFileSync(file, 'utf8')] : []
}

function put(file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { mode })
    chmodSync(file, mode)
  } catch (cause) {
    throw new FleetError('invalid-argument', `${file} cannot be written`, cause)
  }
}
