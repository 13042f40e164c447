// Proves the page's server at a broker with routers on paper: what it shows, what it does, and whom it refuses.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { connectFleet, memoryStore } from '../../client/index.ts'
import { type PageOptions, runPage } from '../../page/server/page.ts'
import type { Frame } from '../../page/wire/wire.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { accepted, aMac, aSession, started, status, usage } from '../support/messages.ts'
import { paperRouter } from '../support/paper-router.ts'
import { until } from '../support/until.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const loopback = { host: '127.0.0.1', port: 0 }
const json = { 'content-type': 'application/json' }

async function aPage(options: Partial<PageOptions> = {}) {
  const broker = await aBroker()
  const asked: { command: string }[] = []
  const router = await paperRouter(broker.url, {
    purchase: ({ purchaseId }) => [accepted(1, { purchaseId })],
    command(command) {
      asked.push(command)
      return command.command === 'session.end'
        ? { status: 'error', error: { code: 'not-found', message: 'no such session' } }
        : { status: 'ok', data: aSession() }
    },
  })
  const fleet = await connectFleet({ url: broker.url, store: memoryStore() })
  const end = new AbortController()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-page-'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'index-AbCd1234.js'), 'export {}')
  let running: Promise<void> = Promise.resolve()
  const address = await new Promise<string>((onListening, reject) => {
    const own = {
      address: loopback,
      folder,
      isReadOnly: false,
      actsBeyondThisMachine: false,
      from: 'beginning',
    } as const
    running = runPage(fleet, { ...own, signal: end.signal, onListening, ...options })
    running.catch(reject)
  })
  ends.push(broker.close, router.close, fleet.close, () => rmSync(folder, { recursive: true }))
  ends.push(() => {
    end.abort()
    return running
  })
  const [url = '', token] = address.split(/\/#token=/)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const base = url.replace(/\/$/, '')
  const ask = (path: string, more: RequestInit = {}) => fetch(base + path, { headers, ...more })
  const post = (path: string, content: object, more: object = {}) =>
    ask(path, { method: 'POST', headers: { ...json, ...headers, ...more }, body: JSON.stringify(content) })
  await until(async () => (await ask('/healthz')).status === 200)
  return { ask, post, router, asked, token, base, end }
}

/** The frames of a stream, folded, until they are as wanted. */
async function follow(
  ask: (path: string, more?: RequestInit) => Promise<Response>,
  isEnough: (all: Frame[]) => boolean,
) {
  const over = new AbortController()
  const response = await ask('/api/stream?router=r1', { signal: over.signal })
  const frames: Frame[] = []
  let text = ''
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    const parts = text.split('\n\n')
    text = parts.pop() ?? ''
    frames.push(...parts.map((part) => JSON.parse(part.slice(6)) as Frame))
    if (isEnough(frames)) break
  }
  over.abort()
  return frames
}

it('shows a router, its devices and its events as they come', async () => {
  const { ask, router } = await aPage()
  await router.say('status', status(0), true)
  router.keep([accepted(1), started(2)])
  const following = follow(ask, (frames) => frames.some(({ detail }) => (detail?.devices[0]?.bytesPerSecond ?? 0) > 0))
  await router.say('usage', accepted(1))
  await router.say('usage', started(2))
  await router.say('usage', usage(2, [aSession({ bytesPerSecond: 1234 })]))
  const frames = await following
  expect(frames[0]?.whole?.isReadOnly).toBe(false)
  expect(frames.flatMap(({ events = [] }) => events.map(({ type }) => type))).toEqual([
    'purchase.accepted',
    'session.started',
  ])
  expect(frames.at(-1)?.detail?.devices[0]?.bought.map(({ purchaseId }) => purchaseId)).toEqual(['p1'])
  const csv = await (await ask('/devices.csv?router=r1')).text()
  expect(csv.split('\r\n')[1]).toBe(`r1,s1,${aMac},open,2026-11-22T12:00:00.000Z,0,1234,0,1000,,,p1`)
  expect((await ask('/devices.csv?router=r9')).status).toBe(404)
  expect(await (await ask('/sales.csv')).text()).toContain('2026-11-22,r1,bytes,,,1,1000,,')
  expect(await (await ask('/routers.csv')).text()).toMatch(/\r\nr1,online,\d+,1,0,0,1234,/)
})

