// The agent is one file that needs Node and nothing else, wherever it is put.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'

const agentFile = resolve(import.meta.dirname, '../../dist/agent.js')

it.each([
  { where: 'alone', packageJson: undefined },
  { where: 'in a package of ES modules', packageJson: '{"type":"module"}' },
  { where: 'in a package of CommonJS', packageJson: '{"type":"commonjs"}' },
])('runs $where', ({ packageJson }) => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-one-file-'))
  copyFileSync(agentFile, join(folder, 'agent.js'))
  if (packageJson) writeFileSync(join(folder, 'package.json'), packageJson)
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'agent.js'), '--help'], {
    encoding: 'utf8',
  })
  expect({ status, stderr, usage: stdout.includes('AGENT_ROUTER_ID') }).toEqual({ status: 0, stderr: '', usage: true })
})
