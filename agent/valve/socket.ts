// Talks to the daemon's socket as `ndsctl` itself does: no process to start, one request at a time.
import { Mutex } from 'async-mutex'
import type { Log } from '../log.ts'
import { exchange, knockFirst } from './exchange.ts'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'
import { createUsualTimes } from './usual-times.ts'

/**
 * The daemon's own protocol: `COMMAND ARG,ARG` and two line ends in one write, then text until the daemon hangs up. Each
 * request is preceded by a knock: it tells a queue that is behind from a daemon that is only slow.
 */
export function socketNdsctl(path: string, timeoutMilliseconds: number, log?: Pick<Log, 'debug'>): Ndsctl {
  const turn = new Mutex()
  const usual = createUsualTimes()

  async function ask(call: readonly string[], extraMilliseconds: number) {
    const until = performance.now() + timeoutMilliseconds + extraMilliseconds
    const help = await knockFirst(path, until, usual, call)
    if (help === undefined) return { stdout: '', exitCode: 3 }

    const [command = '', ...args] = call
    // In two writes the first alone would be taken for the command.
    const request = args.length > 0 ? `${command} ${args.join(',')}\r\n\r\n` : `${command}\r\n\r\n`
    const answer = await exchange(path, request, until, help)
    if (answer === undefined) return { stdout: '', exitCode: 3 }
    if (answer.text === '') throw new PortalFault('ndsctl-failed', `${path} hung up without an answer to ${command}`)
    usual.took(call, answer.milliseconds)
    const { kicks, milliseconds } = answer
    log?.debug({ args: call, kicks, milliseconds: Math.round(milliseconds) }, 'ndsctl')
    return { stdout: answer.text, exitCode: answer.text === 'No' ? 1 : 0 }
  }

  return (args, extraMilliseconds = 0) => turn.runExclusive(() => ask(args, extraMilliseconds))
}
