// Proves that a shut gate ends what was flowing through it, where the machine has the program for it.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { conntrackEndFlows } from '../../../agent/valve/conntrack.ts'
import { PortalFault } from '../../../agent/valve/portal-fault.ts'
import { createValve } from '../../../agent/valve/valve.ts'
import { aClient } from '../../support/builders.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-conntrack-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const warnings: string[] = []
const log = { warn: (_: object, text: string) => warnings.push(text), debug() {} } as never

describe('ending flows', () => {
  it('asks the program for that address', async () => {
    const program = join(folder, 'conntrack')
    writeFileSync(program, `#!/bin/sh\necho "$*" >>${folder}/calls\nexit 1\n`)
    chmodSync(program, 0o755)
    await conntrackEndFlows(log, program)('192.168.66.101')

    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe('-D -s 192.168.66.101\n')
  })

  it.each([
    { when: 'may not be used', script: 'echo "Operation not permitted" >&2; exit 1', warned: 1 },
    {
      when: 'had nothing to end',
      script: 'echo "conntrack: 0 flow entries have been deleted." >&2; exit 1',
      warned: 0,
    },
    { when: 'ended some', script: 'echo "conntrack: 2 flow entries have been deleted." >&2; exit 0', warned: 0 },
  ])('warns $warned times in two calls of a program that $when', async ({ script, warned }) => {
    warnings.length = 0
    const program = join(folder, 'conntrack')
    writeFileSync(program, `#!/bin/sh\n${script}\n`)
    chmodSync(program, 0o755)
    const endFlows = conntrackEndFlows(log, program)
    await endFlows('192.168.66.101')
    await endFlows('192.168.66.102')

    expect(warnings).toHaveLength(warned)
  })

  it('says once that the program is missing, and goes on without it', async () => {
    warnings.length = 0
    const endFlows = conntrackEndFlows(log, join(folder, 'nothing'))
    await endFlows('192.168.66.101')
    await endFlows('192.168.66.102')

    expect(warnings).toHaveLength(1)
    expect(existsSync(join(folder, 'calls'))).toBe(false)
  })
})

describe('a gate that is shut', () => {
  it.each([
    { answer: 'Yes', exitCode: 0, ended: ['192.168.66.101'] },
    { answer: 'No', exitCode: 1, ended: ['192.168.66.101'] },
  ])('ends the flows of its address when the portal says $answer', async ({ exitCode, ended }) => {
    const flows: string[] = []
    const ndsctl = async ([command]: readonly string[]) =>
      command === 'json' ? { stdout: '{}', exitCode: 0 } : { stdout: '', exitCode }
    const valve = createValve(
      ndsctl,
      'auto',
      { sleep: async () => {}, monotonic: () => 0 },
      async (ip) => void flows.push(ip),
    )
    await valve.closeGate(aClient({ ip: '192.168.66.101' }))

    expect(flows).toEqual(ended)
  })

  it('ends the flows of its address also when no answer came: it may have been done', async () => {
    const flows: string[] = []
    const silent = async () => {
      throw new PortalFault('portal-silent', 'no answer')
    }
    const valve = createValve(silent, 'auto', { sleep: async () => {}, monotonic: () => 0 }, async (ip) => {
      flows.push(ip)
    })

    await expect(valve.closeGate(aClient({ ip: '192.168.66.101' }))).rejects.toMatchObject({ code: 'portal-silent' })
    expect(flows).toEqual(['192.168.66.101'])
  })
})
