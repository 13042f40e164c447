// Accounts at a broker: the two files that a Mosquitto reads them from, and the dev broker likewise; and the one of a NATS cluster.
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aclBlock, passwordLine, type Role, rightsIn, userOf } from './access.ts'
import { makeFolder } from './make-folder.ts'
import { isSubjectPrefix, withNatsUser } from './nats-users.ts'

export interface AccountFiles {
  users: string
  acl: string
  nats: string
}

export interface NewAccount {
  folder: string
  role: Role
  name: string
  prefix: string
  /** It is known by its certificate, whose common name is the user's: there is no password. */
  byCertificate?: boolean
}

const saltBytes = 12
const natsSaltBytes = 16
const passwordBytes = 24

export const accountFilesIn = (folder: string): AccountFiles => ({
  users: join(folder, 'passwd'),
  acl: join(folder, 'acl'),
  nats: join(folder, 'users.conf'),
})

export function hasAccount(folder: string, user: string): boolean {
  return rightsIn(textOf(accountFilesIn(folder).acl)).has(user)
}

/** Throws the system's error where the folder cannot be written. */
export function addAccount({ folder, role, name, prefix, byCertificate = false }: NewAccount): { password?: string } {
  const { users, acl, nats } = accountFilesIn(folder)
  const password = randomBytes(passwordBytes).toString('base64url')
  makeFolder(folder)
  const line = byCertificate ? '' : `${passwordLine(userOf(role, name, prefix), password, randomBytes(saltBytes))}\n`
  putSecret(users, textOf(users) + line)
  putSecret(acl, [textOf(acl), aclBlock(role, name, prefix)].filter((text) => text !== '').join('\n'))
  const secret = byCertificate ? {} : { password }
  if (isSubjectPrefix(prefix)) {
    putSecret(nats, withNatsUser(textOf(nats), { role, name, prefix, ...secret, salt: randomBytes(natsSaltBytes) }))
  }
  return secret
}

export function putSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 })
  // A file that was there keeps its mode otherwise.
  chmodSync(file, 0o600)
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
