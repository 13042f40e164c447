// Proves what hostile messages do at the whole agent: each is answered once, none grants what nobody bought, and it goes on selling.
import { randomInt } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'
import { aSigner } from '../support/signer.ts'
import { examples, mayGrant } from './at-the-router.ts'
import { inputsFrom } from './inputs.ts'
import { jsonsOf } from './target.ts'

const seed = randomInt(2 ** 31)
const drawn = (samples: readonly Uint8Array[]) => fc.sample(inputsFrom(samples), { seed, numRuns: 200 })
const purchases = jsonsOf(...examples('purchase.paid', 'purchase.direct'))
const commands = jsonsOf(...examples('command.', 'query.'))

async function aRouterThatSells(env: Record<string, string> = {}): Promise<RouterUnderTest> {
  const router = aRouter({ env })
  router.join(1)
  await router.start()
  return router
}

const answersOf = (router: RouterUnderTest) => router.usage().filter(({ type }) => type.startsWith('purchase.'))

async function sendAll(router: RouterUnderTest, messages: readonly Uint8Array[]): Promise<number[]> {
  const counts: number[] = []
  for (const message of messages) {
    const before = answersOf(router).length
    await router.uplink.purchase(message)
    await settled()
    counts.push(answersOf(router).length - before)
  }
  return counts
}

describe(`hostile purchases of seed ${seed}`, () => {
  it('are answered once each, grant nothing but what was bought, and keep nobody from buying', async () => {
    const router = await aRouterThatSells()
    const messages = drawn(purchases)
    const counts = await sendAll(router, messages)
    const sold = router.events('purchase.accepted').filter(({ duplicate }) => duplicate !== true)
    const bought = messages.filter(mayGrant).map((message) => JSON.parse(new TextDecoder().decode(message)).purchaseId)

    expect(counts.filter((count) => count !== 1)).toEqual([])
    expect(sold.map(({ purchaseId }) => purchaseId).filter((id) => !bought.includes(id))).toEqual([])
    expect([router.errors, router.invalid(), router.uplink.kept]).toEqual([[], [], 0])
    await router.grant('bytes', 1_000_000, { purchaseId: 'honest' })
    expect(router.isOpen()).toBe(true)
  })

  it('grant nothing at all where a signature is asked for', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tollgate-fuzz-')), 'keys.json')
    const key = await aSigner('till')
    writeFileSync(file, JSON.stringify({ keys: [key.jwk] }))
    const router = await aRouterThatSells({ AGENT_PURCHASE_KEYS: file, AGENT_COMMAND_KEYS: file })
    const forOthers = { routerId: 'r2', iat: 1_700_000_000, exp: 1_700_003_600, ...aGrant('bytes', 5_000_000) }
    const signed = jsonsOf({ jws: await key.sign(forOthers) })
    const counts = await sendAll(router, drawn([...purchases, ...signed]))

    expect(counts.filter((count) => count !== 1)).toEqual([])
    expect(router.events('purchase.accepted')).toEqual([])
    expect([router.errors, router.invalid(), router.uplink.kept]).toEqual([[], [], 0])
  })

  it.each([
    { message: 'a name of 8,000 levels', text: `{"purchaseId":${'['.repeat(8000)}${']'.repeat(8000)},"amount":1}` },
    { message: 'a device of 4,000 levels', text: `{"mac":${'['.repeat(4000)}${']'.repeat(4000)},"unit":"sat"}` },
    { message: 'a device that will be no text', text: '{"mac":{"toString":1},"amount":1}' },
    {
      message: 'a prototype',
      text: '{"__proto__":{"metric":"bytes","allotment":9},"purchaseId":"p","mac":"02:66:ca:fe:00:01"}',
    },
  ])('with $message are refused, and not left to the broker', async ({ text }) => {
    const router = await aRouterThatSells()
    await router.uplink.purchase(Buffer.from(text))
    await settled()

    expect(answersOf(router)).toMatchObject([{ type: 'purchase.rejected', code: 'invalid-message' }])
    expect([router.uplink.kept, router.errors]).toEqual([0, []])
  })
})

describe(`hostile commands of seed ${seed}`, () => {
  it('are answered, and end nobody who did not ask for it', async () => {
    const router = await aRouterThatSells()
    await router.grant('bytes', 1_000_000, { mac: aMac(1) })
    for (const message of drawn(commands)) await router.uplink.command(message)

    expect([router.errors, router.invalid()]).toEqual([[], []])
    expect(router.isOpen()).toBe(true)
  })

  it('of 8,000 levels are answered', async () => {
    const router = await aRouterThatSells()
    const deep = `{"transaction":${'['.repeat(8000)}${']'.repeat(8000)},"command":"sessions"}`

    expect(await router.uplink.command(Buffer.from(deep))).toMatchObject({ error: { code: 'invalid-message' } })
  })
})
