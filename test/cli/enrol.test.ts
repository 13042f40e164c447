// Proves which accounts `enrol` refuses, and what it makes for who shows a certificate instead of a password.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { run } from '../../cli/program.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-enrol-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function enrol(url: string, name: string, ...more: string[]): Promise<{ code: number; said: string }> {
  let said = ''
  const write = (text: string) => {
    said += text
  }
  const code = await run(['--url', url, 'enrol', name, '--out', folder, ...more], {
    output: { out: write, err: write, isColoured: false, width: 200 },
    env: {},
    end: new AbortController().signal,
    pageFolder: 'dist/page',
  })
  return { code, said }
}

const textOf = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8')

it('makes no second account of one name, and says so', async () => {
  expect(await enrol('mqtt://b.example', 'r3')).toMatchObject({ code: 0 })
  expect(await enrol('mqtt://b.example', 'r3')).toEqual({ code: 2, said: expect.stringContaining('has an account') })
})

it.each(['tollgate-1', 'client-1'])('makes no router of the name %s, which others could claim', async (name) => {
  expect(await enrol('mqtt://b.example', name)).toEqual({
    code: 2,
    said: expect.stringContaining('no name for a router'),
  })
})

it('makes an account without a password for who shows a certificate, and hands the authority on', async () => {
  writeFileSync(join(folder, 'authority'), 'the authority')
  const more = ['--certificate', '--prefix', 'cafe', '--ca', join(folder, 'authority')]
  const { code } = await enrol('mqtts://b.example', 'r4', ...more)
  const user = /^user (.*_r4)$/m.exec(textOf('acl'))?.[1] ?? ''

  expect(code).toBe(0)
  expect(textOf('passwd')).not.toContain('_r4:')
  const natsUser =
    textOf('users.conf')
      .split('\n')
      .find((line) => line.includes(user)) ?? ''
  expect(JSON.parse(natsUser)).not.toHaveProperty('password')
  expect(textOf(user, 'ca.crt')).toBe('the authority')
  const keys = textOf(user, 'agent.toml')
    .split('\n')
    .map((line) => line.split(' ')[0])
  expect(keys).toEqual(['router_id', 'mqtt_url', 'mqtt_cert_file', 'mqtt_key_file', 'mqtt_ca_file', 'topic_prefix', ''])
})
