// The disk as the journal needs it: one folder of small files, each change durable when its promise resolves.
import * as realFiles from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Disk {
  list(): Promise<{ name: string; bytes: number }[]>
  read(name: string): Promise<Uint8Array>
  /** Adds to the end of a file that exists. When it fails, any part of the bytes may have been written. */
  append(name: string, bytes: Uint8Array): Promise<void>
  /** Cuts a file to that size. */
  truncate(name: string, size: number): Promise<void>
  /** Makes or replaces a file, whole or not at all. */
  replace(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
  /** Bytes that the folder can hold: what stands in it and what is free. Absent where nobody can tell. */
  room?(): Promise<number>
  close(): Promise<void>
}

/** The part of a file system that a folder needs: `node:fs/promises` has it. */
export interface Files {
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>
  readdir(path: string, options: { withFileTypes: true }): Promise<{ name: string; isFile(): boolean }[]>
  stat(path: string): Promise<{ size: number }>
  statfs?(path: string): Promise<{ bavail: number; bsize: number }>
  readFile(path: string): Promise<Uint8Array>
  open(path: string, flags: 'a' | 'w' | 'r'): Promise<OpenFile>
  truncate(path: string, size: number): Promise<void>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { force: true }): Promise<void>
}

export type OpenFile = Pick<realFiles.FileHandle, 'datasync' | 'sync' | 'close'> & {
  appendFile(bytes: Uint8Array): Promise<void>
  writeFile(bytes: Uint8Array): Promise<void>
}

/** A folder of the real file system. */
export function folderDisk(folder: string, files: Files = realFiles): Disk {
  const handles = new Map<string, OpenFile>()

  async function forget(name: string): Promise<void> {
    const handle = handles.get(name)
    handles.delete(name)
    await handle?.close()
  }

  const sync = (path: string) => syncPath(path, files)

  async function list(): Promise<{ name: string; bytes: number }[]> {
    await makeFolder(folder, files)
    const found: { name: string; bytes: number }[] = []
    // One after the other: a folder that hangs takes one of Node's threads, not all of them.
    for (const entry of await files.readdir(folder, { withFileTypes: true })) {
      if (entry.isFile()) found.push({ name: entry.name, bytes: (await files.stat(join(folder, entry.name))).size })
    }
    return found
  }

  return {
    list,
    read: (name) => files.readFile(join(folder, name)),
    async append(name, bytes) {
      const handle = handles.get(name) ?? (await files.open(join(folder, name), 'a'))
      handles.set(name, handle)
      try {
        await handle.appendFile(bytes)
        await handle.datasync()
      } catch (cause) {
        // After a failed sync the kernel may have dropped the pages: nothing of this handle can be trusted.
        await forget(name).catch(() => {})
        throw cause
      }
    },
    async truncate(name, size) {
      await forget(name)
      await files.truncate(join(folder, name), size)
      await sync(join(folder, name))
    },
    async replace(name, bytes) {
      await forget(name)
      const temporary = join(folder, `${name}.tmp`)
      const handle = await files.open(temporary, 'w')
      try {
        await handle.writeFile(bytes)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await files.rename(temporary, join(folder, name))
      await sync(folder)
    },
    async remove(name) {
      await forget(name)
      await files.rm(join(folder, name), { force: true })
    },
    async room() {
      if (!files.statfs) return Number.POSITIVE_INFINITY
      const { bavail, bsize } = await files.statfs(folder)
      const own = (await list()).reduce((sum, { bytes }) => sum + bytes, 0)
      return bavail * bsize + own
    },
    async close() {
      for (const name of [...handles.keys()]) await forget(name)
    },
  }
}

/** Makes the folder and those above it: also after a power cut they are there, and all that was put into them. */
export async function makeFolder(folder: string, files: Pick<Files, 'mkdir' | 'open'> = realFiles): Promise<void> {
  const made = await files.mkdir(folder, { recursive: true })
  // A new folder that its parent forgets in a power cut would take everything with it.
  for (let parent = folder; made !== undefined && parent.length >= made.length; parent = dirname(parent)) {
    await syncPath(dirname(parent), files)
  }
}

async function syncPath(path: string, files: Pick<Files, 'open'>): Promise<void> {
  const handle = await files.open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
