// One exchange with the daemon's socket: a connection, a line, everything that comes until the daemon hangs up.
import { connect, type Socket } from 'node:net'
import { PortalFault } from '../portal-fault.ts'

// When the accept queue is full, Node gets EAGAIN at once, while a blocking `ndsctl` gets the next place within microseconds.
// Retry without a pause for a second, then every millisecond.
const eagerMilliseconds = 1000
const retryInterval = 1

/** The daemon's answer by that time, on the clock of `performance.now`; `undefined` when there is no daemon at that socket. */
export function exchange(path: string, request: string, until: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const chunks: Buffer[] = []
    let retry: NodeJS.Timeout | undefined
    let socket: Socket | undefined
    const limit = setTimeout(() => {
      end(() => reject(new PortalFault('portal-silent', `no answer from ${path} in time`)))
    }, until - began)

    function end(settle: () => void): void {
      clearTimeout(limit)
      clearTimeout(retry)
      settle()
      socket?.destroy()
      socket = undefined
    }

    function open(): void {
      const opened = connect(path, () => opened.write(request))
      socket = opened
      opened.on('data', (chunk) => chunks.push(chunk))
      opened.on('error', (cause: NodeJS.ErrnoException) => {
        if (socket !== opened) return
        if (cause.code === 'EAGAIN') again()
        else if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') end(() => resolve(undefined))
        else end(() => reject(new PortalFault('ndsctl-failed', `${path}: ${cause.message}`, { cause })))
      })
      opened.on('end', () => end(() => resolve(Buffer.concat(chunks).toString('utf8'))))
    }

    function again(): void {
      if (performance.now() - began < eagerMilliseconds) setImmediate(open)
      else retry = setTimeout(open, retryInterval)
    }

    open()
  })
}
