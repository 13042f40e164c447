// Ways to take a real process's disk away and to give it back, which work for root too.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface FullDisk {
  name: string
  /** Why it cannot be had here. */
  missing: string | undefined
  open(): OpenDisk
}

export interface OpenDisk {
  /** The words of a refused write. */
  says: string
  /** Settings of the agent whose disk it is. */
  env: Record<string, string>
  fill(pid: number): void
  free(pid: number): unknown
  close(): void
}

/** A limit on the size of files of that process: `write` fails with EFBIG, like a file system's own limit. */
export const limitedFiles: FullDisk = {
  name: 'a process that may not let files grow',
  missing: found('prlimit', 'apt-get install util-linux'),
  open: () => ({
    says: 'file too large',
    env: {},
    fill: (pid) => limit(pid, '1'),
    // A process that is gone took its limit along.
    free: (pid) => existsSync(`/proc/${pid}`) && limit(pid, 'unlimited'),
    close: () => {},
  }),
}

/** A file system of its own that is full to the last page: `write` fails with ENOSPC, perhaps after a part. */
export const fullFileSystem: FullDisk = { name: 'a full file system', missing: whyNoMount(), open: openFileSystem }

function openFileSystem(): OpenDisk {
  const folder = mount()
  const ballast = join(folder, 'ballast')
  return {
    says: 'no space left on device',
    env: { AGENT_STATE_DIR: folder },
    fill() {
      try {
        writeFileSync(ballast, Buffer.alloc(1024 * 1024))
      } catch {
        // As much of it as there was room for.
      }
      if (statSync(ballast).size === 0) throw new Error('there was no room to take')
    },
    free: () => rmSync(ballast),
    close: () => unmount(folder),
  }
}

function mount(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], { stdio: 'pipe' })
  return folder
}

function unmount(folder: string): void {
  execFileSync('umount', ['-l', folder])
  rmdirSync(folder)
}

// Containers rarely may; the other way works there, so this one is not insisted on.
function whyNoMount(): string | undefined {
  try {
    unmount(mount())
    return undefined
  } catch {
    return 'mounting a tmpfs needs root and CAP_SYS_ADMIN'
  }
}

function limit(pid: number, softLimit: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${softLimit}:`])
}

function found(program: string, remedy: string): string | undefined {
  if (!spawnSync(program, ['--version']).error) return undefined
  const why = `${program} is not installed: ${remedy}`
  if (process.env.CI) throw new Error(why)
  return why
}
