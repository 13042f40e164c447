// Proves how the program starts: what it says of itself, of its settings and of an old Node, and with which exit code.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

const agentFile = resolve(import.meta.dirname, '../../dist/agent.js')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-start-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function run(args: string[], env: Record<string, string> = {}, node: string[] = []) {
  const { PATH = '' } = process.env
  const options = { env: { PATH, ...env }, encoding: 'utf8' as const, timeout: 20_000 }
  return spawnSync(process.execPath, [...node, agentFile, ...args], options)
}

it('can be run as it is', () => {
  expect(() => accessSync(agentFile, constants.X_OK)).not.toThrow()
})

it('--help lists the settings and ends', () => {
  const { status, stdout } = run(['--help'])

  expect(status).toBe(0)
  expect(stdout).toMatch(/AGENT_LOOK_INTERVAL_MS +10000 +the longest time between two looks/)
})

it('--version says which it is', () => {
  expect(run(['--version'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})

it('--check reads sound settings and ends without a state folder', () => {
  const { status, stdout } = run(['--check'], { AGENT_ROUTER_ID: 'r1', AGENT_STATE_DIR: join(folder, 'state') })

  expect([status, stdout]).toEqual([0, 'the settings are sound\n'])
  expect(() => accessSync(join(folder, 'state'))).toThrow()
})

it('--check names every bad setting, by key and line where it stands in the file', () => {
  const file = join(folder, 'agent.toml')
  writeFileSync(file, 'router_id = "r1"\nlook_intervall_ms = 5\nunpaid = "open"\n')
  const { status, stderr } = run(['--config', file, '--check'], { AGENT_MQTT_PASSWORD_FILE: '/nowhere/at/all' })

  expect(status).toBe(2)
  expect(
    stderr
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim()),
  ).toEqual([
    'AGENT_UNPAID: cannot be "open": give close or report (key unpaid, line 3)',
    'key look_intervall_ms, line 2: there is no such setting; did you mean look_interval_ms?',
    'AGENT_MQTT_PASSWORD_FILE: there is no file /nowhere/at/all that can be read',
  ])
})

it('takes the configuration file from AGENT_CONFIG where --config names none', () => {
  const file = join(folder, 'agent.toml')
  writeFileSync(file, 'router_id = "r1"\n')

  expect(run(['--check'], { AGENT_CONFIG: file })).toMatchObject({ status: 0, stdout: 'the settings are sound\n' })
  expect(run(['--check', '--config', file], { AGENT_CONFIG: '/nowhere' })).toMatchObject({ status: 0 })
  expect(run(['--check'], { AGENT_CONFIG: '/nowhere' }).stderr).toMatch(
    /^the configuration file \/nowhere is not there/,
  )
})

it('names a configuration file that is not there', () => {
  const { status, stderr } = run(['--config', join(folder, 'none.toml')])

  expect(status).toBe(2)
  expect(stderr).toMatch(/^the configuration file .*none.toml is not there \(ENOENT\)/)
})

it('is refused by an old Node in one sentence', () => {
  const old = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.18.3'}})`
  const { status, stderr } = run([], { AGENT_ROUTER_ID: 'r1' }, ['--import', old])

  expect(status).toBe(1)
  expect(stderr).toBe('tollgate-fleet needs Node 20.19 or later, and this is Node 20.18.3.\n')
})

it('logs a refused connection in one line without a stack, and no secret', () => {
  const script = `setTimeout(() => process.kill(process.pid, 'SIGTERM'), 4000)`
  const { status, stdout } = run(
    [],
    {
      AGENT_ROUTER_ID: 'r1',
      AGENT_STATE_DIR: join(folder, 'state'),
      AGENT_NDSCTL: '/bin/false',
      AGENT_GUARD: 'off',
      AGENT_MQTT_URL: 'mqtt://name:secret@127.0.0.1:1?token=secret',
    },
    ['--import', `data:text/javascript,${script}`],
  )
  const lines = stdout.split('\n').filter((line) => line.includes('no connection to the broker'))

  expect(status).toBe(0)
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', broker: 'mqtt://127.0.0.1:1', reason: 'nothing listens at that address (ECONNREFUSED)' },
  ])
  expect(stdout).not.toContain('secret')
})
