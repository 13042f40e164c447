// A file system with a page cache: what was not synced when the power goes may be there, in part, or not at all.
import { basename } from 'node:path'
import type { Files, OpenFile } from '../../agent/journal/disk.ts'

interface Inode {
  cached: Uint8Array
  durable: Uint8Array
}

export interface PowerCutFiles extends Files {
  /** The disk as the next start finds it: of all that was not synced, `luck` says how much of it reached the disk all the same. */
  afterPowerCut(luck: () => number): PowerCutFiles
}

/** One folder; paths count by their last part. */
export function powerCutFiles(stored: Iterable<[string, Uint8Array]> = []): PowerCutFiles {
  const cached = new Map([...stored].map(([name, bytes]): [string, Inode] => [name, { cached: bytes, durable: bytes }]))
  let durable = new Map(cached)

  function inodeOf(path: string): Inode {
    const inode = cached.get(basename(path))
    if (!inode) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return inode
  }

  function handleOf(inode: Inode): OpenFile {
    const write = async (bytes: Uint8Array) => {
      inode.cached = Buffer.concat([inode.cached, bytes])
    }
    const sync = async () => {
      inode.durable = inode.cached
    }
    return { appendFile: write, writeFile: write, datasync: sync, sync, close: async () => {} }
  }

  const folder: OpenFile = {
    ...handleOf({ cached: new Uint8Array(), durable: new Uint8Array() }),
    // A folder that is synced knows its files' names, and nothing of their content.
    sync: async () => {
      durable = new Map(cached)
    },
  }

  return {
    mkdir: async () => undefined,
    readdir: async () => [...cached.keys()].map((name) => ({ name, isFile: () => true })),
    stat: async (path) => ({ size: inodeOf(path).cached.length }),
    readFile: async (path) => inodeOf(path).cached,
    async open(path, flags) {
      if (flags === 'r') return cached.has(basename(path)) ? handleOf(inodeOf(path)) : folder
      if (flags === 'w') cached.set(basename(path), { cached: new Uint8Array(), durable: new Uint8Array() })
      return handleOf(inodeOf(path))
    },
    async truncate(path, size) {
      const inode = inodeOf(path)
      inode.cached = inode.cached.slice(0, size)
    },
    async rename(from, to) {
      cached.set(basename(to), inodeOf(from))
      cached.delete(basename(from))
    },
    async rm(path) {
      cached.delete(basename(path))
    },
    afterPowerCut(luck) {
      const names = new Set([...cached.keys(), ...durable.keys()])
      const left = [...names].flatMap((name): [string, Uint8Array][] => {
        const inode = luck() < 0.5 ? cached.get(name) : durable.get(name)
        if (!inode) return []
        const written = inode.cached.length - inode.durable.length
        const lucky = Math.floor(Math.max(0, written) * luck() * 2)
        return [[name, written > 0 ? inode.cached.slice(0, inode.durable.length + lucky) : inode.durable]]
      })
      return powerCutFiles(left)
    },
  }
}
