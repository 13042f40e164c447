// Reads whole files for recovery, which goes on without those that cannot be read.
import { StorageFailure, type Store } from './store.ts'

export interface FileReader {
  /** Undefined where it cannot be read, or is not there. */
  read(name: string): Promise<Uint8Array | undefined>
  readonly fault: StorageFailure | undefined
  readonly hasRead: boolean
}

/** Tries a read that failed once more: some faults pass by. */
export function createFileReader(store: Store): FileReader {
  let fault: StorageFailure | undefined
  let hasRead = false
  return {
    async read(name) {
      try {
        const bytes = await store.read(name).catch(() => store.read(name))
        hasRead = true
        return bytes
      } catch (err) {
        if (!(err instanceof StorageFailure)) throw err
        if (store.hangs) throw err
        fault = err
        return undefined
      }
    },
    get fault() {
      return fault
    },
    get hasRead() {
      return hasRead
    },
  }
}
