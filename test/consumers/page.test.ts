// Proves that docs/backend.md can be followed literally, from an empty folder and with the packed tarball only.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it, test } from 'vitest'
import { isMissing, python } from '../support/processes/debian-python.ts'
import { aFleet, type RunningFleet } from './a-fleet.ts'

const root = resolve(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/backend.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, code]) => code ?? '')
const [shell = ''] = blocks('sh')
const [node = ''] = blocks('js')
const [snake = ''] = blocks('python')

let parent = ''
let folder = ''
let fleet: RunningFleet
beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'tollgate-page-'))
  folder = join(parent, 'shop')
  mkdirSync(folder)
  mkdirSync(join(parent, 'tollgate-fleet'))
  execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', join(parent, 'tollgate-fleet')], {
    cwd: root,
    stdio: 'ignore',
  })
  fleet = await aFleet('--for 100')
}, 60_000)
afterAll(async () => {
  await fleet.close()
  rmSync(parent, { recursive: true })
})

function run(program: string, args: string[]) {
  const env = { ...process.env, TOLLGATE_URL: fleet.url }
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8', timeout: 60_000 })
  return { status, lines: stdout.trim().split('\n'), stderr }
}

const sold = [
  expect.stringMatching(/accepted 682622976 bytes$/),
  expect.stringMatching(/^ended: ended-by-command, used \d+ bytes$/),
  expect.stringMatching(/^refund invoice-\S+: \d+ sat for \d+ unused$/),
]

it('installs the package, small and with nothing but zod, and the program finds the routers', () => {
  const steps = shell.trim().split('\n')
  for (const step of steps.slice(0, -1)) execFileSync('sh', ['-c', step], { cwd: folder, stdio: 'ignore' })
  const { status, lines } = run('sh', ['-c', steps.at(-1) ?? ''])
  expect([status, lines.length]).toEqual([0, 4])
  const installed = join(folder, 'node_modules/tollgate-fleet')
  const bytes = execFileSync('du', ['-sb', installed], { encoding: 'utf8' })
  expect(Number.parseInt(bytes, 10)).toBeLessThan(2 * 1024 * 1024)
  expect(JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')).dependencies).toEqual({
    zod: expect.any(String),
  })
  expect(statSync(join(installed, 'docs/api/schemas/purchase.json')).isFile()).toBe(true)
  console.log(
    `docs/backend.md: ${steps.length + 2} steps to a sale in Node, package of ${Number.parseInt(bytes, 10)} bytes`,
  )
})

it('sells, ends and refunds in Node, in at most 30 lines of 100 columns', () => {
  const lines = node.trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(30)
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100)
  writeFileSync(join(folder, 'buy.js'), node)
  expect(run('node', ['buy.js'])).toEqual({ status: 0, lines: sold, stderr: '' })
})

test.skipIf(isMissing('paho.mqtt', 'python3-paho-mqtt'))('does the same in Python, in less than 60 lines', () => {
  expect(snake.trimEnd().split('\n').length).toBeLessThan(60)
  writeFileSync(join(folder, 'buy.py'), snake)
  expect(run(python, ['buy.py'])).toEqual({ status: 0, lines: sold, stderr: '' })
})

it('has schemas and examples behind their names', () => {
  const code = `
    import schema from 'tollgate-fleet/schemas/usage.json' with { type: 'json' }
    import example from 'tollgate-fleet/examples/session.ended.json' with { type: 'json' }
    import { UsageMessage } from 'tollgate-fleet/protocol'
    console.log(schema.title.length > 0, UsageMessage.parse(example).type)`
  expect(run('node', ['--no-warnings', '--input-type=module', '-e', code]).lines).toEqual(['true session.ended'])
})
