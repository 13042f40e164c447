// The store: the disk as one thing that either keeps what it is given or says that it did not.
import type { Disk } from './disk.ts'

/** A file that is appended to. `torn`: a failed write may have left something behind its sound bytes. */
export interface AppendedFile {
  name: string
  bytes: number
  torn: boolean
}

/** The disk refused to store something; nothing of it has happened. `cause` is the disk's own error. */
export class StorageFailure extends Error {
  readonly code = 'storage-failure'
  override name = 'StorageFailure'
}

/** Every method throws {@link StorageFailure} when the disk refuses. */
export interface Store {
  read(name: string): Promise<Uint8Array>
  append(file: AppendedFile, bytes: Uint8Array): Promise<void>
  replace(name: string, bytes: Uint8Array): Promise<void>
  truncate(name: string, bytes: number): Promise<void>
  remove(name: string): Promise<void>
  /** Bytes written since it was made. */
  readonly writtenBytes: number
  /** The size of the write that was refused last, until one is taken: only as large a write tells that the disk has room. */
  readonly refusedBytes: number
}

export function createStore(disk: Disk): Store {
  let writtenBytes = 0
  let refusedBytes = 0

  async function written(bytes: number, work: Promise<void>): Promise<void> {
    refusedBytes = Math.max(refusedBytes, bytes)
    await stored(work)
    refusedBytes = 0
  }

  return {
    read: (name) => stored(disk.read(name)),
    // What a failed write left behind is cut off before the next one: no sound frame ever stands behind a torn one.
    async append(file, bytes) {
      if (file.torn) await stored(disk.truncate(file.name, file.bytes))
      file.torn = true
      await written(bytes.length, disk.append(file.name, bytes))
      file.torn = false
      file.bytes += bytes.length
      writtenBytes += bytes.length
    },
    async replace(name, bytes) {
      await written(bytes.length, disk.replace(name, bytes))
      writtenBytes += bytes.length
    },
    truncate: (name, bytes) => stored(disk.truncate(name, bytes)),
    remove: (name) => stored(disk.remove(name)),
    get writtenBytes() {
      return writtenBytes
    },
    get refusedBytes() {
      return refusedBytes
    },
  }
}

async function stored<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StorageFailure(`the state folder cannot be used: ${reason}`, { cause })
  }
}
