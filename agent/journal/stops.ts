// When the journal takes no more purchases, and why: no event that the broker lacks, and no id, gives way to another sale.
import { type JournalLimits, purchaseBytesOf, refusalsPart, untakenPart } from './limits.ts'
import { untakenBytes } from './retention.ts'
import type { JournalState } from './state.ts'

/** Why no purchase can be taken for now: events or ids are at their bound. */
export function salesStopOf(state: JournalState, limits: JournalLimits): string | undefined {
  if (state.purchases.bytes >= purchaseBytesOf(limits)) {
    return `this router remembers ${state.purchases.size} purchases of the last ${limits.mostDays} days and has no room for more`
  }
  if (untakenBytes(state) < untakenPart * limits.mostBytes) return undefined
  return 'the broker takes events more slowly than purchases come'
}

/** Why no refused purchase can be noted for now: refusals are at their part of the bound, so that sales go on. */
export function refusalsStopOf(state: JournalState, limits: JournalLimits): string | undefined {
  const refusedBytes = state.files.reduce((sum, file) => sum + (file.refusedBytes ?? 0), 0)
  const isFull = state.purchases.refusedBytes >= refusalsPart * purchaseBytesOf(limits)
  const isMuch = refusedBytes >= refusalsPart * limits.mostBytes || untakenBytes(state) >= limits.mostBytes / 2
  return isFull || isMuch ? 'this router has refused too many purchases to note another one' : undefined
}
