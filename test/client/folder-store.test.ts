// Proves that the folder store keeps what it has acknowledged, whatever a crash left at the end of its file.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { folderStore } from '../../client/stores/folder-store.ts'
import type { Entry, Store } from '../../client/stores/store.ts'
import { accepted, aMac, r1 } from '../support/messages.ts'

let folder = ''
const opened: Store[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-outbox-'))
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(folder, { recursive: true })
})

const now = Date.parse('2026-11-22T12:00:00.000Z')
const day = 24 * 3_600_000
const file = () => join(folder, 'outbox.jsonl')
const entry = (purchaseId: string, at = now): Entry => ({
  ...{ purchaseId, routerId: r1, at: new Date(at).toISOString() },
  purchase: { purchaseId, mac: aMac, amount: 1, unit: 'sat' },
})

async function aStore(): Promise<{ store: Store; pending: string[] }> {
  const store = folderStore(folder, () => now)
  const pending = (await store.open()).map(({ purchaseId }) => purchaseId)
  opened.push(store)
  return { store, pending }
}

async function again(): Promise<string[]> {
  await opened.pop()?.close()
  return (await aStore()).pending
}

describe('what the folder store has acknowledged', () => {
  it('is there for the next process, with its answer', async () => {
    const { store } = await aStore()
    await Promise.all([store.put(entry('p1')), store.put(entry('p2'))])
    await store.settle('p2', accepted(2))
    expect(await again()).toEqual(['p1'])
    expect(await opened[0]?.find('p2')).toMatchObject({ answer: { seq: 2 } })
  })

  it('stands: a second one under its id changes nothing', async () => {
    const { store } = await aStore()
    await store.put(entry('p1'))
    expect(await store.put({ ...entry('p1'), routerId: 'r2' as typeof r1 })).toMatchObject({ routerId: 'r1' })
    expect(await again()).toEqual(['p1'])
  })

  it('is gone when it is forgotten', async () => {
    const { store } = await aStore()
    await store.put(entry('p1'))
    await store.forget('p1')
    expect(await again()).toEqual([])
  })

  it('is kept for thirty days after its answer, and for ever without one', async () => {
    const { store } = await aStore()
    for (const [id, age] of [
      ['old', 31],
      ['young', 29],
    ] as const) {
      await store.put(entry(id, now - age * day))
      await store.settle(id, accepted(1, { purchaseId: id }))
    }
    await store.put(entry('unanswered', now - 300 * day))
    expect(await again()).toEqual(['unanswered'])
    expect(await opened[0]?.find('old')).toBeUndefined()
    expect(await opened[0]?.find('young')).toBeDefined()
  })
})

describe('the file', () => {
  it('may end anywhere in its last line', async () => {
    const { store } = await aStore()
    await store.put(entry('p1'))
    const whole = statSync(file()).size
    await store.put(entry('p2'))
    await opened.pop()?.close()
    const text = readFileSync(file())
    for (let length = whole; length < text.length; length += 7) {
      writeFileSync(file(), text)
      truncateSync(file(), length)
      expect((await aStore()).pending).toEqual(['p1'])
      await opened.pop()?.close()
    }
  })

  it('is refused when a line in it is damaged: there may be money in it', async () => {
    const { store } = await aStore()
    await store.put(entry('p1'))
    await opened.pop()?.close()
    appendFileSync(file(), '{"purchaseId"\n{}\n')
    await expect(folderStore(folder).open()).rejects.toMatchObject({ code: 'store-failure' })
    // And nothing of it was written over.
    expect(readFileSync(file(), 'utf8')).toContain('p1')
  })

  it('does not grow for ever', async () => {
    const { store } = await aStore()
    const reference = 'x'.repeat(250)
    const large = (id: string) => ({ ...entry(id), purchase: { ...entry(id).purchase, reference } })
    for (let round = 0; round < 6; round++) {
      const ids = Array.from({ length: 500 }, (_, index) => `${round}-${index}`)
      await Promise.all(ids.map((id) => store.put(large(id))))
      await Promise.all(ids.map((id) => store.forget(id)))
    }
    expect(statSync(file()).size).toBeLessThan(1_300_000)
    await store.put(entry('last'))
    expect(await again()).toEqual(['last'])
  })

  test.each(['as a file', 'nowhere to be made'])('is a store failure where its folder is %s', async (how) => {
    const path = how === 'as a file' ? join(folder, 'file') : '/proc/tollgate-outbox'
    if (how === 'as a file') writeFileSync(path, '')
    await expect(folderStore(path).open()).rejects.toMatchObject({ code: 'store-failure' })
  })
})

it('a folder belongs to one store at a time', async () => {
  await aStore()
  await expect(folderStore(folder).open()).rejects.toMatchObject({ code: 'store-locked' })
  await opened.pop()?.close()
  expect((await aStore()).pending).toEqual([])
})
