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
  close(): Promise<void>
}

/** What of a file system a folder needs: `node:fs/promises` has it. */
export interface Files {
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>
  readdir(path: string, options: { withFileTypes: true }): Promise<{ name: string; isFile(): boolean }[]>
  stat(path: string): Promise<{ size: number }>
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

  async function syncPath(path: string): Promise<void> {
    const handle = await files.open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    async list() {
      const made = await files.mkdir(folder, { recursive: true })
      // A new folder that its parent forgets in a power cut would take everything with it.
      for (let parent = folder; made !== undefined && parent.length >= made.length; parent = dirname(parent)) {
        await syncPath(dirname(parent))
      }
      const entries = (await files.readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())
      return Promise.all(
        entries.map(async ({ name }) => ({ name, bytes: (await files.stat(join(folder, name))).size })),
      )
    },
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
      await syncPath(join(folder, name))
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
      await syncPath(folder)
    },
    async remove(name) {
      await forget(name)
      await files.rm(join(folder, name), { force: true })
    },
    async close() {
      for (const name of [...handles.keys()]) await forget(name)
    },
  }
}
