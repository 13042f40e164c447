// Proves the door where metrics are scraped.
import { afterEach, expect, it, test } from 'vitest'
import { listenAddressOf } from '../../metrics/address.ts'
import { type Listening, listen } from '../../metrics/listen.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const here = { host: '127.0.0.1', port: 0 }
const up = { name: 'tollgate_up', type: 'gauge' as const, help: 'Up.', samples: [{ labels: '', value: 1 }] }

async function aDoor(parts: { fault?: string; families?: () => never } = {}): Promise<Listening> {
  const door = await listen(here, { families: parts.families ?? (() => [up]), fault: () => parts.fault })
  ends.push(door.close)
  return door
}

it('answers in the format that is asked for', async () => {
  const { url } = await aDoor()
  const classic = await fetch(`${url}/metrics`)
  expect([classic.status, classic.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ])
  expect(await classic.text()).toContain('\ntollgate_up 1\n')
  const open = await fetch(`${url}/metrics?x=1`, { headers: { accept: 'application/openmetrics-text' } })
  expect(open.headers.get('content-type')).toMatch(/^application\/openmetrics-text; version=1/)
  expect(await open.text()).toMatch(/# EOF\n$/)
})

it('says whether it is well, and why not', async () => {
  expect((await fetch(`${(await aDoor()).url}/healthz`)).status).toBe(200)
  const ill = await fetch(`${(await aDoor({ fault: 'the disk refuses writes' })).url}/healthz`)
  expect([ill.status, await ill.text()]).toEqual([503, 'the disk refuses writes\n'])
})

it('has nothing else, takes nothing, and lives through a fault of its own', async () => {
  const { url } = await aDoor()
  expect((await fetch(`${url}/`)).status).toBe(404)
  expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405)
  const broken = await aDoor({
    families: () => {
      throw new Error('no families')
    },
  })
  expect((await fetch(`${broken.url}/metrics`)).status).toBe(500)
  expect((await fetch(`${broken.url}/healthz`)).status).toBe(200)
})

test.each([
  ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:65536', undefined],
  ['9464', undefined],
  ['http://127.0.0.1:9464', undefined],
  ['::1:9464', undefined],
])('reads %s as an address', (text, address) => {
  expect(listenAddressOf(text)).toEqual(address)
})
