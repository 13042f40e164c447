// Proves that only what a trusted key has signed, under a header of the closed list, is opened; against signatures of another
// implementation.
import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { trustedKeys } from '../../../agent/trust/jwks.ts'
import { openJws, type TrustedKey } from '../../../agent/trust/jws.ts'
import { aSigner, type Signer } from '../../support/signer.ts'

const typ = 'purchase+jws'
const payload = { purchaseId: 'p1', amount: 1 }
let [one, curve, stranger]: Signer[] = []
let keys: TrustedKey[] = []
const trusting = (...signers: (Signer | undefined)[]) =>
  trustedKeys(JSON.stringify({ keys: signers.map((signer) => signer?.jwk) }))
const signed = (signer: Signer | undefined, header?: object) => signer?.sign(payload, { ...header }) ?? Promise.reject()

beforeAll(async () => {
  one = await aSigner('one')
  curve = await aSigner('curve', 'ES256')
  stranger = await aSigner('one')
  keys = trusting(one, curve)
})

describe('a signature', () => {
  it('of Ed25519 and of P-256 opens to what was signed', async () => {
    for (const signer of [one, curve]) {
      const opened = openJws(await signed(signer), keys, typ)

      expect('payload' in opened && JSON.parse(opened.payload.toString())).toEqual(payload)
    }
  })

  it('is taken under the older name of Ed25519', async () => {
    expect(openJws(await signed(one, { alg: 'EdDSA' }), keys, typ)).toHaveProperty('payload')
  })

  it('of a key that is gone is not', async () => {
    expect(openJws(await signed(one), trusting(curve), typ)).toMatchObject({ fault: expect.stringContaining('"one"') })
  })

  it('by somebody who only uses the name of a key is not', async () => {
    expect(openJws(await signed(stranger), keys, typ)).toEqual({ fault: 'its signature is wrong' })
  })

  it('is right no more when one character of it is another one', async () => {
    const whole = await signed(one)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.='
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.constantFrom(...alphabet), (at, letter) => {
        fc.pre(whole[at] !== letter)
        const changed = `${whole.slice(0, at)}${letter}${whole.slice(at + 1)}`
        expect(openJws(changed, keys, typ)).toHaveProperty('fault')
      }),
      { numRuns: 500 },
    )
  })
})

const text = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test.each([
  { attack: 'no algorithm', header: { alg: 'none', kid: 'one', typ } },
  { attack: 'a shared secret', header: { alg: 'HS256', kid: 'one', typ } },
  { attack: 'a key of its own', header: { alg: 'Ed25519', kid: 'one', typ, jwk: { kty: 'OKP' } } },
  { attack: 'an address of a key', header: { alg: 'Ed25519', kid: 'one', typ, jku: 'https://x.example' } },
  { attack: 'something critical', header: { alg: 'Ed25519', kid: 'one', typ, crit: ['b64'], b64: false } },
  { attack: 'no key', header: { alg: 'Ed25519', typ } },
  { attack: 'no type', header: { alg: 'Ed25519', kid: 'one' } },
  { attack: 'another type', header: { alg: 'Ed25519', kid: 'one', typ: 'command+jws' } },
  { attack: 'the algorithm of another key', header: { alg: 'ES256', kid: 'one', typ } },
])('a header with $attack is refused, also with a signature that fits', async ({ header }) => {
  const [, body, signature] = (await signed(one)).split('.')
  expect(openJws(`${text(header)}.${body}.${signature}`, keys, typ)).toHaveProperty('fault')
  const honest = await one?.sign(payload, { kid: undefined, typ: undefined, ...header }).catch(() => undefined)
  if (honest !== undefined) expect(openJws(honest, keys, typ)).toHaveProperty('fault')
})

it('opens nothing that is no JWS, whatever it is', () => {
  fc.assert(
    fc.property(fc.string(), (junk) => {
      expect(openJws(junk, keys, typ)).toHaveProperty('fault')
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }), (parts) => {
      expect(openJws(parts.join('.'), keys, typ)).toHaveProperty('fault')
    }),
  )
})

describe('a file of keys', () => {
  it.each([
    { file: 'no JSON', text: '{', why: 'is not JSON' },
    { file: 'no keys', text: '{"keys":[]}', why: 'has no keys as it should' },
    { file: 'a secret', text: '{"keys":[{"kty":"oct","kid":"a","k":"AA"}]}', why: 'has no keys as it should' },
    { file: 'a key without a name', text: '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}', why: 'has no keys' },
    {
      file: 'half a key',
      text: '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"AA"}]}',
      why: '"a" that is none',
    },
  ])('with $file is refused in words', ({ text, why }) => {
    expect(() => trustedKeys(text)).toThrow(why)
  })
})
