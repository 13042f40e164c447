// Serves a mock portal at a unix socket, as the daemon does: one request per connection, the reply, the end.

import { renameSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { answer } from './answer.ts'
import { serveLock } from './lock.ts'
import type { MockPortal } from './world.ts'

/** Listens while the daemon runs; while it is stopped the file stays and connections are refused. */
export async function servePortal(portal: MockPortal, path: string): Promise<{ close(): Promise<void> }> {
  const lock = portal.flavour === 'nodogsplash' ? undefined : await serveLock(portal, path)
  const connections = new Set<Socket>()
  const waiting: Socket[] = []
  let server: Server | undefined
  if (portal.running) await listen()
  const unwatch = portal.watch((running) => (running ? listen() : hangUp()))

  /** The socket is there when this returns; the promise is for what went wrong. */
  function listen(): Promise<void> {
    const listening = createServer({ allowHalfOpen: true, pauseOnConnect: true }, accept)
    server = listening
    // Node removes the file it has bound when it stops listening; the daemon's file stays, so it gets another name.
    rmSync(`${path}.new`, { force: true })
    const listened = new Promise<void>((resolve, reject) => listening.once('listening', resolve).once('error', reject))
    listening.listen(`${path}.new`)
    if (listening.listening) renameSync(`${path}.new`, path)
    return listened
  }

  // One accept a wake-up: with the queue behind, whoever connects takes the place of one who waited.
  function accept(connection: Socket): void {
    waiting.push(connection)
    while (waiting.length > (portal.faults.behind ?? 0)) {
      const next = waiting.shift()
      if (next) serve(next)
    }
  }

  function serve(connection: Socket): void {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    // A caller that leaves before its answer is its own affair.
    connection.on('error', () => connection.destroy())
    // Like the daemon, it takes the first piece for the whole request.
    connection.once('data', (piece) => void respond(connection, String(piece)))
    // The daemon closes a caller that leaves without a word.
    connection.once('end', () => connection.bytesRead === 0 && connection.end())
    connection.resume()
  }

  async function respond(connection: Socket, request: string): Promise<void> {
    const [line = ''] = request.split(/\r?\n/)
    try {
      connection.end(await answer(portal, line))
    } catch {
      connection.destroy()
    }
  }

  function hangUp(): void {
    server?.close()
    server = undefined
    for (const connection of connections) connection.destroy()
  }

  async function close(): Promise<void> {
    unwatch()
    hangUp()
    lock?.close()
    rmSync(path, { force: true })
  }

  return { close }
}
