// Proves that what is published of the contract is what it says, for validators in JavaScript and in Python.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Parser } from '@asyncapi/parser'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it, test } from 'vitest'
import { asyncApi, messageOf } from '../../api/asyncapi.ts'
import { schemas } from '../../api/schemas.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { Purchase } from '../../protocol/index.ts'
import { isMissing, python } from '../support/processes/debian-python.ts'

const root = new URL('../../', import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, root), 'utf8')
const published = readdirSync(new URL('docs/api/schemas/', root))
const examples = readdirSync(new URL('protocol/examples/', root))
  .sort()
  .map((file) => ({ name: file.replace('.json', ''), payload: JSON.parse(textOf(`protocol/examples/${file}`)) }))

const ajv = addFormats.default(new Ajv2020({ strict: true, allowUnionTypes: true }))
const validators = new Map(
  published.map((file) => [file.replace('.json', ''), ajv.compile(JSON.parse(textOf(`docs/api/schemas/${file}`)))]),
)

const spoilt = [
  { schema: 'purchase', value: { purchaseId: 'p', mac: 'ac:e0:10:12:2d:75', amount: 1, unit: 'sat', allotment: 5 } },
  { schema: 'purchase', value: { purchaseId: 'a b', mac: 'ac:e0:10:12:2d:75', amount: 1, unit: 'sat' } },
  { schema: 'purchase', value: { purchaseId: 'p', mac: 'ac:e0-10:12:2d:75', amount: 1, unit: 'sat' } },
  { schema: 'usage', value: { ...examples.find(({ name }) => name === 'session.ended')?.payload, reason: 'bored' } },
  { schema: 'command', value: { transaction: 't', command: 'session.teleport' } },
  { schema: 'status', value: { ...examples.find(({ name }) => name === 'status.online')?.payload, state: 'asleep' } },
  { schema: 'reply', value: { transaction: 't', command: 'sessions', status: 'ok', data: { sessions: 3 } } },
]

describe('the published schemas', () => {
  it('are what the contract comes to now', () => {
    const wanted = Object.fromEntries(Object.entries(schemas()).map(([name, schema]) => [`${name}.json`, schema]))
    expect(Object.fromEntries(published.map((file) => [file, JSON.parse(textOf(`docs/api/schemas/${file}`))]))).toEqual(
      wanted,
    )
  })

  it.each(examples)('take the example $name', ({ name, payload }) => {
    const validate = validators.get(messageOf(name))
    expect(validate?.(payload), JSON.stringify(validate?.errors)).toBe(true)
  })

  it.each(spoilt)('refuse a wrong $schema', ({ schema, value }) => {
    expect(validators.get(schema)?.(value)).toBe(false)
  })

  it('know every spelling of a MAC address that the contract reads, in any case', () => {
    const spellings = ['AC-E0-10-12-2D-75', 'ace0.1012.2d75', 'ACE010122D75', 'ac:E0:10:12:2d:75', 'ace0:1012:2d75']
    for (const mac of spellings) {
      const purchase = { purchaseId: 'p', mac, amount: 1, unit: 'sat' }
      expect([validators.get('purchase')?.(purchase), Purchase.safeParse(purchase).success]).toEqual([true, true])
    }
  })

  it('have patterns that the engines of other languages take', () => {
    const patterns = [...JSON.stringify(schemas()).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, pattern]) => pattern,
    )
    expect(patterns.length).toBeGreaterThan(20)
    for (const pattern of patterns) expect(pattern).not.toMatch(/\\\\p\{|\\\\[1-9]|\(\?<|\(\?=|\(\?!/)
  })
})

describe('python3-jsonschema', () => {
  const run = (values: object[]) =>
    spawnSync(python, [new URL('validate.py', import.meta.url).pathname], {
      input: values.map((value) => `${JSON.stringify(value)}\n`).join(''),
      encoding: 'utf8',
    })
  const needed = test.skipIf(isMissing('jsonschema', 'python3-jsonschema'))

  needed('takes every example', () => {
    const { status, stdout, stderr } = run(
      examples.map(({ name, payload }) => ({ name, schema: messageOf(name), value: payload })),
    )
    expect([stderr, stdout.trim(), status]).toEqual(['', `${examples.length} messages, 0 of them wrong`, 0])
  })

  needed('refuses every wrong one', () => {
    expect(run(spoilt)).toMatchObject({
      status: 1,
      stdout: `${spoilt.length} messages, ${spoilt.length} of them wrong\n`,
    })
  })
})

describe('the AsyncAPI document', () => {
  it('is what the contract comes to now', () => {
    expect(JSON.parse(textOf('docs/api/asyncapi.json'))).toEqual(
      JSON.parse(JSON.stringify(asyncApi(packageJson.version, examples))),
    )
  })

  it('is valid AsyncAPI 3.1, and every example stands in it', async () => {
    const { document, diagnostics } = await new Parser().parse(textOf('docs/api/asyncapi.json'))
    expect(diagnostics).toEqual([])
    expect(document?.version()).toBe('3.1.0')
    const names = document
      ?.components()
      .messages()
      .all()
      .flatMap((message) =>
        message
          .examples()
          .all()
          .map((one) => one.name()),
      )
    expect(names?.sort()).toEqual(examples.map(({ name }) => name).sort())
  })

  it('is in the page, which asks nobody for anything', () => {
    const page = textOf('docs/api/index.html')
    expect(page.includes('"asyncapi":"3.1.0"')).toBe(true)
    // The browser itself refuses any request.
    expect(page.includes("default-src 'none'; script-src 'unsafe-inline'")).toBe(true)
    const outside = page.slice(0, page.indexOf('<script>'))
    expect(outside).not.toMatch(/<(script|link|img)[^>]+(src|href)=/)
  })
})
