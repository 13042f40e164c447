// `enrol`: makes the account of a router, a backend, an operator or a monitor at a Mosquitto or a NATS cluster, and the files that it needs.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { FleetError } from '../client/index.ts'
import { type Role, userOf } from '../kit/access.ts'
import { accountFilesIn, addAccount, hasAccount, putSecret } from '../kit/accounts.ts'
import { makeFolder } from '../kit/make-folder.ts'
import { isSubjectPrefix } from '../kit/nats-users.ts'
import type { Context } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'

export interface EnrolOptions {
  name: string
  role: Role
  out: string
  /** Known by a certificate instead of a password. */
  certificate?: true
}

/** Adds to the brokers' files in `out`, and puts what the user needs into a folder of its own there. */
export async function enrol({ terminal, options }: Context, enrolment: EnrolOptions): Promise<ExitCode> {
  const { name, role, out, certificate = false } = enrolment
  const { url, prefix = 'router', ca } = options
  const user = userOf(role, name, prefix)
  const files = { ...accountFilesIn(out), own: join(out, user) }
  if (hasAccount(out, user)) {
    const remedy = 'take its line and its block out first'
    throw new FleetError('invalid-argument', `${user} has an account in ${files.acl} already: ${remedy}`)
  }
  const taken = takenByOthers.find((start) => user.startsWith(start))
  if (role === 'router' && taken !== undefined) {
    const why = `client ids that begin so are those of others at the broker: ${taken}`
    throw new FleetError('invalid-argument', `${user} is no name for a router: ${why}`)
  }
  written(() => {
    makeFolder(files.own, 0o700)
    const { password } = addAccount({ folder: out, role, name, prefix, byCertificate: certificate })
    if (password !== undefined) putSecret(join(files.own, 'password'), `${password}\n`)
    if (ca !== undefined) copyFileSync(ca, join(files.own, 'ca.crt'))
    if (role === 'router')
      putSecret(join(files.own, 'agent.toml'), tomlOf({ name, user, prefix, url, certificate, ca }))
  })
  terminal.json({ user, files })
  terminal.say(`${files.own}  is for ${role === 'router' ? `the router ${name}` : `the ${role}`}: keep it secret`)
  if (certificate) terminal.say(`put own.crt with the common name ${user}, and own.key, beside it`)
  terminal.say(`${files.users} and ${files.acl}  are for a Mosquitto; then kill -HUP it`)
  if (isSubjectPrefix(prefix)) terminal.say(`${files.nats}  is for every node of a NATS cluster; then kill -HUP them`)
  return done
}

interface Bundle {
  name: string
  user: string
  prefix: string
  url: string
  certificate: boolean
  ca: string | undefined
}

// Others' client ids: those of `clientid_prefixes` in deploy/mosquitto/secure.conf, where a router's is its user name; and
// `tollgate-client-` in deploy/nats/door.cfg, where it is tollgate- and its user name.
const takenByOthers = ['tollgate', 'client-']
const home = '/etc/tollgate-fleet'

function tomlOf({ name, user, prefix, url, certificate, ca }: Bundle): string {
  const byPassword = [`mqtt_username = "${user}"`, `mqtt_password_file = "${home}/password"`]
  const byCertificate = [`mqtt_cert_file = "${home}/own.crt"`, `mqtt_key_file = "${home}/own.key"`]
  return [
    `router_id = "${name}"`,
    `mqtt_url = "${url}"`,
    ...(certificate ? byCertificate : byPassword),
    ...(ca === undefined ? [] : [`mqtt_ca_file = "${home}/ca.crt"`]),
    ...(prefix === 'router' ? [] : [`topic_prefix = "${prefix}"`]),
    '',
  ].join('\n')
}

function written(write: () => void): void {
  try {
    write()
  } catch (cause) {
    const { path, message } = Object(cause)
    throw new FleetError('invalid-argument', `${path ?? message} cannot be written or read`, cause)
  }
}
