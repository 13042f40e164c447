// Proves that the client signs what a router asks to be signed, anew each time it is sent; and that the router's own check, which is
// another implementation, takes it.
import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it, test } from 'vitest'
import { trustedKeys } from '../../agent/trust/jwks.ts'
import { signaturesFor, signedCommand, signedPurchase } from '../../agent/trust/signatures.ts'
import { createAsking } from '../../client/asking.ts'
import { createOutbox } from '../../client/outbox.ts'
import { createSigning, type SigningKey } from '../../client/signing.ts'
import { memoryStore } from '../../client/stores/memory-store.ts'
import { accepted, aMac, r1 } from '../support/messages.ts'
import { aClock, fakeLink, settled } from './fakes.ts'

async function aKey(alg: 'Ed25519' | 'ES256' = 'Ed25519'): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), kid: 'till' }
}
const routerWith = (key: SigningKey, kind = signedPurchase, topicPrefix = 'router') => {
  const keys = trustedKeys(JSON.stringify({ keys: [key] }))
  const open = signaturesFor(kind, { routerId: r1, topicPrefix }, () => keys)
  return (message: object) => {
    const payload = Buffer.from(JSON.stringify(message))
    return open({ payload, bytes: payload.byteLength })
  }
}
const order = { purchaseId: 'p1', mac: aMac, amount: 1, unit: 'sat' }

describe('a purchase', () => {
  test.each(['Ed25519', 'ES256'] as const)('signed with %s is opened by its router, for thirty days', async (alg) => {
    const key = await aKey(alg)
    const { purchase } = await createSigning({ purchases: key }, 'router', () => Date.parse('2026-11-01T00:00:00.000Z'))
    const opened = routerWith(key)(await purchase(r1, order))

    expect(opened).toMatchObject({ until: '2026-12-01T00:00:00.000Z' })
    expect('payload' in opened && JSON.parse(opened.payload.toString())).toMatchObject({ ...order, routerId: 'r1' })
  })

  it('names its fleet where that is another one', async () => {
    const key = await aKey()
    const { purchase } = await createSigning({ purchases: key }, 'hotel')
    const message = await purchase(r1, order)

    expect(routerWith(key, signedPurchase, 'hotel')(message)).toHaveProperty('payload')
    expect(routerWith(key)(message)).toEqual(expect.objectContaining({ fault: 'it was signed for another fleet' }))
  })

  it('is signed anew each time it is sent, and stored as it is', async () => {
    const key = await aKey()
    const [link, clock, store] = [fakeLink(), aClock(), memoryStore()]
    let wall = 0
    const signing = await createSigning({ purchases: key }, 'router', () => (wall += 1000))
    const outbox = createOutbox({ link, clock, prefix: 'router', store, signing, warn: () => {} })
    const result = outbox.purchase(r1, order)
    await expect.poll(() => link.published.length).toBe(1)
    await clock.advance(20_000)
    await expect.poll(() => link.published.length).toBeGreaterThan(1)

    expect(new Set(link.published.map(({ message }) => message.jws)).size).toBe(link.published.length)
    expect(outbox.pending()).toMatchObject([{ purchase: order }])
    await link.say('router/r1/usage', accepted(1))
    expect(await result).toMatchObject({ outcome: 'accepted' })
    await outbox.close()
  })
})

it('signs commands for a day, and no questions', async () => {
  const key = await aKey()
  const [link, clock] = [fakeLink(), aClock()]
  const signing = await createSigning({ commands: key }, 'router')
  const { ask } = createAsking({ link, clock, prefix: 'router', replyTo: 'me', signing })
  void ask(r1, 'command', { command: 'session.end', mac: aMac })
  await expect.poll(() => link.published.length).toBe(1)
  void ask(r1, 'query', { command: 'sessions' })
  await settled()

  const [command, question] = link.published.map(({ message }) => message)
  expect(routerWith(key, signedCommand)(command ?? {})).toHaveProperty('payload')
  expect(question).toMatchObject({ command: 'sessions' })
})

test.each([
  { key: 'a public key', change: { d: undefined } },
  { key: 'a key without a name', change: { kid: undefined } },
  { key: 'a key of another kind', change: { crv: 'X25519' } },
  { key: 'broken letters', change: { d: '!' } },
])('refuses $key at once', async ({ change }) => {
  const key = { ...(await aKey()), ...change } as SigningKey

  await expect(createSigning({ purchases: key }, 'router')).rejects.toMatchObject({ code: 'invalid-argument' })
})
