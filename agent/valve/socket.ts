// Talks to the daemon's socket as `ndsctl` itself does: no process to start, one request at a time.
import { connect } from 'node:net'
import { Mutex } from 'async-mutex'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'

/** The daemon's own protocol: `COMMAND ARG,ARG` and two line ends in one write, then text until the daemon hangs up. */
export function socketNdsctl(path: string, timeoutMilliseconds: number): Ndsctl {
  const turn = new Mutex()
  return ([command = '', ...args]) =>
    turn.runExclusive(async () => {
      // In two writes the first alone would be taken for the command.
      const request = args.length > 0 ? `${command} ${args.join(',')}\r\n\r\n` : `${command}\r\n\r\n`
      const stdout = await exchange(path, request, timeoutMilliseconds)
      if (stdout === 'down') return { stdout: '', exitCode: 3 }
      return { stdout: stdout.text, exitCode: stdout.text === 'No' ? 1 : 0 }
    })
}

function exchange(path: string, request: string, timeoutMilliseconds: number): Promise<{ text: string } | 'down'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(path, () => socket.write(request))
    const limit = setTimeout(() => {
      reject(new PortalFault('portal-silent', `no answer from ${path} in ${timeoutMilliseconds} ms`))
      socket.destroy()
    }, timeoutMilliseconds)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') resolve('down')
      else reject(new PortalFault('ndsctl-failed', `${path}: ${cause.message}`, { cause }))
    })
    socket.on('close', () => {
      clearTimeout(limit)
      resolve({ text: Buffer.concat(chunks).toString('utf8') })
    })
  })
}
