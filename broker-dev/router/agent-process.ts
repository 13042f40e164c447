// The real agent in a process of its own: started with its environment, stopped by SIGTERM or our own end, missed when it dies.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { endWithUs } from './end-with-us.ts'

export interface AgentProcessOptions {
  /** The bundled agent. */
  program: string
  env: Record<string, string>
  /** Where its log goes; without it, to our own stdout and stderr. */
  logFile?: string
}

/** An agent under way, wherever it runs. */
export interface RunningAgent {
  open(): Promise<void>
  stop(why: string): Promise<void>
  /** Rejects when it ends without having been stopped. */
  readonly lost: Promise<never>
}

export function createAgentProcess({ program, env, logFile }: AgentProcessOptions): RunningAgent {
  let lose: (error: Error) => void = () => {}
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject
  })
  // Not everybody waits for the loss.
  lost.catch(() => {})
  let child: ChildProcess | undefined
  let ended = Promise.resolve()
  let stopping = false

  async function open(): Promise<void> {
    const log = logFile === undefined ? 'inherit' : openSync(logFile, 'a')
    const started = spawn(process.execPath, [program], { env, stdio: ['ignore', log, log] })
    if (typeof log === 'number') closeSync(log)
    child = started
    endWithUs(started)
    ended = new Promise((resolve) => {
      started.once('error', (error) => {
        lose(error)
        resolve()
      })
      started.once('exit', (code, signal) => {
        if (!stopping) lose(new Error(`the agent ended by itself: ${signal ?? `exit code ${code}`}`))
        else if (code !== 0) lose(new Error(`the agent was told to stop and ended with ${signal ?? code}`))
        resolve()
      })
    })
  }

  async function stop(): Promise<void> {
    stopping = true
    child?.kill('SIGTERM')
    // The contract gives it 5 s.
    const impatience = setTimeout(() => child?.kill('SIGKILL'), 7000)
    await ended
    clearTimeout(impatience)
  }

  return { open, stop, lost }
}
