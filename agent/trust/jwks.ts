// A JWKS file: the public keys that are trusted, Ed25519 or P-256, each with a name.
import { createPublicKey } from 'node:crypto'
import * as z from 'zod'
import type { TrustedKey } from './jws.ts'

const kid = z.string().min(1).max(256)
const Key = z.union([
  z.object({ kid, kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
  z.object({ kid, kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
])
const Keys = z.object({ keys: z.array(Key).min(1).max(64) })

/** Throws, in words that follow the name of the file. Only the public part of a key is taken. */
export function trustedKeys(text: string): TrustedKey[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    throw new Error('is not JSON')
  }
  const parsed = Keys.safeParse(content)
  if (!parsed.success) throw new Error('has no keys as it should: {"keys": [...]}, each Ed25519 or P-256 with a kid')
  return parsed.data.keys.map(({ kid, ...jwk }) => {
    try {
      const algorithm = jwk.kty === 'OKP' ? 'Ed25519' : 'ES256'
      return { kid, algorithm, key: createPublicKey({ key: jwk, format: 'jwk' }) }
    } catch {
      throw new Error(`has a key ${JSON.stringify(kid)} that is none`)
    }
  })
}
