// Proves that a state folder has one holder: whoever starts, stops and dies in whatever order, also in another container.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createFolderLock } from '../../../agent/journal/folder-lock.ts'
import { bundle } from '../../support/processes/bundle.ts'

let program: string
let folder: string
let children: ChildProcess[] = []
beforeAll(() => {
  program = bundle('test/agent/journal/folder-lock-main.ts')
})
afterAll(() => rmSync(dirname(program), { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-lock-'))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children = []
  rmSync(folder, { recursive: true, force: true })
})

/** A process that takes the folder; resolves with what it says. */
function start(within: string[] = [], of = folder): Promise<{ child: ChildProcess; said: string }> {
  const [command = '', ...args] = [...within, process.execPath, program, of]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return new Promise((resolve) => child.stdout?.once('data', (said) => resolve({ child, said: String(said).trim() })))
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

const locks = () => readdirSync(folder).filter((name) => name.startsWith('lock'))

describe('a state folder', () => {
  it('that is held is refused, with the process that holds it', async () => {
    const { child, said } = await start()
    const second = createFolderLock(folder)

    expect(said).toBe('held')
    await expect(second.acquire()).rejects.toThrow(`in use by process ${child.pid} on `)
  })

  it('is not taken from its holder by one that stops before it has it', async () => {
    const { child } = await start()
    const second = createFolderLock(folder)
    const acquiring = second.acquire().catch((err) => err.message)
    await second.release()
    const third = await start()

    expect(await acquiring).toContain(`process ${child.pid}`)
    expect(third.said).toContain(`process ${child.pid}`)
    expect(locks()).toHaveLength(1)
  })

  it('of a killed holder is free at once, and what it left is removed', async () => {
    const { child } = await start()
    await kill(child)
    const { said } = await start()

    expect(said).toBe('held')
    expect(locks()).toHaveLength(1)
  })

  it('that was released is free', async () => {
    const first = createFolderLock(folder)
    await first.acquire()
    await first.release()
    await first.release()

    expect((await start()).said).toBe('held')
  })

  it('has one holder of twelve that start at once on what a killed one left', { timeout: 60_000 }, async () => {
    await kill((await start()).child)
    const all = await Promise.all(Array.from({ length: 12 }, () => start()))

    expect(all.filter(({ said }) => said === 'held')).toHaveLength(1)
  })

  it('of a process that is stopped is held', { timeout: 20_000 }, async () => {
    const { child } = await start()
    child.kill('SIGSTOP')

    await expect(createFolderLock(folder).acquire()).rejects.toThrow('in use by process that does not answer')
  })

  it('with a path longer than a socket may have is held all the same', async () => {
    const deep = join(folder, 'a'.repeat(100), 'b'.repeat(100))
    const { child } = await start([], deep)

    await expect(createFolderLock(deep).acquire()).rejects.toThrow(`process ${child.pid}`)
  })
})

// Both are process 1 there, and neither sees the other's network.
const container = ['unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc']
const missing = whyMissing(() => execFileSync('unshare', [...container.slice(1), 'true'], { stdio: 'pipe' }))

describe.skipIf(missing)(missing ? `two containers, skipped: ${missing}` : 'two containers on one volume', () => {
  it('have one holder', { timeout: 20_000 }, async () => {
    const first = await start(container)
    const second = await start(container)

    expect([first.said, second.said]).toEqual(['held', expect.stringContaining('is in use by process 1 on ')])
  })

  it('have one holder of eight that start at once', { timeout: 60_000 }, async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => start(container)))

    expect(all.filter(({ said }) => said === 'held').length).toBeLessThanOrEqual(1)
  })
})

const noMount = whyMissing(() => {
  const at = mkdtempSync(join(tmpdir(), 'tollgate-mount-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at], { stdio: 'pipe' })
  execFileSync('umount', [at])
})

describe.skipIf(noMount)(noMount ? `a read-only folder, skipped: ${noMount}` : 'a read-only folder', () => {
  beforeEach(() => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]))
  afterEach(() => execFileSync('umount', ['-l', folder]))

  it('is held by one process', async () => {
    execFileSync('mount', ['-o', 'remount,ro', folder])
    const { child, said } = await start()

    expect(said).toBe('held')
    await expect(createFolderLock(folder).acquire()).rejects.toThrow(`process ${child.pid}`)
  })

  it('is held by the same one after it became writable', async () => {
    execFileSync('mount', ['-o', 'remount,ro', folder])
    const { child } = await start()
    execFileSync('mount', ['-o', 'remount,rw', folder])

    await expect(createFolderLock(folder).acquire()).rejects.toThrow(`process ${child.pid}`)
  })
})

function whyMissing(attempt: () => unknown): string | undefined {
  try {
    attempt()
    return undefined
  } catch {
    return 'it needs root and CAP_SYS_ADMIN'
  }
}
