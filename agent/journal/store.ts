// The store: the disk as one thing that either keeps what it is given or says that it did not, in time.
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

/** Every method throws {@link StorageFailure} when the disk refuses, or does not answer in time. */
export interface Store {
  list(): Promise<{ name: string; bytes: number }[]>
  read(name: string): Promise<Uint8Array>
  append(file: AppendedFile, bytes: Uint8Array): Promise<void>
  replace(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
  /** How large the file system is for this folder: what is free, and what stands there already. */
  room(): Promise<number | undefined>
  close(): Promise<void>
  /** Bytes written since it was made. */
  readonly writtenBytes: number
  /** The size of the write that was refused last, until one is taken: only as large a write tells that the disk has room. */
  readonly refusedBytes: number
  /** A call has not come back in time and is still out: nothing else is asked of the disk meanwhile. */
  readonly hangs: boolean
  /** A call is out, late or not. */
  readonly isAsked: boolean
}

/** Waits for these milliseconds; the signal ends it early. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>

// How long the disk may take: gates wait for it.
const patienceMilliseconds = 5000

/**
 * One call at a time: Node has four threads for everything, and four calls into a hanging disk would leave none to look a
 * name up. `sleep` is absent where nothing can hang.
 */
export function createStore(disk: Disk, sleep?: Sleep): Store {
  let writtenBytes = 0
  let refusedBytes = 0
  let queue: Promise<unknown> = Promise.resolve()
  let isLate = false
  let isOut = false

  function asked<T>(call: () => Promise<T>): Promise<T> {
    const answer = queue.then(() => answered(call))
    queue = answer.catch(() => {})
    return answer
  }

  async function answered<T>(call: () => Promise<T>): Promise<T> {
    if (isLate) throw new StorageFailure(silent)
    try {
      return sleep ? await inTime(call(), sleep) : await call()
    } catch (cause) {
      if (cause instanceof StorageFailure) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new StorageFailure(`the state folder cannot be used: ${reason}`, { cause })
    }
  }

  async function inTime<T>(call: Promise<T>, wait: Sleep): Promise<T> {
    const done = new AbortController()
    const late = wait(patienceMilliseconds, done.signal).then(() => {
      isLate = !done.signal.aborted
      if (isLate) throw new StorageFailure(silent)
    })
    isOut = true
    const settled = () => {
      isLate = isOut = false
      // Without a reason each abort would make an exception, with its stack.
      done.abort('settled')
    }
    call.then(settled, settled)
    await Promise.race([call, late])
    return call
  }

  async function written(bytes: number, call: () => Promise<void>): Promise<void> {
    refusedBytes = Math.max(refusedBytes, bytes)
    await asked(call)
    refusedBytes = 0
    writtenBytes += bytes
  }

  return {
    list: () => asked(() => disk.list()),
    read: (name) => asked(() => disk.read(name)),
    // After a failed write, cut the file back before the next append; else a sound frame would follow a torn one.
    async append(file, bytes) {
      if (file.torn) await asked(() => disk.truncate(file.name, file.bytes))
      file.torn = true
      await written(bytes.length, () => disk.append(file.name, bytes))
      file.torn = false
      file.bytes += bytes.length
    },
    replace: (name, bytes) => written(bytes.length, () => disk.replace(name, bytes)),
    remove: (name) => asked(() => disk.remove(name)),
    room: () => asked(async () => disk.room?.()),
    close: () => asked(() => disk.close()),
    get writtenBytes() {
      return writtenBytes
    },
    get refusedBytes() {
      return refusedBytes
    },
    get hangs() {
      return isLate
    },
    get isAsked() {
      return isOut
    },
  }
}

const silent = `the state folder cannot be used: the disk has not answered for ${patienceMilliseconds / 1000} s`
