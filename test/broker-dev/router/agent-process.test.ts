// Proves that an agent in a process of its own starts, stops and is missed.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAgentProcess } from '../../../broker-dev/router/agent-process.ts'
import { bundle } from '../../support/processes/bundle.ts'

/** A program in the agent's place, and the file that its output goes to. */
function aProgram(source: string) {
  const folder = mkdtempSync(join(tmpdir(), 'agent-process-'))
  const program = join(folder, 'agent.mjs')
  const logFile = join(folder, 'agent.log')
  writeFileSync(program, source)
  const agent = createAgentProcess({ program, env: { AGENT_ROUTER_ID: 'r1' }, logFile })
  return { agent, log: () => readFileSync(logFile, 'utf8') }
}

/** Starts that program as an agent, and does nothing more. */
const parentProgram = bundle('test/broker-dev/router/agent-parent-main.ts')

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('an agent in a process of its own', () => {
  it('gets its environment, and stops at SIGTERM', async () => {
    const { agent, log } = aProgram(`
      process.on('SIGTERM', () => process.exit(0))
      setInterval(() => {}, 1000)
      console.log(process.env.AGENT_ROUTER_ID)
    `)
    await agent.open()
    await expect.poll(log).toBe('r1\n')
    await agent.stop('test')
    expect(await Promise.race([agent.lost.catch(String), 'not lost'])).toBe('not lost')
  })

  it('ends when the process that started it is killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'agent-parent-'))
    const program = join(folder, 'agent.mjs')
    writeFileSync(program, 'setInterval(() => {}, 1000); console.log(process.pid)')
    const parent = spawn(process.execPath, [parentProgram, program, join(folder, 'agent.log')])
    const pid = () => Number(readFileSync(join(folder, 'agent.log'), 'utf8'))
    await expect
      .poll(
        () => {
          try {
            return pid()
          } catch {
            return 0
          }
        },
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)
    parent.kill('SIGKILL')

    await expect.poll(() => isAlive(pid()), { timeout: 10_000 }).toBe(false)
  })

  it('is missed when it ends by itself', async () => {
    const { agent } = aProgram('process.exit(7)')
    await agent.open()
    await expect(agent.lost).rejects.toThrow('the agent ended by itself: exit code 7')
    await agent.stop('test')
  })

  it('is missed when its stop goes wrong', async () => {
    const { agent, log } = aProgram(`
      process.on('SIGTERM', () => process.exit(1))
      setInterval(() => {}, 1000)
      console.log('up')
    `)
    await agent.open()
    await expect.poll(log).toBe('up\n')
    await agent.stop('test')
    await expect(agent.lost).rejects.toThrow('the agent was told to stop and ended with 1')
  })
})
