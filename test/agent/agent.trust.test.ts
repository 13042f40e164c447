// Proves what a router grants and does when it asks for signatures: only what a trusted key has signed for it, once.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import type { LiveStatus } from '../../protocol/index.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { aSigner, type Signer } from '../support/signer.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-keys-'))
const file = join(folder, 'keys.json')

let router: RouterUnderTest
// By the router's clock, in seconds.
let now: number
let claims: { routerId: string; iat: number; exp: number }
let key: Signer
let other: Signer
beforeEach(async () => {
  key = await aSigner('key')
  other = await aSigner('other', 'ES256')
  writeFileSync(file, JSON.stringify({ keys: [key.jwk, other.jwk] }))
  router = aRouter({ env: { AGENT_PURCHASE_KEYS: file, AGENT_COMMAND_KEYS: file } })
  now = Math.floor(router.clock.wall() / 1000)
  claims = { routerId: 'r1', iat: now - 10, exp: now + 3600 }
  router.join(1)
  await router.start()
})
afterEach(() => expect(router.invalid()).toEqual([]))

const grant = (id = 'p1') => aGrant('bytes', 5_000_000, { purchaseId: id })
const answers = () => router.usage().filter(({ type }) => type.startsWith('purchase.'))
const status = () => router.uplink.status() as LiveStatus
async function send(payload: object, { by = key, header = {} }: { by?: Signer; header?: object } = {}) {
  await router.uplink.purchase({ jws: await by.sign(payload, { ...header }) })
  await router.pass(100)
  return answers().at(-1)
}

describe('a signed purchase', () => {
  it('opens the gate, by either of two keys, and is the same purchase however often it is signed', async () => {
    expect(await send({ ...grant(), ...claims })).toMatchObject({ type: 'purchase.accepted', purchaseId: 'p1' })
    const again = await send({ ...grant(), ...claims, iat: now - 5, exp: now + 7200 }, { by: other })

    expect(again).toMatchObject({ type: 'purchase.accepted', purchaseId: 'p1', duplicate: true })
    expect(router.isOpen()).toBe(true)
    expect(router.events('purchase.accepted').filter(({ seq }) => seq !== undefined)).toHaveLength(1)
  })

  it('whose signature has run out is refused for good', async () => {
    const late = await send({ ...grant(), ...claims, iat: now - 7200, exp: now - 1 })

    expect(late).toMatchObject({ type: 'purchase.rejected', code: 'expired', purchaseId: 'p1', final: true })
    expect(router.events('purchase.rejected')).toHaveLength(1)
    expect(await send({ ...grant(), ...claims })).toMatchObject({ code: 'expired', duplicate: true })
  })

  test.each([
    { attack: 'without a signature', message: () => grant() },
    {
      attack: 'with a field beside its signature',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims }), amount: 1 }),
    },
    {
      attack: 'for another router',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims, routerId: 'r2' }) }),
    },
    {
      attack: 'for another fleet',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims, prefix: 'hotel' }) }),
    },
    {
      attack: 'for longer than a month',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims, exp: now + 31 * 86_400 }) }),
    },
    {
      attack: 'without an end',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims, exp: undefined }) }),
    },
    {
      attack: 'signed as a command',
      message: async () => ({ jws: await key.sign({ ...grant(), ...claims }, { typ: 'command+jws' }) }),
    },
    {
      attack: 'by an unknown key',
      message: async () => ({ jws: await (await aSigner('key')).sign({ ...grant(), ...claims }) }),
    },
  ])('$attack grants nothing, is not journalled, and is named as it was sent', async ({ attack, message }) => {
    const { lastSeq } = status().journal
    await router.uplink.purchase(await message())
    await router.pass(100)
    const answer = answers().at(-1)

    expect(answer).toMatchObject({ type: 'purchase.rejected', code: 'unauthorised', final: false })
    expect(answer).not.toHaveProperty('purchaseId')
    expect(answer).not.toHaveProperty('seq')
    if (!attack.includes('beside')) expect(answer).toMatchObject({ sentId: 'p1' })
    expect(status().journal.lastSeq).toBe(lastSeq)
    expect(router.isOpen()).toBe(false)
  })

  it('is taken by a new key without a restart, and by the old one no more', async () => {
    const young = await aSigner('young')
    writeFileSync(file, JSON.stringify({ keys: [young.jwk] }))
    await expect
      .poll(async () => {
        await router.pass(2000)
        return (await send({ ...grant('p2'), ...claims }, { by: young }))?.type
      })
      .toBe('purchase.accepted')

    expect(await send({ ...grant('p3'), ...claims })).toMatchObject({ code: 'unauthorised' })
  })

  it('is taken with the keys that the router had while their file is broken, and the status says so', async () => {
    writeFileSync(file, '')
    await expect
      .poll(async () => {
        await router.pass(2000)
        return status().warnings.join()
      })
      .toContain(`${file} is not JSON`)

    expect(await send({ ...grant(), ...claims })).toMatchObject({ type: 'purchase.accepted' })
    expect(await send(grant('p4'))).toMatchObject({ code: 'unauthorised' })
  })
})

describe('a signed command', () => {
  const pause = { transaction: 't1', command: 'session.pause', mac: aMac() }
  const signed = async (payload: object, header = {}) => ({
    jws: await key.sign(payload, { typ: 'command+jws', ...header }),
  })

  it('acts; an unsigned one, an old one and one signed as a purchase do not; a question needs no signature', async () => {
    await send({ ...grant(), ...claims })
    const refused = [
      await router.uplink.command(pause),
      await router.uplink.command(await signed({ ...pause, ...claims }, { typ: 'purchase+jws' })),
      await router.uplink.command(await signed({ ...pause, ...claims, exp: now + 2 * 86_400 })),
    ]
    expect(refused.map((reply) => [reply.transaction, reply.status === 'error' && reply.error.code])).toEqual(
      refused.map(() => ['t1', 'unauthorised']),
    )
    const late = await router.uplink.command(
      await signed({ ...pause, transaction: 't2', ...claims, iat: now - 9, exp: now - 1 }),
    )
    expect(late).toMatchObject({ transaction: 't2', error: { code: 'expired' } })
    expect(router.isOpen()).toBe(true)

    expect(await router.uplink.command({ transaction: 't3', command: 'sessions' })).toMatchObject({ status: 'ok' })
    expect(await router.uplink.command(await signed({ ...pause, ...claims }))).toMatchObject({ status: 'ok' })
    expect(router.isOpen()).toBe(false)
  })
})
