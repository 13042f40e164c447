// Retention: what the journal forgets, oldest first, so that it stays bounded for ever.
import type { Now } from '../moment.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { JournalLimits } from './limits.ts'
import { type JournalFile, type Recovered, readEvents } from './recovery.ts'
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
  now: Now,
): Promise<void> {
  const { files, books, recent } = current
  forgetOldPurchases(current, limits, now)
  for (;;) {
    const [first, second] = files
    if (!first || !second) return
    const last = second.firstSeq - 1
    // What an earlier epoch left unacknowledged is in the books.
    const isAcknowledged = last <= books.acknowledgedSeq || second.firstN <= books.epochFirstN
    const isLarge = files.reduce((sum, file) => sum + file.bytes, 0) > limits.mostBytes
    if (!isLarge && !(isAcknowledged && (await isOld(first, store, limits, now)))) return
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
function forgetOldPurchases({ books: { purchases } }: Recovered, limits: JournalLimits, now: Now): void {
  for (const [id, { at }] of purchases) {
    if (purchases.size > mostPurchases || isOlder(at, limits, now)) purchases.delete(id)
  }
}

async function isOld(file: JournalFile, store: Store, limits: JournalLimits, now: Now): Promise<boolean> {
  file.newestAt ??= readEvents(await store.read(file.name)).at(-1)?.at
  return file.newestAt !== undefined && isOlder(file.newestAt, limits, now)
}

function isOlder(at: string, { mostDays }: JournalLimits, now: Now): boolean {
  return now.clockSynced && now.wall - Date.parse(at) > mostDays * 86_400_000
}

function warn({ warnings }: Recovered, warning: string): void {
  warnings.push(warning)
  warnings.splice(0, warnings.length - mostWarnings)
}
