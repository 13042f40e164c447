// Serves a mock portal at a unix socket, as the daemon does: one request per connection, the reply, the end; and one
// thread, which serves one request from start to finish before it looks at the next.

import { renameSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createAcceptQueue } from './accept-queue.ts'
import { answer, isHanging } from './answer.ts'
import { serveLock } from './lock.ts'
import type { MockPortal } from './world.ts'

/** Listens while the daemon runs; while it is stopped the file stays and connections are refused. */
export async function servePortal(portal: MockPortal, path: string): Promise<{ close(): Promise<void> }> {
  const lock = portal.flavour === 'nodogsplash' ? undefined : await serveLock(portal, path)
  let daemon: { server: Server; hangUp(): void } | undefined
  if (portal.running) await listen()
  const unwatch = portal.watch((running) => (running ? listen() : hangUp()))

  /** The socket is there when this returns; the promise is for what went wrong. */
  function listen(): Promise<void> {
    daemon = startThread(portal)
    const { server } = daemon
    // Node removes the file it has bound when it stops listening; the daemon's file stays, so it gets another name.
    rmSync(`${path}.new`, { force: true })
    const listened = new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject))
    server.listen(`${path}.new`)
    if (server.listening) renameSync(`${path}.new`, path)
    return listened
  }

  function hangUp(): void {
    daemon?.hangUp()
    daemon = undefined
  }

  async function close(): Promise<void> {
    unwatch()
    hangUp()
    lock?.close()
    rmSync(path, { force: true })
  }

  return { close }
}

// What connects while the daemon wakes up belongs to the same wake-up.
const wakingMilliseconds = 1

function startThread(portal: MockPortal) {
  const connections = new Set<Socket>()
  const queue = createAcceptQueue<Socket>(() => portal.faults.wedges === true)
  const requests: { connection: Socket; line: string }[] = []
  let isAwake = false

  function arrive(connection: Socket): void {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    // A caller that leaves before its answer is its own affair.
    connection.on('error', () => connection.destroy())
    queue.arrive(connection)
    void wake()
  }

  async function wake(): Promise<void> {
    if (isAwake) return
    isAwake = true
    if (portal.faults.wedges) await new Promise((resolve) => setTimeout(resolve, wakingMilliseconds))
    for (;;) {
      const accepted = queue.accept()
      for (const connection of accepted) hear(connection)
      const request = requests.shift()
      if (request) await respond(request.connection, request.line)
      else if (accepted.length === 0) break
    }
    isAwake = false
  }

  function hear(connection: Socket): void {
    // The daemon closes a caller that leaves without a word.
    const leave = () => connection.end()
    connection.once('end', leave)
    // Like the daemon, it takes the first piece for the whole request.
    connection.once('data', (piece) => {
      connection.off('end', leave)
      const [line = ''] = String(piece).split(/\r?\n/)
      requests.push({ connection, line })
      void wake()
    })
    connection.resume()
  }

  async function respond(connection: Socket, line: string): Promise<void> {
    // What a caller asked that has left is not done any more.
    if (isHanging(portal) || (await hasLeft(connection))) return
    try {
      connection.end(await answer(portal, line))
    } catch {
      connection.destroy()
    }
  }

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, arrive)
  return {
    server,
    hangUp(): void {
      server.close()
      requests.length = 0
      for (const connection of connections) connection.destroy()
    },
  }
}

/** A caller that has only said all it has to say can still be written to. */
function hasLeft(connection: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    if (connection.destroyed) resolve(true)
    else connection.write('', (error) => resolve(error !== null && error !== undefined))
  })
}
