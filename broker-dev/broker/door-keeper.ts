// The door keeper of a development broker: who gets in, under which name, and what they may say and hear, by the files that
// `tollgate-fleet enrol` writes for a Mosquitto.
import { readFileSync } from 'node:fs'
import type { Aedes, AedesOptions, Client } from 'aedes'
import { isAmong, isPassword, type Rights, rightsIn } from '../../kit/access.ts'
import { accountFilesIn } from '../../kit/accounts.ts'

type DoorKeeper = Required<Pick<AedesOptions, 'preConnect' | 'authenticate' | 'authorizePublish' | 'authorizeForward'>>

// Nobody is told of it: an error would make the client send the message again for ever, since Aedes then closes without a PUBACK.
const denied = '$denied'

/** The files are read at each login, so that a new account needs no restart. */
export function doorKeeper(folder: string): DoorKeeper {
  const { users, acl } = accountFilesIn(folder)
  const rightsOf = new WeakMap<Client, Rights>()

  return {
    // Each account has client ids of its own: nobody takes another one's place with a password of its own.
    preConnect(_client, packet, done) {
      const { username = '', clientId } = packet as { username?: string; clientId: string }
      Object.assign(packet, { clientId: `${username}/${clientId}` })
      done(null, true)
    },
    authenticate(client, username = '', password = Buffer.alloc(0), done) {
      const line = readFileSync(users, 'utf8')
        .split('\n')
        .find((one) => one.startsWith(`${username}:`))
      const isIn = line !== undefined && isPassword(line, password.toString())
      if (isIn) rightsOf.set(client, rightsIn(readFileSync(acl, 'utf8')).get(username) ?? { write: [], read: [] })
      done(null, isIn)
    },
    authorizePublish(client, packet, done) {
      const mayWrite = client === null || isAmong(rightsOf.get(client)?.write ?? [], packet.topic)
      if (!mayWrite) Object.assign(packet, { topic: denied, retain: false })
      done(null)
    },
    // As Mosquitto does: everybody may subscribe to anything, and hears what its rights name.
    authorizeForward: (client, packet) => (isAmong(rightsOf.get(client)?.read ?? [], packet.topic) ? packet : null),
  } satisfies DoorKeeper & Partial<Aedes>
}
