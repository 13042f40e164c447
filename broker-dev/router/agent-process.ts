// The real agent in a process of its own: started with its environment, stopped by SIGTERM or our own end, missed when it dies.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { endWithUs } from './end-with-us.ts'
import type { MachineState } from './machine.ts'
import type { RunningAgent } from './running-agent.ts'

export interface AgentProcessOptions {
  /** The bundled agent. */
  program: string
  env: Record<string, string>
  /** Where its log goes; without it, to our own stdout and stderr. */
  logFile?: string
  /** The bundled `agent-machine-main.ts`, which lets its disk and its clock be out of order. */
  machine?: string | undefined
}

export interface AgentProcess extends RunningAgent {
  /** Its disk and clock are in that state from now on, also when it is started again. */
  putInto(state: Readonly<MachineState>): void
}

export function createAgentProcess({ program, env, logFile, machine }: AgentProcessOptions): AgentProcess {
  let lose: (error: Error) => void = () => {}
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject
  })
  // A loss that nobody waits for is no unhandled rejection.
  lost.catch(() => {})
  let child: ChildProcess | undefined
  let ended = Promise.resolve()
  let expected: 'nothing' | 'a stop' | 'a death' = 'nothing'
  let state: Readonly<MachineState> | undefined

  async function open(): Promise<void> {
    const log = logFile === undefined ? 'inherit' : openSync(logFile, 'a')
    const before = machine === undefined ? [] : ['--import', pathToFileURL(machine).href]
    const channel = machine === undefined ? [] : (['ipc'] as const)
    const started = spawn(process.execPath, [...before, program], { env, stdio: ['ignore', log, log, ...channel] })
    if (typeof log === 'number') closeSync(log)
    child = started
    expected = 'nothing'
    if (state) tell(state)
    endWithUs(started)
    ended = new Promise((resolve) => {
      started.once('error', (error) => {
        lose(error)
        resolve()
      })
      started.once('exit', (code, signal) => {
        if (expected === 'nothing') lose(new Error(`the agent ended by itself: ${signal ?? `exit code ${code}`}`))
        if (expected === 'a stop' && code !== 0)
          lose(new Error(`the agent was told to stop and ended with ${signal ?? code}`))
        resolve()
      })
    })
  }

  async function stop(): Promise<void> {
    expected = 'a stop'
    child?.kill('SIGTERM')
    // The contract gives it 5 s.
    const impatience = setTimeout(() => child?.kill('SIGKILL'), 7000)
    await ended
    clearTimeout(impatience)
  }

  async function kill(): Promise<void> {
    expected = 'a death'
    child?.kill('SIGKILL')
    await ended
  }

  function tell(what: Readonly<MachineState>): void {
    // A process that is gone is told when it is started again.
    if (child?.connected) child.send(what, () => {})
  }

  function putInto(next: Readonly<MachineState>): void {
    state = next
    tell(next)
  }

  return { open, stop, kill, lost, putInto }
}
