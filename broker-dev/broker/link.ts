// A router's way to its broker: it can be slow, so many bytes a second and so long a way in each direction, and it can be cut.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleepFor } from 'node:timers/promises'

export interface Link {
  readonly port: number
  /** From now on it is as slow as that, or as quick as the machine. */
  slowness: Slowness | undefined
  /** Bytes that were sent into it and have not come out yet, towards the broker. */
  readonly unsentBytes: number
  /** Every connection is lost; the next one is let through. */
  cut(): void
  close(): void
}

export interface Slowness {
  bytesPerSecond: number
  delayMilliseconds?: number
}

export interface LinkOptions {
  slowness?: Slowness
  /** How its time passes; real time unless given. */
  sleep?: (milliseconds: number) => Promise<unknown>
}

// Bytes that a router on the way would buffer: beyond them nothing is read from the sender.
const mostBuffered = 16 * 1024
const tick = 20

export async function openLink(to: number, { slowness, sleep = sleepFor }: LinkOptions = {}): Promise<Link> {
  const sockets = new Set<Socket>()
  let unsentBytes = 0

  /** In pieces as they fit through; a piece that is on its way is late by the delay that was when it left. */
  function pass(from: Socket, into: Socket, count: (bytes: number) => void): void {
    const queue: Buffer[] = []
    let queued = 0
    let isPassing = false
    let passing = Promise.resolve()
    let lastArrives = Promise.resolve<unknown>(undefined)
    from.on('data', (chunk: Buffer) => {
      queue.push(chunk)
      queued += chunk.length
      count(chunk.length)
      if (queued > mostBuffered) from.pause()
      if (!isPassing) passing = run()
    })
    // An end comes after all that was said before it: a client that leaves in order must not look like one that is lost.
    from.on('close', () => passing.then(() => lastArrives).then(() => into.destroySoon()))

    async function run(): Promise<void> {
      isPassing = true
      for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
        for (let at = 0; at < chunk.length; ) at += await send(chunk.subarray(at))
        if (queued <= mostBuffered) from.resume()
      }
      isPassing = false
    }

    async function send(rest: Buffer): Promise<number> {
      const { bytesPerSecond = Number.POSITIVE_INFINITY, delayMilliseconds = 0 } = link.slowness ?? {}
      const piece = rest.subarray(0, Math.max(1, Math.round((bytesPerSecond * tick) / 1000)))
      if (link.slowness) await sleep((piece.length / bytesPerSecond) * 1000)
      queued -= piece.length
      count(-piece.length)
      // Never before the piece that left earlier, though the way has become shorter meanwhile.
      const arrives = Promise.all([lastArrives, link.slowness && sleep(delayMilliseconds)])
      lastArrives = arrives
      const arrived = arrives.then(() => into.destroyed || into.write(piece))
      if (!link.slowness) await arrived
      return piece.length
    }
  }

  const server = createServer((near) => {
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true })
    for (const end of [near, far]) {
      sockets.add(end)
      end.setNoDelay()
      end.on('error', () => {})
      end.on('close', () => sockets.delete(end))
    }
    pass(near, far, (bytes) => {
      unsentBytes += bytes
    })
    pass(far, near, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  function cut(): void {
    for (const socket of sockets) socket.destroy()
  }

  const link: Link = {
    port: (server.address() as AddressInfo).port,
    slowness,
    get unsentBytes() {
      return unsentBytes
    },
    cut,
    close() {
      server.close()
      cut()
    },
  }
  return link
}
