// One exchange with the daemon's socket: a connection, a line, everything that comes until the daemon hangs up.
import { connect, type Socket } from 'node:net'
import { PortalFault } from './fault.ts'
import { type Kicks, onceAfter, type Pause, paceOf, startKicks } from './kicks.ts'
import type { UsualTimes } from './usual-times.ts'

export interface Answer {
  text: string
  kicks: number
  /** How long the daemon was at it, as far as that shows. */
  milliseconds: number
}

// An empty line: it costs the daemon nothing, and tells whether anybody opens.
const knock = '\r\n\r\n'
// An answer that comes so soon after a kick came by it.
const promptMilliseconds = 150
// Where the daemon's short queue is full Node says EAGAIN at once, while a waiting `ndsctl` takes the next free place
// within microseconds: without a pause Node has a chance too, and after a second there is nothing to hurry for.
const eagerMilliseconds = 1000
const retryInterval = 1

/**
 * Knocks, to tell a queue that is behind from a daemon that is only slow. Resolves with how to help that call along, or with
 * `undefined` when there is no daemon at that socket.
 */
export async function knockFirst(
  path: string,
  until: number,
  usual: UsualTimes,
  call: readonly string[],
): Promise<Pause | undefined> {
  const opened = await exchange(path, knock, until, paceOf(usual.slowest, usual.isBehind))
  if (!opened) return undefined
  usual.isBehind = opened.kicks > 0
  return usual.isBehind ? paceOf(usual.slowest, true) : onceAfter(usual.of(call))
}

/** What the daemon answers by that time; `undefined` when there is none. */
export function exchange(path: string, request: string, until: number, pause: Pause): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const chunks: Buffer[] = []
    let connectedAt = began
    let kicks: Kicks | undefined
    let retry: NodeJS.Timeout | undefined
    let socket: Socket | undefined
    const limit = setTimeout(() => {
      end(() => reject(new PortalFault('portal-silent', `no answer from ${path} in time`)))
    }, until - began)

    function end(settle: () => void): void {
      clearTimeout(limit)
      clearTimeout(retry)
      kicks?.stop()
      settle()
      socket?.destroy()
      socket = undefined
    }

    function open(): void {
      const opened = connect(path, () => {
        connectedAt = performance.now()
        opened.write(request)
        kicks = startKicks(path, pause)
      })
      socket = opened
      opened.on('data', (chunk) => {
        kicks?.stop()
        chunks.push(chunk)
      })
      opened.on('error', (cause: NodeJS.ErrnoException) => {
        if (socket !== opened) return
        if (cause.code === 'EAGAIN' && request === knock) end(() => resolve({ text: '', kicks: 1, milliseconds: 0 }))
        else if (cause.code === 'EAGAIN') again()
        else if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') end(() => resolve(undefined))
        else end(() => reject(new PortalFault('ndsctl-failed', `${path}: ${cause.message}`, { cause })))
      })
      opened.on('end', () => end(() => resolve(answered())))
    }

    function again(): void {
      if (performance.now() - began < eagerMilliseconds) setImmediate(open)
      else retry = setTimeout(open, retryInterval)
    }

    function answered(): Answer {
      const now = performance.now()
      const { count = 0, latestAt = 0 } = kicks ?? {}
      // One that was kicked and did not come by that was on its way, and only slow.
      const from = count > 0 && now - latestAt < promptMilliseconds ? latestAt : connectedAt
      return { text: Buffer.concat(chunks).toString('utf8'), kicks: count, milliseconds: now - from }
    }

    open()
  })
}
