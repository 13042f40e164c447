// The disk as the journal needs it: one folder of small files, each change durable when its promise resolves.
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

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
  close(): Promise<void>
}

/** A folder of the real file system. */
export function folderDisk(folder: string): Disk {
  const handles = new Map<string, FileHandle>()

  async function forget(name: string): Promise<void> {
    const handle = handles.get(name)
    handles.delete(name)
    await handle?.close()
  }

  return {
    async list() {
      await mkdir(folder, { recursive: true })
      const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())
      return Promise.all(files.map(async ({ name }) => ({ name, bytes: (await stat(join(folder, name))).size })))
    },
    read: (name) => readFile(join(folder, name)),
    async append(name, bytes) {
      const handle = handles.get(name) ?? (await open(join(folder, name), 'a'))
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
      await truncate(join(folder, name), size)
      await syncPath(join(folder, name))
    },
    async replace(name, bytes) {
      await forget(name)
      const temporary = join(folder, `${name}.tmp`)
      const handle = await open(temporary, 'w')
      try {
        await handle.writeFile(bytes)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(temporary, join(folder, name))
      await syncPath(folder)
    },
    async remove(name) {
      await forget(name)
      await rm(join(folder, name), { force: true })
    },
    async close() {
      for (const name of [...handles.keys()]) await forget(name)
    },
  }
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
