// A store that forgets with the process: for tests, and for a purchase by hand that a person watches.
import type { Entry, Store } from './store.ts'

export function memoryStore(): Store {
  const entries = new Map<string, Entry>()
  return {
    open: async () => [...entries.values()].filter(({ answer }) => answer === undefined),
    find: async (purchaseId) => entries.get(purchaseId),
    async put(entry) {
      const standing = entries.get(entry.purchaseId) ?? entry
      entries.set(entry.purchaseId, standing)
      return standing
    },
    async settle(purchaseId, answer) {
      const entry = entries.get(purchaseId)
      if (entry) entries.set(purchaseId, { ...entry, answer })
    },
    async forget(purchaseId) {
      entries.delete(purchaseId)
    },
    close: async () => {},
  }
}