describe('what is asked for', () => {
  it('is done by the router, and its answer is passed on', async () => {
    const { post, asked } = await aPage()
    const sold = await post('/api/buy', { router: 'r1', purchaseId: 'p7', mac: aMac, amount: 3, unit: 'sat' })
    expect([sold.status, await sold.json()]).toEqual([200, expect.objectContaining({ outcome: 'accepted' })])
    const paused = await post('/api/act', {
      router: 'r1',
      transaction: 't1',
      command: 'session.pause',
      sessionId: 's1',
    })
    expect(await paused.json()).toMatchObject({ status: 'ok', data: { sessionId: 's1' } })
    const gone = await post('/api/act', { router: 'r1', transaction: 't2', command: 'session.end', sessionId: 's9' })
    expect(await gone.json()).toMatchObject({ status: 'error', code: 'not-found' })
    await post('/api/explain', { router: 'r1', purchaseId: 'p7' })
    expect(asked.map(({ command }) => command)).toEqual(['session.pause', 'session.end', 'purchase.explain'])
  })

  it('is refused in words where it is none', async () => {
    const { post, ask, asked } = await aPage()
    const refused = async (path: string, content: object) => {
      const response = await post(path, content)
      return [response.status, ((await response.json()) as { problem: string }).problem] as const
    }
    expect(await refused('/api/buy', { router: 'r1', purchaseId: 'p', mac: 'x', amount: 1, unit: 'sat' })).toEqual([
      400,
      expect.stringContaining('mac cannot be "x"'),
    ])
    const act = { router: 'r1', transaction: 't', command: 'events.replay', epoch: 'e', fromSeq: 1, toSeq: 9 }
    expect((await refused('/api/act', act))[0]).toBe(400)
    expect((await refused('/api/act', { ...act, router: '../r1', command: 'session.end' }))[0]).toBe(400)
    expect((await refused('/api/fault', { fault: 'x', router: 'r1' }))[0]).toBe(404)
    expect((await refused('/api/look', { stream: 'x' }))[0]).toBe(404)
    expect((await refused('/api/buy', { padding: 'x'.repeat(20_000) }))[0]).toBe(413)
    const notJson = { method: 'POST', headers: json, body: 'x' }
    expect((await ask('/api/buy', notJson)).status).toBe(400)
    expect((await ask('/api/buy', { method: 'DELETE', headers: json })).status).toBe(405)
    expect((await ask('/api/nothing')).status).toBe(404)
    expect(asked).toEqual([])
  })

  it('is not done by a page that may only look', async () => {
    const { post, asked } = await aPage({
      isReadOnly: true,
      faults: { kinds: [], records: () => [], inject: async () => ({ outcome: 'injected', did: '' }) },
    })
    const act = { router: 'r1', transaction: 't', command: 'session.end', sessionId: 's1' }
    const buy = { router: 'r1', purchaseId: 'p', mac: aMac, amount: 1, unit: 'sat' }
    const answers = [await post('/api/act', act), await post('/api/buy', buy), await post('/api/fault', {})]
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
    expect((await post('/api/explain', { router: 'r1', purchaseId: 'p' })).status).toBe(200)
    expect(asked.map(({ command }) => command)).toEqual(['purchase.explain'])
  })
})

describe('the token', () => {
  it.each([
    ['on this machine, for its own broker', {}, false],
    ['on this machine, where a fleet elsewhere feels it', { actsBeyondThisMachine: true }, true],
    ['on this machine, only to look at a fleet elsewhere', { actsBeyondThisMachine: true, isReadOnly: true }, false],
    ['for everybody', { address: { host: '0.0.0.0', port: 0 }, isReadOnly: true }, true],
    ['that was given', { token: 'sixteen-characters-or-more' }, true],
  ])('is asked for %s: %j %j', async (_name, options, isNeeded) => {
    const { base, token } = await aPage(options)
    expect(token !== undefined).toBe(isNeeded)
    const expected = isNeeded ? 401 : 200
    expect((await fetch(`${base}/api/hello`)).status).toBe(expected)
    expect((await fetch(`${base}/sales.csv`)).status).toBe(expected)
    const act = { router: 'r1', transaction: 't', command: 'session.end', sessionId: 's1' }
    const acted = await fetch(`${base}/api/act`, { method: 'POST', headers: json, body: JSON.stringify(act) })
    if (isNeeded) expect(acted.status).toBe(401)
    // The page itself has no secret.
    expect((await fetch(base)).status).toBe(200)
  })

  it('opens the page by a cookie', async () => {
    const { base, token = '', post } = await aPage({ token: 'sixteen-characters-or-more' })
    const wrong = await fetch(`${base}/api/login`, { method: 'POST', headers: json, body: '{"token":"x"}' })
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null])
    const opened = await post('/api/login', { token })
    const [cookie = ''] = (opened.headers.get('set-cookie') ?? '').split(';')
    expect((await fetch(`${base}/api/hello`, { headers: { cookie } })).status).toBe(200)
  })

  it('is refused where it is too short to be a secret', async () => {
    await expect(aPage({ token: 'short' })).rejects.toThrow('too short')
  })
})

it('lets nothing run on the page but its own files, and keeps only those that never change', async () => {
  const { ask } = await aPage()
  const page = await ask('/')
  expect(page.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  )
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
  expect([page.headers.get('cache-control'), page.headers.get('x-frame-options')]).toEqual(['no-cache', 'DENY'])
  const script = await ask('/index-AbCd1234.js')
  expect(script.headers.get('cache-control')).toContain('immutable')
  expect([script.headers.get('content-encoding'), await script.text()]).toEqual(['gzip', 'export {}'])
  expect((await ask('/../package.json')).status).toBe(404)
  expect((await ask('/%2e%2e/package.json')).status).toBe(404)
})
