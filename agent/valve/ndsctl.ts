// Runs `ndsctl`: one call at a time, each with a time limit.
import { Mutex } from 'async-mutex'
import type { Log } from '../log.ts'
import { knockFirst } from './exchange.ts'
import { PortalFault } from './fault.ts'
import { type Pause, startKicks } from './kicks.ts'
import { createUsualTimes } from './usual-times.ts'

/**
 * Asks the portal's daemon; resolves with what was printed on stdout, whatever the exit code. `extraMilliseconds`: how much
 * longer than usual the answer may take, for a question about many devices.
 */
export type Ndsctl = (
  args: readonly string[],
  extraMilliseconds?: number,
) => Promise<{ stdout: string; exitCode: number }>

/**
 * `ndsctl` as an executable. `socket`: where the daemon listens, if that is known; an `ndsctl` that waits there in a queue that
 * is behind would wait for ever, so it is helped along. execa is loaded with the first call: it costs memory that other
 * transports do not need.
 */
export function execNdsctl(
  executable: string,
  timeoutMilliseconds: number,
  log: Pick<Log, 'debug'>,
  socket?: string,
): Ndsctl {
  const turn = new Mutex()
  const usual = createUsualTimes()

  async function call(args: readonly string[], extraMilliseconds: number) {
    const until = performance.now() + timeoutMilliseconds + extraMilliseconds
    const help = socket === undefined ? undefined : await helpFor(socket, until, args)
    const began = performance.now()
    const kicks = socket !== undefined && help && startKicks(socket, help)
    try {
      const answer = await run(executable, args, until - began, log)
      // A call that needed kicks does not count towards the usual time.
      if (!kicks || kicks.count === 0) usual.took(args, performance.now() - began)
      return answer
    } finally {
      if (kicks) kicks.stop()
    }
  }

  // Without the socket run ndsctl unaided; its exit code says what is wrong.
  async function helpFor(path: string, until: number, args: readonly string[]): Promise<Pause | undefined> {
    try {
      const help = await knockFirst(path, until, usual, args)
      return help && { ...help, first: help.first + startMilliseconds }
    } catch (err) {
      if (err instanceof PortalFault && err.code === 'portal-silent') throw err
      log.debug({ err }, 'no way to the socket of the portal')
      return undefined
    }
  }

  return (args, extraMilliseconds = 0) => turn.runExclusive(() => call(args, extraMilliseconds))
}

// A process takes its time to start, on a router above all.
const startMilliseconds = 300

async function run(
  executable: string,
  args: readonly string[],
  timeoutMilliseconds: number,
  log: Pick<Log, 'debug'>,
): Promise<{ stdout: string; exitCode: number }> {
  const { execa } = await import('execa')
  // stderr is never a sign of failure: openNDS writes there at every call.
  const call = execa(executable, args, {
    stdin: 'ignore',
    stderr: 'ignore',
    reject: false,
    stripFinalNewline: false,
    maxBuffer: 16 * 1024 * 1024,
  })
  const limit = timer(timeoutMilliseconds)
  const ended = await Promise.race([call, limit.over]).finally(limit.clear)
  if (ended === 'timeout') {
    call.kill('SIGKILL')
    // A child of the killed program may hold its pipe open for as long as it likes.
    call.catch(() => {})
    throw new PortalFault(
      'portal-silent',
      `no answer to ndsctl ${args.join(' ')} in ${Math.round(timeoutMilliseconds)} ms`,
    )
  }
  log.debug({ args, exitCode: ended.exitCode, milliseconds: Math.round(ended.durationMs) }, 'ndsctl')
  if (ended.exitCode !== undefined) return { stdout: ended.stdout, exitCode: ended.exitCode }
  if (ended.code === 'ENOENT') {
    throw new PortalFault('ndsctl-missing', `there is no ${executable}; install the portal or set AGENT_NDSCTL`)
  }
  const why = ended.signal ? `killed by ${ended.signal}` : (ended.code ?? 'not started')
  throw new PortalFault('ndsctl-failed', `ndsctl ${args.join(' ')}: ${why}`, { cause: ended })
}

// A process's own time limit is real time, whatever clock the agent reckons with.
function timer(milliseconds: number): { over: Promise<'timeout'>; clear: () => void } {
  let handle: NodeJS.Timeout | undefined
  const over = new Promise<'timeout'>((resolve) => {
    handle = setTimeout(resolve, milliseconds, 'timeout')
  })
  return { over, clear: () => clearTimeout(handle) }
}
