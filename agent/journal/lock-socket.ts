// Names that a process listens on, and who listens on another's: the kernel frees a name with its process.
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'

/** The process behind a name: it holds the folder, or wants it like us. */
export interface Listener {
  holds: boolean
  who: string
}

export interface Names {
  /** False where the name is taken, or where the disk is full or read-only or its file system has no sockets. */
  listenOn(path: string): Promise<boolean>
  stop(path: string): Promise<void>
  stopAll(): Promise<void>
}

const patienceMilliseconds = 1000

/** Tells everybody who asks at these names whether this process `holds` the folder. */
export function createNames(holds: () => boolean): Names {
  const servers = new Map<string, Server>()

  async function stop(path: string): Promise<void> {
    const server = servers.get(path)
    servers.delete(path)
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  }

  return {
    listenOn(path) {
      const server = createServer((socket) => {
        socket.on('error', () => {})
        socket.end(`${holds() ? '=' : '?'}${process.pid} on ${hostname()}`)
      })
      server.unref()
      return new Promise((resolve) => {
        server.once('error', () => resolve(false))
        server.listen(path, () => {
          servers.set(path, server)
          resolve(true)
        })
      })
    },
    stop,
    async stopAll() {
      for (const path of [...servers.keys()]) await stop(path)
    },
  }
}

/** Who listens there; undefined where nobody does. A process that is stopped or busy says nothing, and counts as the holder. */
export function listenerAt(path: string): Promise<Listener | undefined> {
  return new Promise((resolve) => {
    let said = ''
    let isThere = false
    const socket = connect(path)
    const late = setTimeout(() => socket.destroy(), patienceMilliseconds)
    socket.on('connect', () => {
      isThere = true
    })
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('error', (err: NodeJS.ErrnoException) => {
      // A full queue belongs to a living process.
      isThere ||= err.code === 'EAGAIN'
    })
    socket.on('close', () => {
      clearTimeout(late)
      if (!isThere) resolve(undefined)
      else if (said === '') resolve({ holds: true, who: 'that does not answer' })
      else resolve({ holds: !said.startsWith('?'), who: said.slice(1) })
    })
  })
}
