// Proves that a router whose books do not add up sells nothing and says so.
import { expect, it } from 'vitest'
import type { Gates } from '../../agent/gates.ts'
import type { Log } from '../../agent/log.ts'
import { nothingKnown } from '../../agent/lookout/sight.ts'
import type { WritableBooks } from '../../agent/merchant/books.ts'
import { createRefusalLimit } from '../../agent/merchant/refusal-limit.ts'
import { createRecorder } from '../../agent/recorder.ts'
import { createSales } from '../../agent/sales.ts'
import { openJournal } from '../support/a-journal.ts'
import { aPurchase, aRouterId, aTariff, bytesOf } from '../support/builders.ts'
import { fakeClock } from '../support/fake-clock.ts'

it('refuses a purchase while the books do not add up, for now, and acknowledges it', async () => {
  const journal = await openJournal()
  const clock = fakeClock()
  const quiet = { info() {}, warn() {}, error() {}, debug() {} } as unknown as Log
  const recorder = createRecorder(aRouterId, clock, journal, quiet, () => {})
  const told: object[] = []
  const parts = {
    clock,
    journal,
    recorder,
    tariff: aTariff(),
    refusals: createRefusalLimit(10),
    newId: () => 's1',
    gates: { sight: nothingKnown, guard: { table: undefined } } as unknown as Gates,
  }
  const sell = createSales({ ...parts, tell: (message) => told.push(message) })
  ;(journal.books as WritableBooks).sold.bytes += 1000n
  const payload = bytesOf(aPurchase())
  await sell({ payload, bytes: payload.length, retained: false })

  expect(told).toMatchObject([
    { code: 'storage-failure', final: false, message: expect.stringContaining('do not add up: 1000 bytes') },
  ])
  expect(journal.books.sessions.size).toBe(0)
})
