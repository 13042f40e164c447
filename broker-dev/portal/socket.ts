// Serves a mock portal at a unix socket, as the daemon does: one request per connection, the reply, the end; and one
// thread, which serves one request from start to finish before it looks at the next.

import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createAcceptQueue } from './accept-queue.ts'
import { answer, isHanging } from './answer.ts'
import { createDoor, ownNameOf, waitingDoorOf } from './door.ts'
import { serveLock } from './lock.ts'
import type { MockPortal } from './world.ts'

/** Listens while the daemon runs; while it is stopped the file stays and connections are refused. */
export async function servePortal(portal: MockPortal, path: string): Promise<{ close(): Promise<void> }> {
  const lock = portal.flavour === 'nodogsplash' ? undefined : await serveLock(portal, path)
  const door = createDoor(path)
  let daemon: ReturnType<typeof startThread> | undefined
  if (portal.running) await listen()
  const unwatch = portal.watch((running) => (running ? listen() : hangUp()))

  /** The socket is there when this returns; the promise is for what went wrong. */
  function listen(): Promise<void> {
    const isCurrent = (): boolean => daemon === started
    const started = startThread(portal, (isFull) => isCurrent() && door.show(isFull))
    daemon = started
    const { server, waitingServer } = daemon
    const listened = new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject))
    // Node removes the file it has bound when it stops listening; the daemon's stays, so it is another name of the same.
    for (const name of [ownNameOf(path), waitingDoorOf(path)]) rmSync(name, { force: true })
    server.listen(ownNameOf(path))
    waitingServer.listen(waitingDoorOf(path))
    if (server.listening) door.show(false)
    return listened
  }

  function hangUp(): void {
    if (daemon) door.leave()
    const ended = daemon
    daemon = undefined
    ended?.hangUp()
  }

  async function close(): Promise<void> {
    unwatch()
    hangUp()
    lock?.close()
    door.close()
  }

  return { close }
}

// Some tenths of a millisecond, as on a router; ten times as long as on a fast and idle machine.
const turnsUntilAWaiterRuns = 4

function startThread(portal: MockPortal, showDoor: (isFull: boolean) => unknown) {
  const connections = new Set<Socket>()
  const queue = createAcceptQueue<Socket>(() => portal.faults.wedges === true)
  const requests: { connection: Socket; line: string }[] = []
  let arrivals = 0
  let isAwake = false

  function arrive(connection: Socket, isWaiting: boolean): void {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    // A caller that leaves before its answer is its own affair.
    connection.on('error', () => connection.destroy())
    arrivals++
    if (isWaiting) queue.wait(connection)
    else queue.arrive(connection)
    showDoor(queue.isFull())
    void wake()
  }

  async function wake(): Promise<void> {
    if (isAwake) return
    isAwake = true
    if (portal.faults.wedges) await allOfThisWakeUp()
    for (;;) {
      const wasFull = queue.isFull()
      const accepted = queue.accept()
      for (const connection of accepted) hear(connection)
      if (wasFull) await refill()
      const request = requests.shift()
      if (request) await respond(request.connection, request.line)
      else if (accepted.length === 0) break
    }
    isAwake = false
  }

  /** Node hands over one connection at a time: those that follow at once came together. */
  async function allOfThisWakeUp(): Promise<void> {
    let before = -1
    while (before !== arrivals && !queue.isFull()) {
      before = arrivals
      await new Promise((resolve) => setTimeout(resolve, 1))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** A waiting caller takes a free place as soon as its process runs: a caller that does not wait may be quicker. */
  async function refill(): Promise<void> {
    showDoor(queue.isFull())
    for (let turn = 0; turn < turnsUntilAWaiterRuns; turn++) await new Promise((resolve) => setImmediate(resolve))
    queue.letIn()
    showDoor(queue.isFull())
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
    // A thread that hangs looks at nobody else; afterwards it goes on where it was.
    while (isHanging(portal)) await new Promise((resolve) => setTimeout(resolve, 5).unref())
    // The request of a caller that has left is not done any more.
    if (await hasLeft(connection)) return
    try {
      connection.end(await answer(portal, line))
    } catch {
      connection.destroy()
    }
  }

  const options = { allowHalfOpen: true, pauseOnConnect: true }
  const server = createServer(options, (connection) => arrive(connection, false))
  const waitingServer = createServer(options, (connection) => arrive(connection, true))
  return {
    server,
    waitingServer,
    hangUp(): void {
      server.close()
      waitingServer.close()
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
