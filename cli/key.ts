// `key`: makes a pair of keys, the private one for a backend and the public one for its routers.
import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FleetError } from '../client/index.ts'
import { makeFolder } from '../kit/make-folder.ts'
import type { Context } from './context.ts'
import { done, type ExitCode } from './exit-codes.ts'

export interface KeyOptions {
  kid: string
  out: string
}

export async function key({ terminal }: Context, { kid, out }: KeyOptions): Promise<ExitCode> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const [secret, open] = [join(out, `${kid}.private.json`), join(out, `${kid}.jwks.json`)]
  write(secret, { ...privateKey.export({ format: 'jwk' }), kid }, 0o600)
  write(open, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid }] }, 0o644)
  terminal.json({ private: secret, public: open })
  terminal.say(`${secret}  signs: keep it secret, for --purchase-key or --command-key`)
  terminal.say(
    `${open}  is for the routers: AGENT_PURCHASE_KEYS or AGENT_COMMAND_KEYS; several are joined in one list of keys`,
  )
  return done
}

// A key that is there may be in use: it is not written over.
function write(file: string, jwk: object, mode: number): void {
  try {
    makeFolder(dirname(file))
    writeFileSync(file, `${JSON.stringify(jwk, null, 2)}\n`, { mode, flag: 'wx' })
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'is there already' : 'cannot be written'
    throw new FleetError('invalid-argument', `${file} ${why}`, cause)
  }
}
