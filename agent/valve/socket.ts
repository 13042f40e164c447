// Talks to the daemon's socket as `ndsctl` itself does: no process to start, one request at a time.
import { connect, type Socket } from 'node:net'
import { Mutex } from 'async-mutex'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'

// The daemon accepts one connection a wake-up: when two came at once it stays one behind for ever (nodogsplash #387), and
// an answer comes only after somebody else has connected. So whoever waits too long connects again, and again: the kick.
const patience = 150
const kickInterval = 100
// Node says EAGAIN where the daemon's short queue is full.
const retryInterval = 50

/** The daemon's own protocol: `COMMAND ARG,ARG` and two line ends in one write, then text until the daemon hangs up. */
export function socketNdsctl(path: string, timeoutMilliseconds: number): Ndsctl {
  const turn = new Mutex()
  // How long an answer to a command usually takes: openNDS needs seconds where nodogsplash needs milliseconds.
  const usual = new Map<string, number>()

  async function ask(command: string, args: readonly string[]): Promise<{ stdout: string; exitCode: number }> {
    // In two writes the first alone would be taken for the command.
    const request = args.length > 0 ? `${command} ${args.join(',')}\r\n\r\n` : `${command}\r\n\r\n`
    const asked = performance.now()
    const answer = await exchange(path, request, timeoutMilliseconds, (usual.get(command) ?? 0) + patience)
    if (answer === undefined) return { stdout: '', exitCode: 3 }
    if (answer === '') throw new PortalFault('ndsctl-failed', `${path} hung up without an answer to ${command}`)
    usual.set(command, Math.min(performance.now() - asked, (usual.get(command) ?? 0) + patience))
    return { stdout: answer, exitCode: answer === 'No' ? 1 : 0 }
  }

  return ([command = '', ...args]) => turn.runExclusive(() => ask(command, args))
}

/** What the daemon answers; `undefined` when there is none. */
function exchange(path: string, request: string, timeout: number, kickAfter: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let socket: Socket | undefined
    let kicks: NodeJS.Timeout | undefined
    let retry: NodeJS.Timeout | undefined
    const firstKick = setTimeout(() => {
      kick(path)
      kicks = setInterval(kick, kickInterval, path)
    }, kickAfter)
    const limit = setTimeout(() => {
      end(() => reject(new PortalFault('portal-silent', `no answer from ${path} in ${timeout} ms`)))
    }, timeout)

    function end(settle: () => void): void {
      for (const timer of [limit, firstKick, kicks, retry]) clearTimeout(timer)
      settle()
      socket?.destroy()
    }

    function open(): void {
      const opened = connect(path, () => opened.write(request))
      socket = opened
      opened.on('data', (chunk) => {
        clearTimeout(firstKick)
        clearInterval(kicks)
        chunks.push(chunk)
      })
      opened.on('error', (cause: NodeJS.ErrnoException) => {
        if (cause.code === 'EAGAIN') retry = setTimeout(open, retryInterval)
        else if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') end(() => resolve(undefined))
        else end(() => reject(new PortalFault('ndsctl-failed', `${path}: ${cause.message}`, { cause })))
      })
      opened.on('end', () => end(() => resolve(Buffer.concat(chunks).toString('utf8'))))
    }
    open()
  })
}

// Opens a connection, says nothing, and closes it before the next one: that moves the daemon's queue by one.
function kick(path: string): void {
  const socket = connect(path)
  socket.on('error', () => {})
  setTimeout(() => socket.destroy(), kickInterval / 2)
}
