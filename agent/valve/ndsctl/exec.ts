// Runs `ndsctl`: one call at a time, each with a time limit.
import { Mutex } from 'async-mutex'
import type { Log } from '../../log.ts'
import { PortalFault } from '../portal-fault.ts'
import { type HelpedCall, helpCalls } from './helped-calls.ts'

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
  const helped: HelpedCall = socket === undefined ? (_, __, call) => call(false) : helpCalls(socket)

  function call(args: readonly string[], extraMilliseconds: number) {
    const until = performance.now() + timeoutMilliseconds + extraMilliseconds
    // Where no daemon answers it is ndsctl's exit code that says so.
    return helped(args, timeoutMilliseconds, () => run(executable, args, until - performance.now(), log))
  }

  return (args, extraMilliseconds = 0) => turn.runExclusive(() => call(args, extraMilliseconds))
}

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
