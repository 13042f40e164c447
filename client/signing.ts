// Signs purchases and commands for routers that ask for it: each message anew whenever it is sent.
import { CompactSign, importJWK, type JWK } from 'jose'
import type { RouterId } from '../protocol/index.ts'
import { FleetError } from './errors.ts'

/** A private key, Ed25519 or P-256, as a JWK with the `kid` by which routers know its public part. */
export type SigningKey = JWK & { kid: string }

export interface SigningKeys {
  purchases?: SigningKey
  /** For the commands that act on a session; questions need no signature. */
  commands?: SigningKey
}

export interface Signing {
  purchase(routerId: RouterId, message: object): Promise<object>
  command(routerId: RouterId, message: object): Promise<object>
}

const day = 86_400
// A purchase may wait at the broker for a router that is away: refused for its age it could never be sold under its id again.
const purchaseSeconds = 30 * day
const commandSeconds = day

/** Without keys every message goes as it is. `wall`: milliseconds since 1970. Throws where a key is none. */
export async function createSigning(
  keys: SigningKeys = {},
  prefix: string,
  wall: () => number = Date.now,
): Promise<Signing> {
  const purchase = await signerOf('purchases', keys.purchases)
  const command = await signerOf('commands', keys.commands)

  async function signed(sign: Signer, typ: string, seconds: number, routerId: RouterId, message: object) {
    const iat = Math.floor(wall() / 1000)
    const claims = { routerId, ...(prefix !== 'router' && { prefix }), iat, exp: iat + seconds }
    return { jws: await sign(JSON.stringify({ ...message, ...claims }), typ) }
  }

  return {
    purchase: async (id, message) =>
      purchase ? signed(purchase, 'purchase+jws', purchaseSeconds, id, message) : message,
    command: async (id, message) => (command ? signed(command, 'command+jws', commandSeconds, id, message) : message),
  }
}

type Signer = (text: string, typ: string) => Promise<string>

async function signerOf(what: string, jwk: SigningKey | undefined): Promise<Signer | undefined> {
  if (!jwk) return undefined
  const alg = algorithmOf(jwk)
  const give = `signing.${what}: give a private key as a JWK, Ed25519 or P-256, with a kid`
  if (!alg || typeof jwk.kid !== 'string' || typeof jwk.d !== 'string') throw new FleetError('invalid-argument', give)
  const key = await importJWK(jwk, alg).catch((cause) => {
    throw new FleetError('invalid-argument', give, cause)
  })
  return (text, typ) =>
    new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({ alg, kid: jwk.kid, typ }).sign(key)
}

function algorithmOf({ kty, crv }: JWK): 'Ed25519' | 'ES256' | undefined {
  if (kty === 'OKP' && crv === 'Ed25519') return 'Ed25519'
  return kty === 'EC' && crv === 'P-256' ? 'ES256' : undefined
}
