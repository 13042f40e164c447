// The real agent inside the simulation's own process, with the mock portal's `ndsctl` handed to it as a function.
import pino from 'pino'
import { assembleAgent } from '../../agent/assemble.ts'
import { readConfig } from '../../agent/config.ts'
import type { Clock } from '../../agent/time/clock.ts'
import { inProcess } from '../portal/in-process.ts'
import type { MockPortal } from '../portal/world.ts'
import type { RunningAgent } from './agent-process.ts'

export interface AgentInProcessOptions {
  env: Record<string, string>
  portal: MockPortal
  clock: Clock
  logFile: string
}

export function createAgentInProcess({ env, portal, clock, logFile }: AgentInProcessOptions): RunningAgent {
  const read = readConfig(env)
  if ('problems' in read) throw new Error(`the simulated agent's configuration is wrong: ${read.problems.join('; ')}`)
  const log = pino({ base: null }, pino.destination({ dest: logFile, mkdir: true, sync: true }))
  const ndsctl = inProcess(portal)
  const agent = assembleAgent(read.config, { clock, ndsctl: (args) => ndsctl([...args]), log })
  return { open: agent.open, stop: agent.stop, lost: new Promise<never>(() => {}) }
}
