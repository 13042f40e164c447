// A group of processes whose memory the kernel bounds, as a container's or a unit's is: by either version of its control groups.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Anonymous memory is what no file stands behind: the kernel cannot take it away.
const versions = [
  {
    folder: '/sys/fs/cgroup/memory',
    mark: 'memory.limit_in_bytes',
    limits: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'],
    swap: undefined,
    kills: 'memory.oom_control',
    anonymous: /^total_rss (\d+)$/m,
  },
  {
    folder: '/sys/fs/cgroup',
    mark: 'cgroup.subtree_control',
    limits: ['memory.max'],
    swap: 'memory.swap.max',
    kills: 'memory.events',
    anonymous: /^anon (\d+)$/m,
  },
]

/** Why there can be none here, `undefined` when there can; in CI it must be. */
export function whyNoMemoryCgroup(): string | undefined {
  try {
    createMemoryCgroup(1e9).remove()
    return undefined
  } catch (fault) {
    if (process.env.CI) throw fault
    return `no memory group can be made: ${fault instanceof Error ? fault.message : fault}`
  }
}

/** No more than that many bytes for all who are in it, in memory and in swap. */
export function createMemoryCgroup(bytes: number) {
  const version = versions.find(({ folder, mark }) => existsSync(join(folder, mark)))
  if (!version) throw new Error('no control groups for memory are mounted here')
  const folder = join(version.folder, `tollgate-${process.pid}-${bytes}`)
  mkdirSync(folder)
  for (const name of version.limits) writeFileSync(join(folder, name), String(bytes))
  if (version.swap) writeFileSync(join(folder, version.swap), '0')
  const figure = (file: string, pattern: RegExp) => Number(pattern.exec(readFileSync(join(folder, file), 'utf8'))?.[1])

  return {
    /** The words in front of a command that run it in the group, as the same process. */
    within: ['sh', '-c', `echo $$ >${folder}/cgroup.procs && exec "$@"`, 'sh'],
    anonymousBytes: () => figure('memory.stat', version.anonymous),
    /** Processes that the kernel has killed since there was no more memory. */
    kills: () => figure(version.kills, /^oom_kill (\d+)$/m),
    /** When all who were in it have ended. */
    remove: () => rmdirSync(folder),
  }
}
