// The default store: one file of lines in a folder, where an entry is on disk before anything of it is published.
import { FleetError } from '../errors.ts'
import { lockFolder } from './folder-lock.ts'
import { lineFile, makeFolder } from './line-file.ts'
import { type Entry, keptMilliseconds, type Store } from './store.ts'

type Line = Entry | { purchaseId: string; forgotten: true }

export function folderStore(folder: string, wall: () => number = Date.now): Store {
  const entries = new Map<string, Entry>()
  const underWay = new Map<string, Promise<void>>()
  const file = lineFile(folder, 'outbox.jsonl', () => entries.values())
  let unlock: (() => Promise<void>) | undefined

  async function open(): Promise<readonly Entry[]> {
    await makeFolder(folder).catch((cause) => {
      throw new FleetError('store-failure', `the folder ${folder} cannot be made`, cause)
    })
    unlock = await lockFolder(folder)
    try {
      for (const line of await file.read()) remember(line as Line)
      const oldest = wall() - keptMilliseconds
      for (const [id, { answer, at }] of entries) if (answer && Date.parse(at) < oldest) entries.delete(id)
      await file.compact()
    } catch (error) {
      await unlock()
      throw error instanceof FleetError
        ? error
        : new FleetError('store-failure', `the outbox ${file.path} cannot be opened`, error)
    }
    return [...entries.values()].filter(({ answer }) => answer === undefined)
  }

  function remember(line: Line): void {
    if ('forgotten' in line) entries.delete(line.purchaseId)
    else entries.set(line.purchaseId, line)
  }

  async function set(entry: Entry): Promise<void> {
    const before = entries.get(entry.purchaseId)
    entries.set(entry.purchaseId, entry)
    await file.append(entry).catch((error) => {
      if (before) entries.set(entry.purchaseId, before)
      else entries.delete(entry.purchaseId)
      throw error
    })
  }

  return {
    open,
    find: async (purchaseId) => entries.get(purchaseId),
    async put(entry) {
      const { purchaseId } = entry
      const standing = entries.get(purchaseId)
      if (standing) {
        // Another call may still be waiting for the disk with it.
        await underWay.get(purchaseId)
        return standing
      }
      const stored = set(entry)
      underWay.set(purchaseId, stored)
      await stored.finally(() => underWay.delete(purchaseId))
      return entry
    },
    async settle(purchaseId, answer) {
      const entry = entries.get(purchaseId)
      if (entry) await set({ ...entry, answer })
    },
    async forget(purchaseId) {
      if (!entries.delete(purchaseId)) return
      await file.append({ purchaseId, forgotten: true })
    },
    async close() {
      await file.close()
      await unlock?.()
    },
  }
}
