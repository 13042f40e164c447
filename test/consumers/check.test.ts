// Proves the contract kit: the sample backend and a plain one keep all rules, and each wrong one breaks exactly its own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBackend } from '../../broker-dev/backend/backend.ts'
import { createBackendServer } from '../../broker-dev/backend/backend-http.ts'
import { run } from '../../cli/program.ts'
import { check } from '../../kit/check.ts'
import { junit } from '../../kit/junit.ts'
import { rules } from '../../kit/rules.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { type Mistake, plainBackend } from './plain-backend.ts'

const mistakes: Record<Mistake, string> = {
  'sends once': 'sends-until-answered',
  'a new id for each try': 'sends-the-same',
  'ids of its own': 'one-key-one-purchase',
  retained: 'not-retained-and-qos-1',
  'takes retry for a refusal': 'retry-is-no-outcome',
  'gives up': 'late-outcome',
  'ignores repetitions': 'repetition-is-an-outcome',
  'never stops': 'stops-when-settled',
  'keeps the money of refusals': 'refusals-are-refunded',
  'refunds a conflict': 'conflict-is-not-refunded',
  'keeps the rest': 'the-rest-is-refunded',
  'refunds every copy': 'refunds-once',
  'keeps the money of no-shows': 'no-shows-are-refunded',
  'reads the last part only': 'every-part-counts',
  'believes in no gap': 'fills-gaps',
  'believes in one epoch': 'survives-another-epoch',
  'stops at the unknown': 'passes-over-the-unknown',
}
let broker: Awaited<ReturnType<typeof aBroker>>
beforeAll(async () => {
  broker = await aBroker()
})
afterAll(() => broker.close())

const patience = { within: 6000, quiet: 2000, late: 2500 }

async function brokenBy(mistake?: Mistake): Promise<string[]> {
  const prefix = `fleet-${Object.keys(mistakes).indexOf(mistake ?? '')}`
  const backend = await plainBackend(broker.url, prefix, mistake)
  try {
    const verdicts = await check({ fleet: { url: broker.url, prefix }, backend: backend.url, ...patience })
    return verdicts.filter(({ wrong }) => wrong !== undefined).map(({ rule, wrong }) => `${rule}: ${wrong}`)
  } finally {
    await backend.close()
  }
}

it('has a wrong backend for every rule', () => {
  expect(Object.values(mistakes).sort()).toEqual(rules.map(({ name }) => name).sort())
})

it('passes the sample backend, as the program says it', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-check-'))
  const backend = createBackend({ url: broker.url, folder })
  await backend.open()
  const server = createBackendServer(backend).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  let out = ''
  const args = `check --url ${broker.url} --backend http://127.0.0.1:${port} --within 10 --quiet 2 --late 3 --json`
  const hear = (text: string) => {
    out += text
  }
  const output = { out: hear, err: () => {}, isColoured: false, width: 100 }
  const surroundings = { output, env: {}, end: new AbortController().signal, pageFolder: 'dist/page' }
  const code = await run(args.split(' '), surroundings)
  const verdicts = JSON.parse(out) as { rule: string; wrong?: string }[]
  expect(verdicts.filter(({ wrong }) => wrong)).toEqual([])
  expect([code, verdicts.length]).toEqual([0, rules.length])
  server.close()
  server.closeAllConnections()
  await backend.close()
  rmSync(folder, { recursive: true })
})

it('passes one that knows nothing but the contract', { timeout: 60_000 }, async () => {
  expect(await brokenBy()).toEqual([])
})

it('finds in each wrong backend exactly what is wrong', { timeout: 120_000 }, async () => {
  const found: Record<string, string[]> = {}
  const all = Object.keys(mistakes) as Mistake[]
  // A few at a time: every one of them is a whole fleet.
  for (let from = 0; from < all.length; from += 6) {
    const some = all.slice(from, from + 6)
    const broken = await Promise.all(some.map(brokenBy))
    for (const [index, mistake] of some.entries()) found[mistake] = broken[index] ?? []
  }
  const wanted = Object.entries(mistakes).map(([mistake, rule]) => [mistake, [rule]])
  const names = Object.entries(found).map(([mistake, broken]) => [mistake, broken.map((line) => line.split(':')[0])])
  expect(names, JSON.stringify(found, undefined, 1)).toEqual(wanted)
})

it('writes what a CI reads', () => {
  const xml = junit([
    { rule: 'a', about: 'b & c', milliseconds: 5 },
    { rule: 'd', about: 'e', wrong: 'f < g', milliseconds: 1500 },
  ])
  expect(xml).toContain('tests="2" failures="1"')
  expect(xml).toContain('name="a: b &amp; c" time="0.005"/>')
  expect(xml).toContain('<failure message="f &lt; g"/>')
})
