// A key ring: the keys of a file as they are now. A file that turns unreadable keeps the last good keys; it never means that
// nothing need be signed.
import { readFile } from 'node:fs/promises'
import { fileFaultInWords } from '../file-fault.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import { trustedKeys } from './jwks.ts'
import type { TrustedKey } from './jws.ts'

export interface KeyRing {
  readonly keys: readonly TrustedKey[]
  /** The fault of the file, until it is mended. */
  readonly warning: string | undefined
  /** Reads the file. */
  refresh(): Promise<void>
  /** Reads it again and again, until `over`. */
  follow(over: AbortSignal): Promise<void>
}

// A new key is put into the file before anybody signs with it.
const readEvery = 2000

export function createKeyRing(
  path: string,
  sleep: Clock['sleep'],
  log: Pick<Log, 'warn' | 'info'>,
  read: (path: string) => Promise<string> = (name) => readFile(name, 'utf8'),
): KeyRing {
  let keys: readonly TrustedKey[] = []
  let last: string | undefined
  let warning: string | undefined

  async function refresh(): Promise<void> {
    try {
      const text = await read(path).catch((cause) => {
        throw new Error(fileFaultInWords(cause), { cause })
      })
      if (text !== last || warning !== undefined) keys = trustedKeys(text)
      if (text !== last) log.info({ path, kids: keys.map(({ kid }) => kid) }, 'these keys are trusted from now on')
      last = text
      warning = undefined
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err)
      const meanwhile = keys.length === 0 ? 'everything signed is refused' : 'the keys that it had are trusted'
      const text = `${path} ${why}: until it is mended ${meanwhile}`
      if (warning !== text) log.warn({ path }, text)
      warning = text
    }
  }

  return {
    get keys() {
      return keys
    },
    get warning() {
      return warning
    },
    refresh,
    async follow(over) {
      for (await sleep(readEvery, over); !over.aborted; await sleep(readEvery, over)) await refresh()
    },
  }
}
