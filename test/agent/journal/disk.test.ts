// Proves that the folder of a real file system does what the journal asks of a disk.
import * as realFiles from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderDisk, makeFolder } from '../../../agent/journal/disk.ts'
import { createJournal } from '../../../agent/journal/journal.ts'
import { aMetering, aSale, roomy } from '../../support/a-journal.ts'
import { aNow } from '../../support/builders.ts'

let folder: string
beforeEach(async () => {
  folder = await realFiles.mkdtemp(join(tmpdir(), 'disk-test-'))
})
afterEach(() => realFiles.rm(folder, { recursive: true, force: true }))

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const bytes = (of: string) => new TextEncoder().encode(of)

describe('folderDisk', () => {
  it('makes its folder and lists it empty', async () => {
    expect(await folderDisk(join(folder, 'a', 'b')).list()).toEqual([])
  })

  it('appends, cuts, replaces and removes', async () => {
    const disk = folderDisk(folder)
    await disk.replace('f', bytes('one'))
    await disk.append('f', bytes(' two'))
    await disk.append('f', bytes(' three'))
    await disk.truncate('f', 7)
    await disk.append('f', bytes(' four'))
    const appended = text(await disk.read('f'))
    await disk.replace('f', bytes('new'))
    await disk.append('f', bytes('er'))
    const replaced = text(await disk.read('f'))
    const listed = await disk.list()
    await disk.remove('f')
    await disk.remove('f')

    expect([appended, replaced]).toEqual(['one two four', 'newer'])
    expect(listed).toEqual([{ name: 'f', bytes: 5 }])
    expect(await disk.list()).toEqual([])
    await disk.close()
  })

  it('leaves the old file whole when a replacement fails', async () => {
    const disk = folderDisk(folder)
    await disk.replace('f', bytes('old'))
    await expect(disk.replace('no/such/folder', bytes('new'))).rejects.toThrow()

    expect(await realFiles.readFile(join(folder, 'f'), 'utf8')).toBe('old')
  })

  it('cannot read or cut what is not there', async () => {
    const disk = folderDisk(folder)

    await expect(disk.read('f')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(disk.truncate('f', 0)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('works on after it was closed', async () => {
    const disk = folderDisk(folder)
    await disk.replace('f', bytes(''))
    await disk.append('f', bytes('a'))
    await disk.close()
    await disk.append('f', bytes('b'))

    expect(text(await disk.read('f'))).toBe('ab')
    await disk.close()
  })
})

describe('makeFolder', () => {
  /** A real file system that notes which folders were synced. */
  function notingFiles(synced: string[]) {
    return {
      mkdir: realFiles.mkdir,
      async open(path: string, flags: 'a' | 'w' | 'r') {
        const handle = await realFiles.open(path, flags)
        const sync = handle.sync.bind(handle)
        handle.sync = () => {
          synced.push(path)
          return sync()
        }
        return handle
      },
    }
  }

  it('syncs every folder that has a new one in it, so that a power cut forgets none', async () => {
    const synced: string[] = []
    await makeFolder(join(folder, 'a', 'b', 'c'), notingFiles(synced))

    expect(synced.sort()).toEqual([folder, join(folder, 'a'), join(folder, 'a', 'b')])
  })

  it('syncs nothing where the folder is there', async () => {
    const synced: string[] = []
    await makeFolder(folder, notingFiles(synced))

    expect(synced).toEqual([])
  })
})

describe('a journal in a real folder', () => {
  it('reopens equal, next to files that are none of its own', async () => {
    await realFiles.writeFile(join(folder, 'README'), 'mine')
    const journal = createJournal(folderDisk(folder), () => 'epoch-1', { limits: roomy })
    await journal.open()
    await journal.append([aSale(1)])
    journal.note(aMetering(1, 77))
    await journal.checkpoint(aNow())
    await journal.close()
    const again = createJournal(folderDisk(folder), () => 'epoch-2', { limits: roomy })
    await again.open()

    expect(again.books).toEqual(journal.books)
    await again.close()
  })

  it('that cannot be used says so', async () => {
    await realFiles.writeFile(join(folder, 'file'), '')
    const journal = createJournal(folderDisk(join(folder, 'file')), () => 'epoch-1', { limits: roomy })

    await expect(journal.open()).rejects.toThrow()
  })
})
