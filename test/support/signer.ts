// Keys and signatures for tests, made by another implementation than the agent's own.
import { CompactSign, exportJWK, generateKeyPair } from 'jose'

export interface Signer {
  /** Its public key, as it stands in a JWKS file. */
  jwk: object
  sign(payload: object | string, header?: Record<string, unknown>): Promise<string>
}

export async function aSigner(kid: string, alg: 'Ed25519' | 'ES256' = 'Ed25519'): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return {
    jwk: { ...(await exportJWK(publicKey)), kid },
    sign(payload, header = {}) {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
      const protectedHeader = { alg, kid, typ: 'purchase+jws', ...header }
      return new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader(protectedHeader as never)
        .sign(privateKey)
    },
  }
}
