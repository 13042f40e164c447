// The state folder belongs to one process at a time. Each that wants it listens on a socket of its own in it, and then looks
// who else does: whoever answers holds it. The kernel shuts a socket with its process, so none outlives a crash; and a socket in
// the folder is seen from every container that the folder is seen from.
import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { makeFolder } from './disk.ts'

export interface FolderLock {
  /** Takes the folder. Throws {@link FolderInUse} when a living process holds it. */
  acquire(): Promise<void>
  /** Gives up what is held, and nothing else. */
  release(): Promise<void>
}

/** Another process holds the folder; the message says which, and what to do. */
export class FolderInUse extends Error {
  readonly code = 'folder-in-use'
  override name = 'FolderInUse'
}

const isLock = /^lock-[0-9a-f]{16}\.sock$/
// Two that start at once see each other and both step back; then one of them is first.
const mostTries = 8
const patienceMilliseconds = 1000

export function createFolderLock(folder: string): FolderLock {
  const listening = new Map<string, Server>()
  let acquiring: Promise<void> = Promise.resolve()
  let isHeld = false
  /** Its socket in the folder. */
  let own: string | undefined

  async function take(): Promise<void> {
    await makeFolder(folder).catch((cause) => {
      if (cause.code === 'EROFS') return
      throw new Error(`the state folder ${folder} cannot be made: ${cause.message}; see AGENT_STATE_DIR`, { cause })
    })
    const { dev, ino } = await stat(folder)
    // Within one network namespace this name decides by itself, also where the folder takes no socket.
    await listenFirst(`\0tollgate-state-${dev}-${ino}`)
    // A path through the handle is short, however long the folder's is.
    const handle = await open(folder)
    try {
      await takeIn(`/proc/self/fd/${handle.fd}`)
    } finally {
      await handle.close()
    }
    isHeld = true
  }

  async function listenFirst(name: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      if (await listenOn(name)) return
      const holder = await holderAt(name)
      if (holder || tries === mostTries) throw inUse(holder ?? 'another process')
      await sleepFor(Math.random() * 100)
    }
  }

  async function takeIn(path: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      const name = `lock-${randomBytes(8).toString('hex')}.sock`
      if (!(await listenOn(`${path}/${name}`))) return
      own = name
      const others = (await readdir(path)).filter((other) => isLock.test(other) && other !== name)
      const living: string[] = []
      for (const other of others) {
        const holder = await holderAt(`${path}/${other}`)
        if (holder) living.push(holder)
        else await rm(`${path}/${other}`, { force: true }).catch(() => {})
      }
      if (living.length === 0 && (await readdir(path)).includes(name)) return
      await stopListening(`${path}/${name}`)
      await rm(`${path}/${name}`, { force: true }).catch(() => {})
      const holder = living.find((other) => other.startsWith(holds))
      if (holder || tries === mostTries) throw inUse(holder ?? living[0] ?? 'another process')
      await sleepFor(50 + Math.random() * 200)
    }
  }

  // False where the name is taken, or where nothing can be listened on: a full or read-only disk, a file system without sockets.
  function listenOn(path: string): Promise<boolean> {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(`${isHeld ? holds : wants}${process.pid} on ${hostname()}`)
    })
    server.unref()
    return new Promise((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(path, () => {
        listening.set(path, server)
        resolve(true)
      })
    })
  }

  async function stopListening(path: string): Promise<void> {
    const server = listening.get(path)
    listening.delete(path)
    await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  }

  function inUse(holder: string): FolderInUse {
    const who = holder.replace(/^[=?]/, '')
    return new FolderInUse(
      `the state folder ${folder} is in use by process ${who}; stop that agent or take another folder`,
    )
  }

  async function release(): Promise<void> {
    isHeld = false
    for (const path of [...listening.keys()]) await stopListening(path)
    // What stays behind nobody listens on: the next one removes it.
    if (own !== undefined) await rm(join(folder, own), { force: true }).catch(() => {})
    own = undefined
  }

  return {
    acquire() {
      acquiring = take().catch(async (err) => {
        await release()
        throw err
      })
      return acquiring
    },
    async release() {
      // One that is still being taken is given up once it is clear whose it is.
      await acquiring.catch(() => {})
      await release()
    },
  }
}

const holds = '='
const wants = '?'

/** What the process says that listens there; undefined where none does. One that is stopped or busy says nothing, and is there. */
function holderAt(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect(path)
    const late = setTimeout(() => socket.destroy(), patienceMilliseconds)
    let isThere = false
    socket.on('connect', () => {
      isThere = true
    })
    socket.on('data', (chunk) => {
      said += chunk
    })
    socket.on('error', (err: NodeJS.ErrnoException) => {
      // A queue that is full belongs to somebody.
      isThere ||= err.code === 'EAGAIN'
    })
    socket.on('close', () => {
      clearTimeout(late)
      resolve(isThere ? said || `${holds}that does not answer` : undefined)
    })
  })
}
