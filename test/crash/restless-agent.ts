// A supervisor: starts the agent that dies, and starts it again after each of its deaths, until it is told to stop.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Death } from './points.ts'

/** One run of the agent, in `performance.now()`. */
export interface Run {
  startedAt: number
  /** When it first asked the portal. */
  lookedAt: number
  endedAt: number
  died: boolean
  /** Every point that it came to, such as `7 append journal`. */
  points: string[]
}

export interface RestlessAgent {
  readonly runs: Run[]
  /** SIGTERM, until a run ends with code 0. */
  stop(): Promise<void>
  /** Rejects when a run ends in a way that nobody wanted. */
  readonly failed: Promise<never>
  /** It is not to live any longer, however it does. */
  close(): void
}

/** `deaths`: the first run has the first of them, and so on; the runs behind them have none. */
export function startRestlessAgent(program: string, env: Record<string, string>, deaths: Death[]): RestlessAgent {
  const runs: Run[] = []
  let child: ChildProcess
  let isStopping = false
  let isClosed = false
  let stopped = () => {}
  let fail = (_cause: Error) => {}
  const end = new Promise<void>((resolve) => {
    stopped = resolve
  })
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  // Not everybody waits for it.
  failed.catch(() => {})

  function start(): void {
    const death = deaths[runs.length]
    const crash = death ? { CRASH_AT: String(death.at), CRASH_WHEN: death.when } : undefined
    const never = Number.POSITIVE_INFINITY
    const run: Run = { startedAt: performance.now(), lookedAt: never, endedAt: never, died: false, points: [] }
    runs.push(run)
    child = spawn(process.execPath, [program], { env: { ...env, ...crash }, stdio: ['ignore', 'pipe', 'pipe'] })
    let complaint = ''
    let rest = ''
    child.stderr?.on('data', (chunk) => {
      complaint += chunk
    })
    child.stdout?.on('data', (chunk) => {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      run.points.push(...lines)
      if (lines.some((line) => line.endsWith('ndsctl json'))) run.lookedAt = Math.min(run.lookedAt, performance.now())
      // An agent that died while it was being stopped has a successor, which is stopped once it is at work.
      if (isStopping) stopOnceAtWork()
    })
    child.on('close', (code, signal) => {
      run.endedAt = performance.now()
      run.died = signal === 'SIGKILL' && death !== undefined
      if (isClosed) return
      if (run.died) start()
      else if (isStopping && code === 0) stopped()
      else fail(new Error(`the agent ended with ${signal ?? code}: ${complaint}`))
    })
  }

  function stopOnceAtWork(): void {
    if (runs.at(-1)?.points.some((point) => point.endsWith('publish status online'))) child.kill('SIGTERM')
  }

  start()
  return {
    runs,
    failed,
    stop() {
      isStopping = true
      stopOnceAtWork()
      return end
    },
    close() {
      isClosed = true
      child.kill('SIGKILL')
    },
  }
}
