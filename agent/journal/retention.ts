// Retention: what the journal forgets, oldest first, so that it stays bounded for ever.
import type { Books } from '../merchant/books.ts'
import type { Checkpoints } from './checkpoints.ts'
import { uptimeOf } from './event-reader.ts'
import type { JournalFile } from './files.ts'
import type { JournalLimits } from './limits.ts'
import { forgetPurchases } from './purchase-files.ts'
import type { Recovered } from './recovery.ts'
import type { Store } from './store.ts'
import type { Warnings } from './warnings.ts'

/**
 * Forgets what the limits no longer allow. By age only what the broker has taken; by size also what it never took, since
 * a full flash helps nobody: the warnings name it.
 */
export async function prune(
  current: Recovered,
  store: Store,
  checkpoints: Checkpoints,
  limits: JournalLimits,
  warnings: Warnings,
): Promise<void> {
  const { files, books, purchases, purchaseFiles } = current
  const until = Math.floor((books.uptime - limits.mostDays * day) / 1000)
  await forgetPurchases(purchases, purchaseFiles, store, until)
  for (;;) {
    const [first, second] = files
    if (!first || !second) return
    const isLarge = files.reduce((sum, file) => sum + file.bytes, 0) > limits.mostBytes
    if (!isLarge && !(isTaken(books, first, second) && (await isOld(books, first, store, limits)))) return
    // Both checkpoints must do without it: the newest, and the one that is there in case the newest is damaged.
    while ((current.checkpoint?.previousN ?? 0) < second.firstN - 1) await checkpoints.writeSnapshot()
    if (!isTaken(books, first, second)) giveUp(books, first, second, checkpoints, warnings)
    await removeFirst(current, store)
  }
}

/**
 * Makes room on a disk that has none, by removing alone: whatever the broker has taken and neither checkpoint needs. Whether
 * there was any.
 */
export async function makeRoom(current: Recovered, store: Store): Promise<boolean> {
  const { files, books, checkpoint } = current
  let isMade = false
  for (;;) {
    const [first, second] = files
    if (!first || !second || !isTaken(books, first, second)) return isMade
    if ((checkpoint?.previousN ?? 0) < second.firstN - 1) return isMade
    await removeFirst(current, store)
    isMade = true
  }
}

/** The bytes of files that hold something the broker has not taken. */
export function untakenBytes({ files, books }: Recovered): number {
  return files.reduce((sum, file, index) => {
    const next = files[index + 1]
    return sum + (next && isTaken(books, file, next) ? 0 : file.bytes)
  }, 0)
}

const day = 86_400_000

async function removeFirst({ files, recent }: Recovered, store: Store): Promise<void> {
  const [first, second] = files
  if (!first || !second) return
  await store.remove(first.name)
  files.shift()
  // Of an earlier epoch none is in memory.
  if (second.firstSeq > first.firstSeq) while ((recent[0]?.seq ?? second.firstSeq) < second.firstSeq) recent.shift()
}

function isTaken(books: Books, { firstN, firstSeq }: JournalFile, next: JournalFile): boolean {
  if (firstN >= books.epochFirstN) return next.firstSeq - 1 <= books.acknowledgedSeq
  return books.inherited.every(
    (range) =>
      firstN < range.fromN ||
      firstN >= range.beforeN ||
      firstSeq > range.toSeq ||
      (next.firstN < range.beforeN && next.firstSeq <= range.fromSeq),
  )
}

function giveUp(
  books: Books,
  first: JournalFile,
  next: JournalFile,
  checkpoints: Checkpoints,
  warnings: Warnings,
): void {
  const range = books.inherited.find(({ fromN, beforeN }) => first.firstN >= fromN && first.firstN < beforeN)
  const isPresent = first.firstN >= books.epochFirstN
  const from = Math.max(first.firstSeq, isPresent ? books.acknowledgedSeq + 1 : (range?.fromSeq ?? 0))
  const to = isPresent || (range && next.firstN < range.beforeN) ? next.firstSeq - 1 : (range?.toSeq ?? 0)
  warnings.addRange('pruned', isPresent ? undefined : range?.epoch, from, to)
  if (isPresent) checkpoints.note({ type: 'acknowledged', seq: to })
  else if (range) checkpoints.note({ type: 'inherited', epoch: range.epoch, seq: to })
}

async function isOld(books: Books, file: JournalFile, store: Store, { mostDays }: JournalLimits): Promise<boolean> {
  file.uptime ??= await uptimeOf(file, store).catch(() => 0)
  // Days are days that the agent ran: a wall clock that jumps by years ages nothing.
  return file.uptime !== undefined && books.uptime - file.uptime > mostDays * day
}
