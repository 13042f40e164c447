// How large the journal may grow, and how long it remembers.
export interface JournalLimits {
  /** A file is closed and the next one begun at this size. */
  fileBytes: number
  /** Files are removed, oldest first, while the journal is larger than this ... */
  mostBytes: number
  /** ... or when all their events are acknowledged and older than this. Purchase ids are remembered for as long. */
  mostDays: number
  /** Where the ids take as much, sales stop: none is forgotten for another. Half the journal unless told. */
  purchaseBytes?: number
}

const kibibyte = 1024

/** Files are small beside the whole, so that little is pruned at once. */
export function journalLimits({ mostBytes, mostDays }: Omit<JournalLimits, 'fileBytes'>): JournalLimits {
  return { fileBytes: Math.min(512 * kibibyte, Math.floor(mostBytes / 8)), mostBytes, mostDays }
}

export const usualLimits: JournalLimits = journalLimits({ mostBytes: 8 * 1024 * kibibyte, mostDays: 30 })

export const purchaseBytesOf = ({ purchaseBytes, mostBytes }: JournalLimits): number => purchaseBytes ?? mostBytes / 2

/** Refused purchases take at most a quarter, of the journal and of the memory of ids. */
export const refusalsPart = 1 / 4
/** Sales stop while the broker has not taken as much of the journal: what is left is for the ends of what was sold. */
export const untakenPart = 3 / 4

/**
 * The most that the state folder holds: the journal and the file that is begun before one is pruned, the ids with the part of
 * their file that is not yet old, two checkpoints and the one that is being written.
 */
export function worstCaseOf(limits: JournalLimits, snapshotBytes: number): number {
  const checkpoint = Math.max(limits.fileBytes, 4 * snapshotBytes) + limits.fileBytes
  return limits.mostBytes + 2 * limits.fileBytes + 1.25 * purchaseBytesOf(limits) + 2 * checkpoint + snapshotBytes
}

// A journal smaller than this would forget what it was just told.
const leastBytes = 16 * kibibyte
const shrinkage = 0.95

/** Smaller limits where the file system cannot hold the worst case, and what to say about it. */
export function fitted(
  limits: JournalLimits,
  snapshotBytes: number,
  room: number | undefined,
): { limits: JournalLimits; warning?: string } {
  const worst = worstCaseOf(limits, snapshotBytes)
  if (room === undefined || room >= worst) return { limits }
  let smaller = limits
  for (let mostBytes = limits.mostBytes; worstCaseOf(smaller, snapshotBytes) > room && mostBytes > leastBytes; ) {
    mostBytes = Math.max(leastBytes, Math.floor(mostBytes * shrinkage))
    smaller = { ...journalLimits({ mostBytes, mostDays: limits.mostDays }), purchaseBytes: mostBytes / 2 }
  }
  const [has, wants, keeps] = [room, worst, smaller.mostBytes].map((bytes) => Math.round(bytes / kibibyte))
  const warning = `the state folder has room for ${has} KiB and may need ${wants}: the journal keeps ${keeps} KiB of events; give it more room, or lower AGENT_JOURNAL_MAX_BYTES`
  return { limits: smaller, warning }
}
