// Talks to the daemon's socket as `ndsctl` itself does: no process to start, one request at a time.
import { connect, type Socket } from 'node:net'
import { Mutex } from 'async-mutex'
import { PortalFault } from './fault.ts'
import type { Ndsctl } from './ndsctl.ts'

// The daemon accepts one connection a wake-up: those that come together stay queued until others connect, who then wait in
// their place for ever (nodogsplash #387). So each request is preceded by a knock, an empty line that costs the daemon
// nothing: when it is late the queue is behind, and further connections, the kicks, move it on. Two kicks that meet a
// daemon at work put its queue behind themselves: so they keep the pace of its slowest answers, and a daemon that came to
// the knock at once gets a single one.
const knock = '\r\n\r\n'
const kickInterval = 50
const patience = 150
// Where the daemon's short queue is full Node says EAGAIN at once, while a waiting `ndsctl` takes the next free place
// within microseconds: without a pause Node has a chance too, and after a second there is nothing to hurry for.
const eagerMilliseconds = 1000
const retryInterval = 1

/** The daemon's own protocol: `COMMAND ARG,ARG` and two line ends in one write, then text until the daemon hangs up. */
export function socketNdsctl(path: string, timeoutMilliseconds: number): Ndsctl {
  const turn = new Mutex()
  // How long an answer usually takes: a list of openNDS needs seconds where one client needs milliseconds.
  const usual = new Map<string, number>()

  async function ask(command: string, args: readonly string[]): Promise<{ stdout: string; exitCode: number }> {
    const until = performance.now() + timeoutMilliseconds
    const pace = { first: kickInterval, next: Math.max(kickInterval, ...usual.values()) }
    const knocked = await exchange(path, knock, until, pace)
    if (knocked === undefined) return { stdout: '', exitCode: 3 }

    // In two writes the first alone would be taken for the command.
    const request = args.length > 0 ? `${command} ${args.join(',')}\r\n\r\n` : `${command}\r\n\r\n`
    const kind = `${command} ${args.length}`
    const once = { first: (usual.get(kind) ?? 0) + patience, next: Number.POSITIVE_INFINITY }
    const answer = await exchange(path, request, until, knocked.kicks > 0 ? pace : once)
    if (answer === undefined) return { stdout: '', exitCode: 3 }
    if (answer.text === '') throw new PortalFault('ndsctl-failed', `${path} hung up without an answer to ${command}`)
    usual.set(kind, answer.milliseconds)
    return { stdout: answer.text, exitCode: answer.text === 'No' ? 1 : 0 }
  }

  return ([command = '', ...args]) => turn.runExclusive(() => ask(command, args))
}

interface Answer {
  text: string
  kicks: number
  /** How long the daemon was at it, as far as that shows. */
  milliseconds: number
}

/** What the daemon answers, kicked after so many milliseconds and then every so many; `undefined` when there is none. */
function exchange(
  path: string,
  request: string,
  until: number,
  pause: { first: number; next: number },
): Promise<Answer | undefined> {
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
        if (cause.code === 'EAGAIN' && request === knock) end(() => resolve({ text: '', kicks: 1, milliseconds: 0 }))
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
