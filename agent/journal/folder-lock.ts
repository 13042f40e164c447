// The state folder belongs to one process at a time. Each process that wants it listens on a socket of its own in the folder and
// then looks who else does: a listener that says so holds it. The kernel shuts a socket with its process, so none outlives a
// crash; and a socket in the folder is seen from every container that sees the folder.
import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { makeFolder } from './disk.ts'
import { createNames, type Listener, listenerAt } from './lock-socket.ts'

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
// Two processes that start at once see each other and both step back; a random pause lets one of them come first.
const mostTries = 8

export function createFolderLock(folder: string): FolderLock {
  let isHeld = false
  const names = createNames(() => isHeld)
  let acquiring: Promise<void> = Promise.resolve()
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
      if (await names.listenOn(name)) return
      const other = await listenerAt(name)
      if (other || tries === mostTries) throw inUse(folder, other)
      await sleepFor(Math.random() * 100)
    }
  }

  async function takeIn(path: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      const name = `lock-${randomBytes(8).toString('hex')}.sock`
      if (!(await names.listenOn(`${path}/${name}`))) return
      own = name
      const others = await othersIn(path, name)
      if (others.length === 0 && (await readdir(path)).includes(name)) return
      await names.stop(`${path}/${name}`)
      await rm(`${path}/${name}`, { force: true }).catch(() => {})
      const holder = others.find(({ holds }) => holds)
      if (holder || tries === mostTries) throw inUse(folder, holder ?? others[0])
      await sleepFor(50 + Math.random() * 200)
    }
  }

  async function release(): Promise<void> {
    isHeld = false
    await names.stopAll()
    // If the file stays, nobody listens on it: the next process removes it.
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
      // A lock that is still being taken is given up once it is clear whose it is.
      await acquiring.catch(() => {})
      await release()
    },
  }
}

/** The living processes that listen in the folder; sockets that a crash left behind are removed. */
async function othersIn(path: string, own: string): Promise<Listener[]> {
  const living: Listener[] = []
  for (const name of (await readdir(path)).filter((name) => isLock.test(name) && name !== own)) {
    const listener = await listenerAt(`${path}/${name}`)
    if (listener) living.push(listener)
    else await rm(`${path}/${name}`, { force: true }).catch(() => {})
  }
  return living
}

function inUse(folder: string, { who }: Pick<Listener, 'who'> = { who: 'another process' }): FolderInUse {
  return new FolderInUse(
    `the state folder ${folder} is in use by process ${who}; stop that agent or take another folder`,
  )
}
