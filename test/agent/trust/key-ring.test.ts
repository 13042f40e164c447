// Proves that a ring has the keys of its file as it is now, and keeps the last good ones while it cannot be read.
import { expect, it } from 'vitest'
import { createKeyRing } from '../../../agent/trust/key-ring.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { aSigner } from '../../support/signer.ts'

const log = { info: () => {}, warn: () => {} }

async function aRing() {
  const [old, young] = [await aSigner('old'), await aSigner('young')]
  const file = { text: '' as string | Error }
  const clock = fakeClock()
  const ring = createKeyRing('/keys.json', clock.sleep, log, async () => {
    if (file.text instanceof Error) throw file.text
    return file.text
  })
  const put = (...jwks: object[]) => {
    file.text = JSON.stringify({ keys: jwks })
  }
  return { ring, clock, file, put, old, young, kids: () => ring.keys.map(({ kid }) => kid) }
}

it('has two keys while they change over, and then the new one alone', async () => {
  const { ring, clock, put, old, young, kids } = await aRing()
  const over = new AbortController()
  put(old.jwk)
  await ring.refresh()
  const following = ring.follow(over.signal)
  const seen = [kids()]
  for (const jwks of [[old.jwk, young.jwk], [young.jwk]]) {
    put(...jwks)
    await clock.advance(2000)
    seen.push(kids())
  }

  expect(seen).toEqual([['old'], ['old', 'young'], ['young']])
  over.abort()
  await clock.advance(2000)
  await following
})

it.each([
  {
    becomes: 'unreadable',
    text: Object.assign(new Error("EACCES: permission denied, open '/keys.json'"), { code: 'EACCES' }),
    why: 'may not be read by the user that the agent runs as (EACCES): until it is mended',
  },
  { becomes: 'empty', text: '', why: 'is not JSON' },
  { becomes: 'empty of keys', text: '{"keys":[]}', why: 'has no keys' },
])('keeps the last good keys and warns when the file becomes $becomes, until it is mended', async ({ text, why }) => {
  const { ring, file, put, old, young, kids } = await aRing()
  put(old.jwk)
  await ring.refresh()
  file.text = text
  await ring.refresh()

  expect(kids()).toEqual(['old'])
  expect(ring.warning).toContain(`/keys.json ${why}`)
  expect(ring.warning).toContain('the keys that it had are trusted')
  put(young.jwk)
  await ring.refresh()
  expect([kids(), ring.warning]).toEqual([['young'], undefined])
})

it('that never had a key trusts nobody, and says so', async () => {
  const { ring, kids } = await aRing()
  await ring.refresh()

  expect(kids()).toEqual([])
  expect(ring.warning).toContain('everything signed is refused')
})
