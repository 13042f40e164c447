// Talks to the daemon's socket as `ndsctl` itself does: no process to start, one request at a time.
import { Mutex } from 'async-mutex'
import type { Log } from '../../log.ts'
import { PortalFault } from '../portal-fault.ts'
import { exchange } from './exchange.ts'
import type { Ndsctl } from './exec.ts'
import { helpCalls } from './helped-calls.ts'

/** The daemon's own protocol: `COMMAND ARG,ARG` and two line ends in one write, then text until the daemon hangs up. */
export function socketNdsctl(path: string, timeoutMilliseconds: number, log?: Pick<Log, 'debug'>): Ndsctl {
  const turn = new Mutex()
  const helped = helpCalls(path)

  async function ask(call: readonly string[], extraMilliseconds: number) {
    const began = performance.now()
    const until = began + timeoutMilliseconds + extraMilliseconds
    const [command = '', ...args] = call
    // In two writes the first alone would be taken for the command.
    const request = args.length > 0 ? `${command} ${args.join(',')}\r\n\r\n` : `${command}\r\n\r\n`
    const answer = await helped(call, timeoutMilliseconds, async (isThere) =>
      isThere ? exchange(path, request, until) : undefined,
    )
    if (answer === undefined) return { stdout: '', exitCode: 3 }
    if (answer === '') throw new PortalFault('ndsctl-failed', `${path} hung up without an answer to ${command}`)
    log?.debug({ args: call, milliseconds: Math.round(performance.now() - began) }, 'ndsctl')
    return { stdout: answer, exitCode: answer === 'No' ? 1 : 0 }
  }

  return (args, extraMilliseconds = 0) => turn.runExclusive(() => ask(args, extraMilliseconds))
}
