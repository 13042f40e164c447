// Retention: what the journal forgets, oldest first, so that it stays bounded for ever.
import type { Books } from '../merchant/books.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { JournalLimits } from './limits.ts'
import { type JournalFile, type Recovered, readDecisions } from './recovery.ts'
import type { Store } from './store.ts'

// What is remembered of purchases is bounded too: some megabytes, whatever floods the topic.
const mostPurchases = 20_000
const mostWarnings = 10

/**
 * Forgets what the limits no longer allow. By age only what the broker has taken; by size also what it never took, since
 * a full flash helps nobody: the warnings name it.
 */
export async function prune(
  current: Recovered,
  store: Store,
  checkpoints: Checkpoints,
  limits: JournalLimits,
): Promise<void> {
  const { files, books, recent } = current
  forgetOldPurchases(current, limits)
  for (;;) {
    const [first, second] = files
    if (!first || !second) return
    const last = second.firstSeq - 1
    // What an earlier epoch left unacknowledged is in the books.
    const isAcknowledged = last <= books.acknowledgedSeq || second.firstN <= books.epochFirstN
    const isLarge = files.reduce((sum, file) => sum + file.bytes, 0) > limits.mostBytes
    if (!isLarge && !(isAcknowledged && (await isOld(current, first, store, limits)))) return
    // Both checkpoints must do without it: the newest, and the one that is there in case the newest is damaged.
    while ((current.checkpoint?.previousN ?? 0) < second.firstN - 1) await checkpoints.writeSnapshot()
    if (!isAcknowledged) {
      warn(
        current,
        `events ${Math.max(first.firstSeq, books.acknowledgedSeq + 1)} to ${last} were pruned before the broker took them: the journal was full`,
      )
      checkpoints.note({ type: 'acknowledged', seq: last })
    }
    await store.remove(first.name)
    files.shift()
    while ((recent[0]?.seq ?? second.firstSeq) < second.firstSeq) recent.shift()
  }
}

// A purchase id outlives its event when the journal had to be pruned by size: it is not sold again for as long.
function forgetOldPurchases({ books }: Recovered, limits: JournalLimits): void {
  for (const [id, { uptime }] of books.purchases) {
    if (books.purchases.size > mostPurchases || isOlder(uptime, books, limits)) books.purchases.delete(id)
  }
}

async function isOld({ books }: Recovered, file: JournalFile, store: Store, limits: JournalLimits): Promise<boolean> {
  file.uptime ??= readDecisions(await store.read(file.name)).at(-1)?.uptime
  return file.uptime !== undefined && isOlder(file.uptime, books, limits)
}

// Days are days that the agent ran: a wall clock that jumps by years ages nothing.
function isOlder(uptime: number, books: Books, { mostDays }: JournalLimits): boolean {
  return books.uptime - uptime > mostDays * 86_400_000
}

function warn({ warnings }: Recovered, warning: string): void {
  warnings.push(warning)
  warnings.splice(0, warnings.length - mostWarnings)
}
