// The accounts of a simulated fleet with `--secure`: every router, the backend and the watchers have their own, as at a real broker.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Role } from '../../kit/access.ts'
import { addAccount, hasAccount, putSecret } from '../../kit/accounts.ts'

export interface FleetAccounts {
  /** For the broker. */
  folder: string
  /** Makes the account where there is none yet. */
  of(role: Role, name: string): { username: string; passwordFile: string }
}

export function fleetAccounts(folder: string): FleetAccounts {
  return {
    folder,
    of(role, name) {
      const passwordFile = join(folder, name, 'password')
      if (!hasAccount(folder, name)) {
        mkdirSync(join(folder, name), { recursive: true })
        const { password = '' } = addAccount({ folder, role, name, prefix: 'router' })
        putSecret(passwordFile, password)
      }
      return { username: name, passwordFile }
    },
  }
}
