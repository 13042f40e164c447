// A compact JWS: its header held against a closed list, its signature against the keys that are trusted now. Pure.
import { type KeyObject, verify } from 'node:crypto'
import * as z from 'zod'

export type Algorithm = 'Ed25519' | 'ES256'

/** A public key that may sign, under the name that a header gives it. */
export interface TrustedKey {
  kid: string
  algorithm: Algorithm
  key: KeyObject
}

/** `payload`: as it was signed. `fault`: why nobody can be believed to have signed it. */
export type OpenedJws = { payload: Buffer } | { fault: string }

// A header with anything else, such as a key of its own or something critical, is not one of ours.
const Header = z.strictObject({
  alg: z.enum(['Ed25519', 'EdDSA', 'ES256']),
  kid: z.string().min(1).max(256),
  typ: z.string(),
})

/** `typ`: what kind of message it has to be, so that a signed command is no purchase. */
export function openJws(compact: string, keys: readonly TrustedKey[], typ: string): OpenedJws {
  const parts = compact.split('.')
  const [header, payload, signature] = parts.map(bytesOf)
  if (parts.length !== 3 || !header || !payload || !signature) return { fault: 'it is no compact JWS' }
  const { data } = Header.safeParse(jsonOf(header))
  if (!data) return { fault: 'its header must have alg (Ed25519 or ES256), kid and typ, and nothing else' }
  if (data.typ !== typ) return { fault: `its typ is ${shown(data.typ)}: give ${typ}` }
  const algorithm = data.alg === 'EdDSA' ? 'Ed25519' : data.alg
  const known = keys.filter(({ kid }) => kid === data.kid)
  if (known.length === 0) return { fault: `no key ${shown(data.kid)} is trusted here` }
  const signed = Buffer.from(compact.slice(0, compact.lastIndexOf('.')))
  const isSigned = known.some((trusted) => trusted.algorithm === algorithm && isBy(trusted, signed, signature))
  return isSigned ? { payload } : { fault: 'its signature is wrong' }
}

/** The payload of what may be a JWS, unverified: fit to name a message by, and for nothing else. */
export function claimedPayload(compact: string): Buffer | undefined {
  return bytesOf(compact.split('.')[1] ?? '')
}

function isBy({ algorithm, key }: TrustedKey, signed: Buffer, signature: Buffer): boolean {
  if (algorithm === 'Ed25519') return verify(null, signed, key, signature)
  return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

// Base64url in one spelling only: another one would be another message with the same signature.
function bytesOf(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 64))
