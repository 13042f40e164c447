// The name of the daemon's socket. While the accept queue is full, another socket stands there whose queue is full for
// ever: so a caller that does not wait (Node never does) is told EAGAIN, which no server written in Node can say itself.

import { linkSync, renameSync, rmSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

/** Where the daemon's socket has its own name. */
export const ownNameOf = (path: string): string => `${path}.daemon`

/** The name for callers that wait in connect() until there is room, as the real `ndsctl` does. */
export const waitingDoorOf = (path: string): string => `${path}.waiting`

export function createDoor(path: string) {
  const full = `${path}.full`
  let shown = ''
  let worker: Worker | undefined
  let isReady = false
  let isFullNow = false

  function show(isFull: boolean): void {
    isFullNow = isFull
    if (isFull) worker ??= fillUp()
    const socket = isFull && isReady ? full : ownNameOf(path)
    if (socket === shown) return
    shown = socket
    rmSync(`${path}.next`, { force: true })
    linkSync(socket, `${path}.next`)
    renameSync(`${path}.next`, path)
  }

  function fillUp(): Worker {
    rmSync(full, { force: true })
    const started = new Worker(neverAccepts, { eval: true, workerData: full })
    started.once('message', () => {
      isReady = true
      show(isFullNow)
    })
    started.unref()
    return started
  }

  /** The daemon stops: its file stays there, and connections are refused. */
  function leave(): void {
    show(false)
    shown = ''
  }

  function close(): void {
    worker?.removeAllListeners('message')
    void worker?.terminate()
    for (const name of [full, path]) rmSync(name, { force: true })
  }

  return { show, leave, close }
}

// With a backlog of 1 two connections fill the queue; then the thread stops for good before it accepts them.
const neverAccepts = `
  const { connect, createServer } = require('node:net')
  const { parentPort, workerData: path } = require('node:worker_threads')
  createServer().listen({ path, backlog: 1 }, () => {
    for (let count = 0; count < 2; count++) connect(path).on('error', () => {})
    parentPort.postMessage('full')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`
