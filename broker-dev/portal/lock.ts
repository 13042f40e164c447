// openNDS's lock file as a socket: the `ndsctl` that is connected to it holds the lock, and it is free again when that
// one has ended, however it ended. A program that talks to the daemon's socket directly does not ask for it.

import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { isLocked } from './answer.ts'
import type { MockPortal } from './world.ts'

const nameOf = (path: string) => `${path}.lock`

export async function serveLock(portal: MockPortal, path: string): Promise<{ close(): void }> {
  let holder: Socket | undefined
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy())
    if (holder || isLocked(portal)) return connection.end('Busy')
    holder = connection
    connection.on('close', () => {
      holder = undefined
    })
    connection.resume().write('Yours')
  })
  rmSync(nameOf(path), { force: true })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(nameOf(path), resolve))
  return {
    close() {
      server.close()
      holder?.destroy()
    },
  }
}

/** Resolves with what gives the lock back; rejects with code BUSY when another one has it. */
export function takeLock(path: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const socket = connect(nameOf(path)).once('error', reject).once('close', reject)
    socket.once('data', (word) => {
      if (String(word) === 'Yours') resolve(() => socket.destroy())
      else reject(Object.assign(new Error('another ndsctl is at work'), { code: 'BUSY' }))
    })
  })
}
