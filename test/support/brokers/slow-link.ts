// A link that is slow: so many bytes a second and so long a way in each direction, in front of a broker.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleepFor } from 'node:timers/promises'

export interface SlowLink {
  readonly port: number
  /** Bytes that were sent into it and have not come out yet, towards the broker. */
  readonly unsentBytes: number
  close(): void
}

export interface SlowLinkOptions {
  bytesPerSecond: number
  delayMilliseconds?: number
}

// So much stands in the router's own buffers: more is not read from the sender.
const mostBuffered = 16 * 1024
const tick = 20

export async function slowLink(
  to: number,
  { bytesPerSecond, delayMilliseconds = 0 }: SlowLinkOptions,
): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  let unsentBytes = 0

  function pass(from: Socket, into: Socket, count: (bytes: number) => void): void {
    const queue: Buffer[] = []
    let queued = 0
    let isPassing = false
    from.on('data', (chunk: Buffer) => {
      queue.push(chunk)
      queued += chunk.length
      count(chunk.length)
      if (queued > mostBuffered) from.pause()
      if (!isPassing) void run()
    })

    async function run(): Promise<void> {
      isPassing = true
      for (let chunk = queue.shift(); chunk; chunk = queue.shift()) {
        for (let at = 0; at < chunk.length; ) {
          const piece = chunk.subarray(at, at + Math.max(1, Math.round((bytesPerSecond * tick) / 1000)))
          await sleepFor((piece.length / bytesPerSecond) * 1000)
          at += piece.length
          queued -= piece.length
          count(-piece.length)
          setTimeout(() => into.destroyed || into.write(piece), delayMilliseconds)
        }
        if (queued <= mostBuffered) from.resume()
      }
      isPassing = false
    }
  }

  const server = createServer((near) => {
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true })
    sockets.add(near).add(far)
    for (const end of [near, far]) {
      end.setNoDelay()
      end.on('error', () => {})
      end.on('close', () => setTimeout(() => [near, far].map((other) => other.destroy()), delayMilliseconds))
    }
    pass(near, far, (bytes) => {
      unsentBytes += bytes
    })
    pass(far, near, () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    get unsentBytes() {
      return unsentBytes
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
