// One exchange with the daemon's socket: a connection, a line, everything that comes until the daemon hangs up.
import { connect, type Socket } from 'node:net'
import { PortalFault } from './fault.ts'

// The daemon accepts one connection a wake-up: those that come together stay queued until others connect, who then wait in
// their place for ever (nodogsplash #387). A line that is late is helped along by further connections, the kicks.
const kickInterval = 50
const patience = 150
// Where the daemon's short queue is full Node says EAGAIN at once, while a waiting `ndsctl` takes the next free place
// within microseconds: without a pause Node has a chance too, and after a second there is nothing to hurry for.
const eagerMilliseconds = 1000
const retryInterval = 1

export interface Answer {
  text: string
  kicks: number
  /** How long the daemon was at it, as far as that shows. */
  milliseconds: number
}

/** An empty line: it costs the daemon nothing, and tells whether anybody opens. */
const knockLine = '\r\n\r\n'

/**
 * Knocks. When nobody opens soon the queue is behind: kicks move it on, at the pace of the daemon's slowest answers, since two
 * kicks that meet a daemon at work put its queue behind themselves.
 */
export function knock(path: string, until: number, slowestMilliseconds: number): Promise<Answer | undefined> {
  return exchange(path, knockLine, until, paceOf(slowestMilliseconds))
}

export function paceOf(slowestMilliseconds: number): Pause {
  return { first: kickInterval, next: Math.max(kickInterval, slowestMilliseconds) }
}

/** A single kick, for a daemon that has just opened: whatever takes longer than usual. */
export function onceAfter(usualMilliseconds: number): Pause {
  return { first: usualMilliseconds + patience, next: Number.POSITIVE_INFINITY }
}

interface Pause {
  first: number
  next: number
}

/** What the daemon answers by that time, kicked after so many milliseconds and then every so many; `undefined` when there is none. */
export function exchange(path: string, request: string, until: number, pause: Pause): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const chunks: Buffer[] = []
    let connectedAt = began
    let kickedAt = 0
    let kicks = 0
    let socket: Socket | undefined
    let timer: NodeJS.Timeout | undefined
    const limit = setTimeout(() => {
      end(() => reject(new PortalFault('portal-silent', `no answer from ${path} in time`)))
    }, until - began)

    function end(settle: () => void): void {
      clearTimeout(limit)
      clearTimeout(timer)
      settle()
      socket?.destroy()
      socket = undefined
    }

    function open(): void {
      const opened = connect(path, () => {
        connectedAt = performance.now()
        opened.write(request)
        if (Number.isFinite(pause.first)) timer = setTimeout(kickOn, pause.first)
      })
      socket = opened
      opened.on('data', (chunk) => {
        clearTimeout(timer)
        chunks.push(chunk)
      })
      opened.on('error', (cause: NodeJS.ErrnoException) => {
        if (socket !== opened) return
        if (cause.code === 'EAGAIN' && request === knockLine)
          end(() => resolve({ text: '', kicks: 1, milliseconds: 0 }))
        else if (cause.code === 'EAGAIN') again()
        else if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') end(() => resolve(undefined))
        else end(() => reject(new PortalFault('ndsctl-failed', `${path}: ${cause.message}`, { cause })))
      })
      opened.on('end', () => end(() => resolve(answered())))
    }

    function again(): void {
      if (performance.now() - began < eagerMilliseconds) setImmediate(open)
      else timer = setTimeout(open, retryInterval)
    }

    function kickOn(): void {
      kick(path)
      kicks++
      kickedAt = performance.now()
      if (Number.isFinite(pause.next)) timer = setTimeout(kickOn, pause.next)
    }

    function answered(): Answer {
      const now = performance.now()
      // An answer that came right after a kick came by it; one that did not was on its way, and only slow.
      const from = kicks > 0 && now - kickedAt < patience ? kickedAt : connectedAt
      return { text: Buffer.concat(chunks).toString('utf8'), kicks, milliseconds: now - from }
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
