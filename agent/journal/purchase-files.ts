// The files of purchase ids: what the memory of them has gained since the last snapshot is appended here before the next one,
// so that no snapshot holds them all and a journal file can be pruned without them.

import type { FileReader } from './file-reader.ts'
import { numberIn, purchasesName } from './files.ts'
import { frame, soundFrames, valueAt } from './frames.ts'
import type { Packed, PurchaseMemory } from './purchase-memory.ts'
import type { AppendedFile, Store } from './store.ts'

export type PurchaseFile = AppendedFile & {
  number: number
  /** The agent's age in seconds at its first and its last purchase. */
  oldest: number
  newest: number
}

// Removed whole, once all in it are old: small enough, and of few days.
const mostFileBytes = 256 * 1024
const mostSeconds = 3 * 86_400

/** Enters what the files hold in the memory; says which of them are not as the snapshot knows them. */
export async function readPurchaseFiles(
  names: { name: string }[],
  known: { number: number; bytes: number }[] = [],
  reader: FileReader,
  memory: PurchaseMemory,
): Promise<{ files: PurchaseFile[]; damaged: string[] }> {
  const files: PurchaseFile[] = []
  const damaged: string[] = []
  for (const { name } of names) {
    const number = numberIn(name, 'purchases')
    if (number === undefined) continue
    const bytes = await reader.read(name)
    const places = soundFrames(bytes ?? new Uint8Array())
    const all = places.flatMap((place) => (valueAt(bytes ?? new Uint8Array(), place) as Packed | undefined) ?? [])
    for (const packed of all) memory.load(packed)
    const sound = places.reduce((end, { at, size }) => (at === end ? at + size : end), 0)
    const end = (places.at(-1)?.at ?? 0) + (places.at(-1)?.size ?? 0)
    if (!bytes) damaged.push(`${name} cannot be read`)
    else if (sound < end) damaged.push(`${name} is damaged at byte ${sound}`)
    else if (sound < (known.find((file) => file.number === number)?.bytes ?? 0))
      damaged.push(`${name} ends at byte ${sound}`)
    const [oldest, newest] = [all[0]?.newest ?? 0, all.at(-1)?.newest ?? 0]
    files.push({ name, number, oldest, newest, bytes: end, torn: end < (bytes?.length ?? 0) })
  }
  for (const { number } of known) {
    if (!files.some((file) => file.number === number)) damaged.push(`${purchasesName(number)} is missing`)
  }
  return { files, damaged }
}

/** Puts what is new in the memory on disk. */
export async function savePurchases(memory: PurchaseMemory, files: PurchaseFile[], store: Store): Promise<void> {
  const packed = memory.unsaved()
  if (!packed) return
  const file = await fileFor(packed, files, store)
  await store.append(file, frame(packed))
  file.newest = packed.newest
  memory.saved(packed)
}

async function fileFor({ newest }: Packed, files: PurchaseFile[], store: Store): Promise<PurchaseFile> {
  const last = files.at(-1)
  if (last && last.bytes < mostFileBytes && newest - last.oldest < mostSeconds) return last
  const number = (last?.number ?? 0) + 1
  const file = { name: purchasesName(number), number, oldest: newest, newest, bytes: 0, torn: false }
  await store.replace(file.name, new Uint8Array())
  files.push(file)
  return file
}

/** Forgets the purchases of files in which all are older than that age in seconds. */
export async function forgetPurchases(
  memory: PurchaseMemory,
  files: PurchaseFile[],
  store: Store,
  until: number,
): Promise<void> {
  let forgotten: number | undefined
  for (let first = files[0]; first && files.length > 1 && first.newest < until; first = files[0]) {
    await store.remove(first.name)
    forgotten = first.newest
    files.shift()
  }
  if (forgotten !== undefined) memory.forgetUntil(forgotten + 1)
}
