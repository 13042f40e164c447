// A disk in memory that fails where the test wants it to: at an operation, at a byte of a write, or until it is mended.
import type { Disk } from '../../agent/journal/disk.ts'

export interface MemoryDisk extends Disk {
  readonly files: Map<string, Uint8Array>
  /** Every operation so far, such as `append journal-0000000000000001.log`. */
  readonly operations: string[]
  /** How many calls have been made of it. */
  readonly calls: number
  /** How many bytes there is room for; what does not fit is refused, after as much of it as does was written. */
  capacity: number
  /** Files that cannot be read. */
  readonly unreadable: Set<string>
  /** Every write from now on fails, until {@link accept}; with `keeping` what it has written stays all the same. */
  refuse(how?: 'keeping'): void
  accept(): void
  /** The power goes at the operation of that number (from 0); of an append that many bytes were written. */
  crashAt(operation: number, tornAt?: number): void
  /** Writes wait, until the returned function is called. */
  hold(): () => void
  /** The same files on another disk that works. */
  copy(): MemoryDisk
}

export function memoryDisk(content: Iterable<[string, Uint8Array]> = []): MemoryDisk {
  const files = new Map([...content].map(([name, bytes]): [string, Uint8Array] => [name, Uint8Array.from(bytes)]))
  const operations: string[] = []
  const unreadable = new Set<string>()
  let refusing: boolean | 'keeping' = false
  let calls = 0
  let crash = { operation: Number.POSITIVE_INFINITY, tornAt: 0 }
  let gate: Promise<void> = Promise.resolve()

  function fileOf(name: string): Uint8Array {
    const file = files.get(name)
    if (!file) throw Object.assign(new Error(`no such file: ${name}`), { code: 'ENOENT' })
    return file
  }

  // Says how much of a write happens before it fails; undefined = all of it, and it does not.
  function faultOf(operation: string): { tornAt: number } | undefined {
    const number = operations.push(operation) - 1
    if (number === crash.operation) return { tornAt: crash.tornAt }
    return refusing || number > crash.operation ? { tornAt: writtenOf(refusing) } : undefined
  }

  async function write(
    operation: string,
    change: () => void,
    part: (tornAt: number) => void = () => {},
    growth = 0,
  ): Promise<void> {
    calls++
    await gate
    const fault = faultOf(operation) ?? (growth > roomLeft() ? { tornAt: roomLeft() } : undefined)
    if (!fault) return change()
    part(fault.tornAt)
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }

  const used = () => [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0)
  const roomLeft = () => Math.max(0, disk.capacity - used())
  const add = (name: string, bytes: Uint8Array) => files.set(name, Buffer.concat([fileOf(name), bytes]))

  const disk: MemoryDisk = {
    capacity: Number.POSITIVE_INFINITY,
    files,
    operations,
    get calls() {
      return calls
    },
    unreadable,
    list: async () => [...files].map(([name, bytes]) => ({ name, bytes: bytes.length })),
    async read(name) {
      calls++
      await gate
      if (unreadable.has(name)) throw Object.assign(new Error(`input/output error: ${name}`), { code: 'EIO' })
      return Uint8Array.from(fileOf(name))
    },
    append: (name, bytes) =>
      write(
        `append ${name}`,
        () => add(name, bytes),
        (tornAt) => add(name, bytes.subarray(0, tornAt)),
        bytes.length,
      ),
    truncate: (name, size) => write(`truncate ${name}`, () => files.set(name, fileOf(name).slice(0, size))),
    // Until it is renamed the new file stands beside the old one.
    replace: (name, bytes) =>
      write(
        `replace ${name}`,
        () => files.set(name, Uint8Array.from(bytes)),
        () => {},
        bytes.length,
      ),
    remove: (name) => write(`remove ${name}`, () => files.delete(name)),
    close: async () => {},
    refuse: (how) => {
      refusing = how ?? true
    },
    accept: () => {
      refusing = false
    },
    crashAt: (operation, tornAt = 0) => {
      crash = { operation, tornAt }
    },
    hold() {
      let release = () => {}
      gate = new Promise((resolve) => {
        release = resolve
      })
      return () => release()
    },
    copy: () => memoryDisk(files),
  }
  return disk
}

const writtenOf = (refusing: boolean | 'keeping') => (refusing === 'keeping' ? Number.POSITIVE_INFINITY : 0)
