// Credentials: the password and the certificates as their files are now. A file that becomes unreadable, or a certificate without
// its key, keeps the last good ones: a renewal that is half done must not take a router off line.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../config.ts'
import { fileFaultInWords } from '../file-fault.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** The contents of the files; each is absent where no file is named. */
export interface Credentials {
  password?: string
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
}

export interface CredentialFiles {
  /** Faults of the files and ends of certificates, in words for a person. */
  readonly warnings: readonly string[]
  /** As the files are now, or as they were when they were last good; throws, in words, where they never were. */
  read(): Promise<Credentials>
  /** Reads them again and again, until `over`, and calls `changed` when others are good than were read last. */
  follow(changed: () => void, over: AbortSignal): Promise<void>
}

export type FileNames = Pick<Config['mqtt'], 'passwordFile' | 'caFile' | 'certFile' | 'keyFile'>
type Parts = Pick<Clock, 'sleep' | 'wall' | 'synced'>

const readEvery = 5000
// The files may stand on a disk that hangs.
const readWithin = 2000
// A person who renews by hand needs a week or two.
const tellBefore = 14 * 86_400_000

export function createCredentials(
  names: FileNames,
  { sleep, wall, synced }: Parts,
  log: Pick<Log, 'warn' | 'info'>,
  readOne: (path: string) => Promise<Buffer> = readFile,
): CredentialFiles {
  const hasFiles = Object.values(names).some((name) => name !== undefined)
  let good: Credentials | undefined
  let used: Credentials | undefined
  let fault: string | undefined

  async function refresh(): Promise<void> {
    try {
      good = await soundCredentials(names, readOne)
      fault = undefined
    } catch (err) {
      const text = err instanceof Error ? err.message : String(err)
      const meanwhile = good ? ': until it is mended the agent connects with what was there before' : ''
      if (fault !== text + meanwhile) log.warn(`${text}${meanwhile}`)
      fault = text + meanwhile
    }
  }

  return {
    get warnings() {
      const ends = good && synced() ? endsOf(names, good, wall()) : []
      return fault === undefined ? ends : [fault, ...ends]
    },
    async read() {
      if (!hasFiles) return {}
      await Promise.race([refresh(), sleep(readWithin)])
      if (!good) throw new Error(fault ?? 'the files of password and certificates cannot be read: their disk hangs')
      used = good
      return good
    },
    async follow(changed, over) {
      if (!hasFiles) return
      for (await sleep(readEvery, over); !over.aborted; await sleep(readEvery, over)) {
        await refresh()
        if (used === undefined || isDeepStrictEqual(good, used)) continue
        used = good
        log.info('password or certificates have changed: connecting anew with them')
        changed()
      }
    },
  }
}

async function soundCredentials(names: FileNames, readOne: (path: string) => Promise<Buffer>): Promise<Credentials> {
  const [password, ca, cert, key] = await Promise.all(
    [names.passwordFile, names.caFile, names.certFile, names.keyFile].map(async (path) => {
      if (path === undefined) return undefined
      return readOne(path).catch((err) => {
        throw new Error(`${path} ${fileFaultInWords(err)}`, { cause: err })
      })
    }),
  )
  if (ca) certificatesOf(names.caFile, ca)
  if (cert && key) checkPair(names, cert, key)
  return {
    ...(password && { password: password.toString('utf8').trim() }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}

function checkPair({ certFile, keyFile }: FileNames, cert: Buffer, key: Buffer): void {
  const [own] = certificatesOf(certFile, cert)
  if (!own?.checkPrivateKey(privateKeyOf(keyFile, key))) {
    throw new Error(`the key in ${keyFile} is not that of the certificate in ${certFile}`)
  }
}

function privateKeyOf(path: string | undefined, pem: Buffer) {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    throw new Error(`${path} has no private key in PEM without a passphrase`, { cause })
  }
}

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g

/** At least one. */
function certificatesOf(path: string | undefined, pem: Buffer): X509Certificate[] {
  const found = pem.toString('latin1').match(pemCertificate) ?? []
  if (found.length === 0) throw new Error(`${path} has no certificate in PEM`)
  try {
    return found.map((one) => new X509Certificate(one))
  } catch (cause) {
    throw new Error(`${path} has a certificate that cannot be read`, { cause })
  }
}

/** Of the agent's own certificate, and of the authority that is valid longest. */
function endsOf({ certFile, caFile }: FileNames, { cert, ca }: Credentials, now: number): string[] {
  const [own] = cert ? certificatesOf(certFile, cert) : []
  const authorities = ca ? certificatesOf(caFile, ca) : []
  const [last] = authorities.sort((a, b) => Date.parse(b.validTo) - Date.parse(a.validTo))
  return [
    ...(own ? endOf(`the agent's certificate ${certFile}`, own, now) : []),
    ...(last ? endOf(`the certificate ${caFile}, which vouches for the broker,`, last, now) : []),
  ]
}

function endOf(name: string, { validFrom, validTo }: X509Certificate, now: number): string[] {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)]
  const day = (at: number) => new Date(at).toISOString().slice(0, 10)
  const remedy = 'put a new one into its place, which is used at once'
  if (now >= to) return [`${name} has expired on ${day(to)}: ${remedy}`]
  if (now < from) return [`${name} is not valid before ${day(from)}: ${remedy}`]
  return to - now <= tellBefore ? [`${name} expires on ${day(to)}: ${remedy}`] : []
}
