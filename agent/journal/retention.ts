// Retention: what the journal forgets, oldest first, so that it stays bounded for ever.
import type { Books } from '../merchant/books.ts'
import type { Checkpoints } from './checkpoints.ts'
import { uptimeOf } from './event-reader.ts'
import type { JournalFile } from './files.ts'
import type { JournalLimits } from './limits.ts'
import { forgetPurchases } from './purchase-files.ts'
import type { JournalState } from './state.ts'
import { StorageFailure, type Store } from './store.ts'
import type { Warnings } from './warnings.ts'

/**
 * Removes the files that the limits no longer allow. By age it prunes acknowledged events only; over the size limit also
 * others, which a warning names.
 */
export async function prune(
  current: JournalState,
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
    // Recovery may start from either checkpoint, so write snapshots until both are newer than this file.
    while ((current.checkpoint?.previousN ?? 0) < second.firstN - 1) await checkpoints.writeSnapshot()
    if (!isTaken(books, first, second)) giveUp(books, first, second, checkpoints, warnings)
    await removeFirst(current, store)
  }
}

/** Does that work; when the disk is full, removes the files that nobody needs and does it once more. */
export async function orMakeRoom(
  state: JournalState | undefined,
  store: Store,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
  } catch (err) {
    if (!(err instanceof StorageFailure) || !state || !isForWantOfRoom(err)) throw err
    if (!(await makeRoom(state, store))) throw err
    await work()
  }
}

function isForWantOfRoom({ cause }: StorageFailure): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT')
}

/**
 * Makes room by removing alone, since nothing can be written: files whose events the broker has taken and that neither
 * checkpoint needs. Returns whether there were any.
 */
async function makeRoom(current: JournalState, store: Store): Promise<boolean> {
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
export function untakenBytes({ files, books }: JournalState): number {
  return files.reduce((sum, file, index) => {
    const next = files[index + 1]
    return sum + (next && isTaken(books, file, next) ? 0 : file.bytes)
  }, 0)
}

const day = 86_400_000

async function removeFirst({ files, recent }: JournalState, store: Store): Promise<void> {
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
