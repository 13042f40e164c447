// A file of JSON lines in a folder, durable: appended and synced before a line counts. Text that a crash cut off behind the last
// whole line was never acknowledged to anybody, and is dropped.
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FleetError } from '../errors.ts'

// Below this nothing is gained by writing it anew.
const smallestCompacted = 1024 * 1024

/** `content`: the lines that count now, for a file that is written anew because most of it is history. */
export function lineFile(folder: string, name: string, content: () => Iterable<object>) {
  const path = join(folder, name)
  let file: FileHandle | undefined
  let queue: { text: string; resolve(): void; reject(error: unknown): void }[] = []
  let writing: Promise<void> | undefined
  let failure: FleetError | undefined
  let bytes = 0
  let bytesAfterCompaction = 0

  /** The file anew, with what counts; also the first file of a new folder. */
  async function compact(): Promise<void> {
    await file?.close()
    const text = [...content()].map((line) => `${JSON.stringify(line)}\n`).join('')
    const next = await open(`${path}.new`, 'w', 0o600)
    await next.writeFile(text)
    await next.sync()
    await next.close()
    await rename(`${path}.new`, path)
    await syncFolder(folder)
    file = await open(path, 'a', 0o600)
    bytes = bytesAfterCompaction = Buffer.byteLength(text)
  }

  function append(line: object): Promise<void> {
    if (failure) return Promise.reject(failure)
    return new Promise((resolve, reject) => {
      queue.push({ text: `${JSON.stringify(line)}\n`, resolve, reject })
      writing ??= writeAll().finally(() => {
        writing = undefined
      })
    })
  }

  /** Lines that came while one sync was under way go with the next. */
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

  return {
    path,
    read: () => linesOf(path),
    compact,
    append,
    async close(): Promise<void> {
      await writing
      await file?.close()
    },
  }
}

async function linesOf(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line)
      } catch (cause) {
        const where = `line ${index + 1} of ${path}`
        throw new FleetError('store-failure', `${where} is damaged: repair it or move it away`, cause)
      }
    })
}

/** Durably, with the folders above it; Node's own recursive mkdir never ends below /proc. */
export async function makeFolder(folder: string): Promise<void> {
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
