// Proves that a real `ndsctl` executable is run one at a time, and that none of its ways to fail holds the agent up.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execNdsctl } from '../../../../agent/valve/ndsctl/exec.ts'

let folder: string
const silent = { debug: () => {} }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ndsctl-test-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function program(name: string, script: string): string {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return path
}

describe('execNdsctl', () => {
  it('hands the arguments over and everything on stdout back', async () => {
    const ndsctl = execNdsctl(program('echoes', 'printf "%s|" "$@"; echo; echo noise >&2'), 5000, silent)

    expect(await ndsctl(['auth', 'a b', '5'])).toEqual({ stdout: 'auth|a b|5|\n', exitCode: 0 })
  })

  it.each([0, 1, 3, 4, 124])('takes exit code %i for an answer', async (exitCode) => {
    const ndsctl = execNdsctl(program(`exits-${exitCode}`, `echo said; exit ${exitCode}`), 5000, silent)

    expect(await ndsctl(['json'])).toEqual({ stdout: 'said\n', exitCode })
  })

  it('reads a long list whole', async () => {
    const ndsctl = execNdsctl(program('long', 'head -c 300000 /dev/zero | tr "\\0" x'), 5000, silent)

    expect((await ndsctl(['json'])).stdout).toHaveLength(300_000)
  })

  it('gives a program up that hangs', async () => {
    const ndsctl = execNdsctl(program('hangs', 'exec sleep 30'), 100, silent)

    await expect(ndsctl(['json'])).rejects.toMatchObject({ name: 'PortalFault', code: 'portal-silent' })
  })

  it('gives it up in time also when a grandchild holds its pipe', async () => {
    const ndsctl = execNdsctl(program('leaves-child', 'sleep 3 & sleep 3'), 100, silent)
    const started = performance.now()

    await expect(ndsctl(['json'])).rejects.toMatchObject({ code: 'portal-silent' })
    expect(performance.now() - started).toBeLessThan(1500)
  })

  it('answers the next call after one that hung', async () => {
    const once = join(folder, 'hung')
    const ndsctl = execNdsctl(
      program('hangs-once', `[ -e ${once} ] && exec echo ok; : > ${once}; exec sleep 30`),
      100,
      silent,
    )
    await ndsctl(['json']).catch(() => {})

    expect(await execNdsctl(join(folder, 'hangs-once'), 5000, silent)(['json'])).toMatchObject({ stdout: 'ok\n' })
  })

  it('names a program that is missing', async () => {
    const ndsctl = execNdsctl(join(folder, 'nowhere'), 5000, silent)

    await expect(ndsctl(['json'])).rejects.toMatchObject({
      code: 'ndsctl-missing',
      message: expect.stringContaining('nowhere'),
    })
  })

  it.each([
    { when: 'it may not be run', make: () => writeFileSync(join(folder, 'plain'), ''), name: 'plain' },
    { when: 'it is killed', make: () => program('killed', 'kill -KILL $$'), name: 'killed' },
  ])('says that ndsctl failed when $when', async ({ make, name }) => {
    make()

    await expect(execNdsctl(join(folder, name), 5000, silent)(['json'])).rejects.toMatchObject({
      code: 'ndsctl-failed',
    })
  })

  it('runs one at a time', async () => {
    const trace = join(folder, 'trace')
    const ndsctl = execNdsctl(program('traces', `echo in >> ${trace}; sleep 0.02; echo out >> ${trace}`), 5000, silent)
    await Promise.all([ndsctl(['a']), ndsctl(['b']), ndsctl(['c'])])

    expect(readFileSync(trace, 'utf8')).toBe('in\nout\n'.repeat(3))
  })
})
