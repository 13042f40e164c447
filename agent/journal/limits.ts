// How large the journal may grow, and how long it remembers.
export interface JournalLimits {
  /** A file is closed and the next one begun at this size. */
  fileBytes: number
  /** Files are removed, oldest first, while the journal is larger than this ... */
  mostBytes: number
  /** ... or when all their events are acknowledged and older than this. Purchase ids are remembered for as long. */
  mostDays: number
}

/** Files are small beside the whole, so that little is pruned at once. */
export function journalLimits({ mostBytes, mostDays }: Omit<JournalLimits, 'fileBytes'>): JournalLimits {
  return { fileBytes: Math.min(512 * 1024, Math.floor(mostBytes / 8)), mostBytes, mostDays }
}

export const usualLimits: JournalLimits = journalLimits({ mostBytes: 8 * 1024 * 1024, mostDays: 30 })
