// Proves the alert rules: each fires when it should, and not before.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'

const cwd = resolve(import.meta.dirname, '../../deploy/prometheus')
const isMissing = spawnSync('promtool', ['--version']).error !== undefined
const why = 'promtool is not installed: apt-get install prometheus'
if (isMissing && process.env.CI) throw new Error(why)

test.skipIf(isMissing).each([
  ['check', 'config', 'prometheus.yml'],
  ['check', 'rules', '--lint=all', '--lint-fatal', 'tollgate.rules.yml'],
  ['test', 'rules', 'tollgate.rules.test.yml'],
])(isMissing ? why : 'promtool %s %s', (...args) => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' })
  expect([stdout.includes('SUCCESS'), stderr, status]).toEqual([true, '', 0])
})
