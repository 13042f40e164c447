// The state folder belongs to one process at a time. The lock is a file that names its holder; a holder that is gone, by
// SIGKILL or with its boot, holds nothing.
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface FolderLock {
  /** Takes the folder. Throws {@link FolderInUse} when a living process holds it. */
  acquire(): Promise<void>
  release(): Promise<void>
}

/** Another process holds the folder; the message says which, and what to do. */
export class FolderInUse extends Error {
  readonly code = 'folder-in-use'
  override name = 'FolderInUse'
}

interface Holder {
  pid: number
  bootId: string
  /** When that process started, in clock ticks since boot: a number given again is not the same process. */
  startTicks: string
}

export function createFolderLock(folder: string, bootId: string): FolderLock {
  const path = join(folder, 'lock')
  const own = `${path}.${process.pid}`

  async function tryToTake(): Promise<boolean> {
    try {
      // A hard link is made whole or not at all, and never over another.
      await link(own, path)
      return true
    } catch (err) {
      if (codeOf(err) === 'EEXIST') return false
      throw err
    }
  }

  async function putAsideIfStale(): Promise<void> {
    const text = await textOf(path)
    const holder = text && holderIn(text)
    if (holder && holder.bootId === bootId && (await startTicksOf(holder.pid)) === holder.startTicks) {
      const { pid } = holder
      throw new FolderInUse(
        `the state folder ${folder} is in use by process ${pid}; stop that agent or take another folder`,
      )
    }
    const aside = `${own}.stale`
    await rename(path, aside).catch(() => {})
    // Somebody else may have taken over in the meantime: then it is theirs, and goes back.
    if ((await textOf(aside)) !== text) await link(aside, path).catch(() => {})
    await rm(aside, { force: true })
  }

  return {
    async acquire() {
      await mkdir(folder, { recursive: true }).catch((cause) => {
        throw new Error(`the state folder ${folder} cannot be made: ${cause.message}; see AGENT_STATE_DIR`, { cause })
      })
      const startTicks = await startTicksOf(process.pid)
      await writeFile(own, JSON.stringify({ pid: process.pid, bootId, startTicks }))
      try {
        while (!(await tryToTake())) await putAsideIfStale()
      } finally {
        await rm(own, { force: true })
      }
    },
    release: () => rm(path, { force: true }),
  }
}

function holderIn(text: string): Holder | undefined {
  try {
    const { pid, bootId, startTicks } = JSON.parse(text)
    return { pid: Number(pid), bootId: String(bootId), startTicks: String(startTicks) }
  } catch {
    return undefined
  }
}

// Field 22 of /proc/PID/stat, counted behind the program's name, which may hold blanks and brackets.
async function startTicksOf(pid: number): Promise<string | undefined> {
  const stat = await textOf(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}

function codeOf(err: unknown): unknown {
  return err instanceof Error && 'code' in err ? err.code : undefined
}
