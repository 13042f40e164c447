// A disk in memory: what resolved is durable, what was under way when the agent died is torn at any byte, and what it
// refuses leaves any part behind.
import type { Disk } from '../../agent/journal/disk.ts'
import type { Dice } from './dice.ts'
import type { Life } from './life.ts'

/** `hang`: nothing is answered before it is over. `sync-lost` and `sync-kept`: the write is there, fsync says no, and the bytes are gone or stay. */
export type DiskFault = 'full' | 'read-only' | 'slow' | 'hang' | 'sync-lost' | 'sync-kept'

type Damage = 'flip' | 'cut' | 'empty' | 'lose'

export interface FaultyDisk {
  readonly files: ReadonlyMap<string, Uint8Array>
  fault: DiskFault | undefined
  /** The disk as one life of the agent sees it. */
  mountedBy(life: Life): Disk
  /** While no agent runs: a byte turned over, a part cut off, nothing left of it, or the file gone. */
  damage(name: string, how: Damage): void
  /** Called when a change begins, and again with the bytes of an append once it is durable. */
  watch(watcher: DiskWatcher): void
}

export interface DiskWatcher {
  begins(name: string): void
  durable(name: string, bytes: Uint8Array): void
}

const slowest = 3000
const patience = 5000

export function createFaultyDisk(dice: Dice): FaultyDisk {
  const files = new Map<string, Uint8Array>()
  const watchers: DiskWatcher[] = []
  const self: FaultyDisk = { files, fault: undefined, mountedBy, damage, watch: (watcher) => watchers.push(watcher) }
  let isLate = false

  function fileOf(name: string): Uint8Array {
    const file = files.get(name)
    if (!file) throw failure('ENOENT', name)
    return file
  }

  function add(name: string, bytes: Uint8Array, part = 1): void {
    const whole = fileOf(name)
    files.set(name, Buffer.concat([whole, bytes.subarray(0, Math.floor(part * bytes.length))]))
  }

  function append(name: string, bytes: Uint8Array): void {
    if (self.fault === 'read-only') throw failure('EROFS', name)
    if (self.fault === 'full' || self.fault === 'sync-lost') add(name, bytes, dice.roll())
    else add(name, bytes)
    if (self.fault === 'full') throw failure('ENOSPC', name)
    if (self.fault === 'sync-lost' || self.fault === 'sync-kept') throw failure('EIO', name)
    if (!isLate) for (const watcher of watchers) watcher.durable(name, bytes)
  }

  function replace(name: string, bytes: Uint8Array): void {
    if (self.fault === 'read-only') throw failure('EROFS', name)
    if (self.fault && self.fault !== 'slow' && self.fault !== 'hang') {
      files.set(`${name}.tmp`, bytes.slice(0, Math.floor(dice.roll() * bytes.length)))
      throw failure(self.fault === 'full' ? 'ENOSPC' : 'EIO', name)
    }
    files.delete(`${name}.tmp`)
    files.set(name, Uint8Array.from(bytes))
    if (!isLate) for (const watcher of watchers) watcher.durable(name, bytes)
  }

  function mountedBy(life: Life): Disk {
    const taking = () => (self.fault === 'slow' ? dice.between(200, slowest) : dice.between(1, 12))
    const read = <T>(act: () => T) => life.call({ milliseconds: 1, act })
    const change = (name: string, act: () => void, torn: (part: number) => void) => {
      if (life.alive) for (const watcher of watchers) watcher.begins(name)
      const began = life.clock.monotonic()
      const inTime = () => {
        // A write that comes back so late counts as refused: the agent cuts it back, or finds it at its next start.
        isLate = life.clock.monotonic() - began >= patience
        act()
      }
      return hanging(life).then(() => life.call({ milliseconds: taking(), act: inTime, torn }))
    }
    function hanging(life: Life): Promise<void> {
      if (self.fault !== 'hang') return Promise.resolve()
      return new Promise((resolve) => life.after(250, () => hanging(life).then(resolve)))
    }
    const cut = (name: string, size: number) => {
      if (self.fault === 'read-only') throw failure('EROFS', name)
      files.set(name, fileOf(name).slice(0, size))
    }
    const remove = (name: string) => {
      if (self.fault === 'read-only') throw failure('EROFS', name)
      files.delete(name)
    }
    return {
      list: () => read(() => [...files].map(([name, bytes]) => ({ name, bytes: bytes.length }))),
      read: (name) => read(() => Uint8Array.from(fileOf(name))),
      append: (name, bytes) =>
        change(
          name,
          () => append(name, bytes),
          (part) => mute(() => add(name, bytes, self.fault === 'read-only' ? 0 : part * 1.1 > 1 ? 1 : part))(),
        ),
      truncate: (name, size) => change(name, () => cut(name, size), wholly(mute(() => cut(name, size)))),
      replace: (name, bytes) =>
        change(
          name,
          () => replace(name, bytes),
          (part) => {
            if (part > 0.8) mute(() => replace(name, bytes))()
            else files.set(`${name}.tmp`, bytes.slice(0, Math.floor(part * bytes.length)))
          },
        ),
      remove: (name) => change(name, () => remove(name), wholly(mute(() => remove(name)))),
      close: () => read(() => undefined),
    }
  }

  function damage(name: string, how: Damage): void {
    const damaged = damagedBy(how, fileOf(name), dice)
    if (damaged) files.set(name, damaged)
    else files.delete(name)
  }

  return self
}

function failure(code: string, name: string): Error {
  return Object.assign(new Error(`${code}: ${name}`), { code })
}

/** A change that is made whole or not at all when the agent dies in it. */
const wholly = (act: () => void) => (part: number) => {
  if (part > 0.5) act()
}

const mute = (act: () => void) => () => {
  try {
    act()
  } catch {}
}

function damagedBy(how: Damage, bytes: Uint8Array, dice: Dice): Uint8Array | undefined {
  const at = dice.between(0, Math.max(0, bytes.length - 1))
  if (how === 'lose') return undefined
  if (how !== 'flip') return bytes.subarray(0, how === 'cut' ? at : 0)
  return Buffer.concat([bytes.subarray(0, at), Buffer.of((bytes[at] ?? 0) ^ 0x5a), bytes.subarray(at + 1)])
}
