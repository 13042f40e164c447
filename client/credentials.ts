// Credentials: the password and the certificates as their files are now. Files that cannot be used keep the last good ones: a
// renewal that is half done must not take a backend off line.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { FleetError } from './errors.ts'
import type { FleetOptions } from './options.ts'

export interface Credentials {
  username?: string
  password?: string
  ca?: string | Buffer
  cert?: string | Buffer
  key?: string | Buffer
}

/** Throws where they are of no use at first; from then on it warns, each time for another reason. */
export function credentialsOf(options: FleetOptions, warn: (warning: FleetError) => void): () => Credentials {
  let good = read(options)
  let told: string | undefined
  return () => {
    const warning = refresh()
    if (warning && warning.message !== told) warn(warning)
    told = warning?.message
    return good
  }

  function refresh(): FleetError | undefined {
    try {
      good = read(options)
      return endOf(good, options)
    } catch (cause) {
      const { message } = cause as FleetError
      return new FleetError('invalid-argument', `${message}: what was there before is used until it is mended`, cause)
    }
  }
}

function read({ username, password, passwordFile, ca, cert, key }: FleetOptions): Credentials {
  const secret = passwordFile === undefined ? password : passwordIn(passwordFile)
  const credentials = {
    ...(username !== undefined && { username }),
    ...(secret !== undefined && { password: secret }),
    ...(ca !== undefined && { ca: pemOf(ca) }),
    ...(cert !== undefined && { cert: pemOf(cert) }),
    ...(key !== undefined && { key: pemOf(key) }),
  }
  try {
    if (ca !== undefined || cert !== undefined || key !== undefined) createSecureContext(credentials)
  } catch (cause) {
    const what = 'ca, cert and key are not PEM of certificates, and of the key that belongs to the certificate'
    throw new FleetError('invalid-argument', what, cause)
  }
  return credentials
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new FleetError('invalid-argument', `${file} cannot be read as a password`, cause)
  }
}

function pemOf(given: string | Buffer): string | Buffer {
  if (typeof given !== 'string' || given.includes('-----BEGIN')) return given
  try {
    return readFileSync(given)
  } catch (cause) {
    throw new FleetError('invalid-argument', `${given} cannot be read as a certificate or key`, cause)
  }
}

const tellBefore = 14 * 86_400_000

function endOf({ cert }: Credentials, options: FleetOptions): FleetError | undefined {
  if (cert === undefined) return undefined
  const end = Date.parse(new X509Certificate(cert).validTo)
  if (end - Date.now() > tellBefore) return undefined
  const name = typeof options.cert === 'string' && !options.cert.includes('-----BEGIN') ? options.cert : 'cert'
  const verb = end > Date.now() ? 'expires' : 'has expired'
  const text = `the certificate ${name} ${verb} on ${new Date(end).toISOString().slice(0, 10)}: put a new one into its place`
  return new FleetError('invalid-argument', text)
}
