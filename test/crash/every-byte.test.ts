// Proves that the journal and the checkpoint file survive being cut and being damaged at every byte of their last three
// records: never half a decision, a torn end without a word, a damaged middle never in silence. Here it is cut at every third byte,
// and every seventh is damaged in one of three ways; at every byte, in all three, by `npm run crash`.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inheritedBy } from '../support/a-journal.ts'
import { aNow } from '../support/builders.ts'
import {
  aSaleFor,
  corruptions,
  frameAt,
  lastThree,
  moneyOf,
  type Recording,
  recordCheckpoints,
  recordDecisions,
  start,
  startWith,
  stateOf,
} from '../support/recorded-journal.ts'
import { isDue, isWhole } from '../support/share.ts'

const covered: string[] = []
afterAll(() => console.log(covered.join('\n')))

const kinds = [
  { what: 'the journal', record: recordDecisions, losesEvents: true },
  { what: 'the checkpoint file', record: recordCheckpoints, losesEvents: false },
]

describe.each(kinds)('$what', ({ what, record, losesEvents }) => {
  let recording: Recording
  beforeAll(async () => {
    recording = await record()
  })

  it('cut at any byte is what it was after the last whole record, without a warning, and goes on', async () => {
    const cuts = lastThree(recording).filter(isDue(3))
    for (const cut of cuts) {
      const { journal, disk } = await startWith(recording, recording.bytes.subarray(0, cut))

      expect(stateOf(journal.books)).toEqual(recording.after[frameAt(recording, cut) - 1])
      expect([journal.warnings, journal.books.epoch]).toEqual([[], 'epoch-1'])
      await goOn(journal)
      const again = await start(disk.copy(), 3)
      expect([again.books, again.warnings]).toEqual([journal.books, []])
    }
    covered.push(`${what}: cut at ${cuts.length} bytes`)
  })

  it('damaged at any byte holds no half of a record, and says so unless it was the last', {
    timeout: 180_000,
  }, async () => {
    const bytes = lastThree(recording).filter(isDue(7))
    const damages = bytes.flatMap((at, index) => {
      const ways = corruptions(recording.bytes, at).map((corrupted) => ({ at, bytes: corrupted }))
      return isWhole ? ways : ways.slice(index % ways.length).slice(0, 1)
    })
    for (const { at, bytes } of damages) {
      const damaged = frameAt(recording, at)
      const isLast = damaged === recording.ends.length - 1
      const { journal, disk } = await startWith(recording, bytes)

      const sound = recording.after[damaged - 1]

      const lost = losesEvents ? soldBehind(recording, damaged) : []
      expect(sound && moneyOf(withoutPurchases(stateOf(journal.books)))).toEqual(
        sound && moneyOf(withoutPurchases(sound)),
      )
      expect(journal.books.lost.map(({ purchaseId }) => purchaseId)).toEqual(lost)
      expect(lost.filter((purchaseId) => !journal.books.purchases.has(purchaseId))).toEqual([])
      if (isLast) continue
      expect(journal.warnings[0]).toMatch(`${recording.name} is damaged at byte`)
      expect(journal.warnings).toHaveLength(lost.length > 0 ? 3 : 1)
      if (losesEvents) expect(Buffer.from(disk.files.get(recording.name) ?? []).equals(bytes)).toBe(true)
      if (losesEvents) {
        expect([journal.books.epoch, journal.books.lastSeq]).toEqual(['epoch-2', 0])
        expect(inheritedBy(journal.books)).toEqual(upTo(sound?.lastSeq))
      } else expect(stateOf(journal.books)).toEqual(sound)
      await goOn(journal)
      const again = await start(disk.copy(), 3)
      expect([again.books, again.warnings]).toEqual([journal.books, []])
    }
    covered.push(`${what}: damaged in ${damages.length} ways at ${bytes.length} bytes`)
  })
})

async function goOn(journal: Awaited<ReturnType<typeof start>>): Promise<void> {
  await journal.append([aSaleFor(journal.books)])
  journal.note({ type: 'acknowledged', seq: journal.books.lastSeq })
  await journal.checkpoint(aNow())
}

/** The purchases that were accepted in frames behind that one. */
function soldBehind({ after }: Recording, frame: number): string[] {
  const before = new Set(after[frame]?.purchases.map(([id]) => id))
  return (after.at(-1)?.purchases ?? []).flatMap(([id, { seq }]) => (before.has(id) ? [] : [`p${seq}`]))
}

const withoutPurchases = (state: ReturnType<typeof stateOf>) => ({ ...state, purchases: [] })

const upTo = (last = 0): number[] => Array.from({ length: last }, (_, index) => index + 1)
