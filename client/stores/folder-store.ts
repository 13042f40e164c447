// The default store: one file of lines in a folder, appended and synced before anything is published. A line that a crash
// cut off is dropped at the next start; the file is written anew when most of it is history.
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FleetError } from '../errors.ts'
import { lockFolder } from './folder-lock.ts'
import { type Entry, keptMilliseconds, type Store } from './store.ts'

type Line = Entry | { purchaseId: string; forgotten: true }

// Below this nothing is gained by writing it anew.
const smallestCompacted = 1024 * 1024

export function folderStore(folder: string, wall: () => number = Date.now): Store {
  const path = join(folder, 'outbox.jsonl')
  const entries = new Map<string, Entry>()
  let file: FileHandle | undefined
  let unlock: (() => Promise<void>) | undefined
  let queue: { text: string; resolve(): void; reject(error: unknown): void }[] = []
  let writing: Promise<void> | undefined
  let failure: FleetError | undefined
  let bytes = 0
  let bytesAfterCompaction = 0

  async function openFolder(): Promise<readonly Entry[]> {
    await makeFolder(folder).catch((cause) => {
      throw new FleetError('store-failure', `the folder ${folder} cannot be made`, cause)
    })
    unlock = await lockFolder(folder)
    try {
      for (const line of await readLines()) remember(line)
      const oldest = wall() - keptMilliseconds
      for (const [id, { answer, at }] of entries) if (answer && Date.parse(at) < oldest) entries.delete(id)
      await compact()
    } catch (error) {
      await unlock()
      throw error instanceof FleetError
        ? error
        : new FleetError('store-failure', `the outbox ${path} cannot be opened`, error)
    }
    return [...entries.values()].filter(({ answer }) => answer === undefined)
  }

  async function readLines(): Promise<Line[]> {
    const text = await readFile(path, 'utf8').catch((error) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    // Text behind the last end of a line was never acknowledged to anybody.
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line, index) => {
        try {
          return JSON.parse(line)
        } catch (cause) {
          throw new FleetError(
            'store-failure',
            `line ${index + 1} of ${path} is damaged: repair it or move it away`,
            cause,
          )
        }
      })
  }

  function remember(line: Line): void {
    if ('forgotten' in line) entries.delete(line.purchaseId)
    else entries.set(line.purchaseId, line)
  }

  /** The file anew, with what counts; also the first file of a new folder. */
  async function compact(): Promise<void> {
    await file?.close()
    const text = [...entries.values()].map((entry) => `${JSON.stringify(entry)}\n`).join('')
    const next = await open(`${path}.new`, 'w', 0o600)
    await next.writeFile(text)
    await next.sync()
    await next.close()
    await rename(`${path}.new`, path)
    await syncFolder(folder)
    file = await open(path, 'a', 0o600)
    bytes = bytesAfterCompaction = Buffer.byteLength(text)
  }

  function append(line: Line): Promise<void> {
    if (failure) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      queue.push({ text: `${JSON.stringify(line)}\n`, resolve, reject })
      writing ??= writeAll().finally(() => {
        writing = undefined
      })
    })
  }

  /** Entries that came while one sync was under way go with the next. */
  async function writeAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue
      queue = []
      try {
        const text = batch.map((one) => one.text).join('')
        await file?.appendFile(text)
        await file?.datasync()
        bytes += Buffer.byteLength(text)
        for (const { resolve } of batch) resolve()
        if (bytes > smallestCompacted && bytes > 2 * bytesAfterCompaction) await compact()
      } catch (cause) {
        // A line may be there in part: only another start can tell.
        failure = new FleetError('store-failure', `the outbox ${path} cannot be written`, cause)
        for (const { reject } of [...batch, ...queue]) reject(failure)
        queue = []
      }
    }
  }

  async function set(entry: Entry): Promise<void> {
    const before = entries.get(entry.purchaseId)
    entries.set(entry.purchaseId, entry)
    await append(entry).catch((error) => {
      if (before) entries.set(entry.purchaseId, before)
      else entries.delete(entry.purchaseId)
      throw error
    })
  }

  const underWay = new Map<string, Promise<void>>()

  return {
    open: openFolder,
    find: async (purchaseId) => entries.get(purchaseId),
    async put(entry) {
      const { purchaseId } = entry
      const standing = entries.get(purchaseId)
      if (standing) {
        // Another call may still be waiting for the disk with it.
        await underWay.get(purchaseId)
        return standing
      }
      const stored = set(entry)
      underWay.set(purchaseId, stored)
      await stored.finally(() => underWay.delete(purchaseId))
      return entry
    },
    async settle(purchaseId, answer) {
      const entry = entries.get(purchaseId)
      if (entry) await set({ ...entry, answer })
    },
    async forget(purchaseId) {
      if (!entries.delete(purchaseId)) return
      await append({ purchaseId, forgotten: true })
    },
    async close() {
      await writing
      await file?.close()
      await unlock?.()
    },
  }
}

/** Durably, with the folders above it; Node's own recursive mkdir never ends below /proc. */
async function makeFolder(folder: string): Promise<void> {
  for (let isRetry = false; ; isRetry = true) {
    try {
      await mkdir(folder)
      return await syncFolder(dirname(folder))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') return
      if (code !== 'ENOENT' || isRetry) throw error
      await makeFolder(dirname(folder))
    }
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  await handle.sync().finally(() => handle.close())
}
