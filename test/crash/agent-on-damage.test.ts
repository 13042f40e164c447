// Proves that a whole agent starts on a journal damaged anywhere in its last three decisions: it says so in its status, goes
// on from the last sound decision, and its gates follow the books. Some bytes here, every byte by `npm run crash`.
import { expect, it } from 'vitest'
import type { Decision } from '../../agent/journal/files.ts'
import { readFrames } from '../../agent/journal/frames.ts'
import { nameOf } from '../support/a-journal.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'
import { everySo } from '../support/share.ts'

const megabytes = (count: number) => count * 1_000_000
// A prime, so that samples fall on every part of a frame.
const step = everySo(41)

/** One device that is half through, one that just came; killed there. */
async function aRouterKilledInTheMiddle(): Promise<RouterUnderTest> {
  const router = aRouter()
  router.join(1)
  router.join(2)
  await router.start()
  await router.grant('bytes', megabytes(10))
  router.use(megabytes(4))
  await router.pass(2000)
  await router.grant('bytes', megabytes(3), { purchaseId: 'p2', mac: aMac(2) })
  await router.pass(2000)
  router.crash()
  return router
}

const journalOf = ({ disk }: RouterUnderTest) => {
  const name = nameOf(disk, 'journal-')
  return { name, bytes: Buffer.from(disk.files.get(name) ?? []) }
}

function endsOf(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let at = 0; at < bytes.length; ends.push(at)) at += 8 + bytes.readUInt32LE(at)
  return ends
}

function soldIn(bytes: Buffer): { sold: number; purchaseIds: string[] } {
  const events = (readFrames(bytes).values as Partial<Decision>[]).flatMap(({ records = [] }) =>
    records.flatMap((record) =>
      record.type === 'event' && record.event.type === 'purchase.accepted' ? [record.event] : [],
    ),
  )
  return {
    sold: events.reduce((sum, event) => sum + event.allotment, 0),
    purchaseIds: events.map((event) => event.purchaseId),
  }
}

async function startDamaged(at: number) {
  const router = await aRouterKilledInTheMiddle()
  const { name, bytes } = journalOf(router)
  bytes[at] = (bytes[at] ?? 0) ^ 0xff
  router.disk.files.set(name, bytes)
  await router.start()
  await router.pass(3000)
  return { router, name, ...soldIn(bytes) }
}

/** The amount that the router tells as lost. */
const lostOf = (router: RouterUnderTest) =>
  router
    .events('session.ended')
    .filter((event) => event.reason === 'lost')
    .flatMap((event) => event.purchases)
    .reduce((sum, { unused }) => sum + unused, 0)

it('starts from the last sound decision, and says so', { timeout: 900_000 }, async () => {
  const ends = endsOf(journalOf(await aRouterKilledInTheMiddle()).bytes)
  const from = ends.at(-4) ?? 0
  const lastFrom = ends.at(-2) ?? 0
  const all = ends.at(-1) ?? 0
  let samples = 0
  for (let at = from; at < all; at += step, samples++) {
    const { router, name, sold, purchaseIds } = await startDamaged(at)
    const { warnings, conservation } = router.uplink.liveStatus()

    const lost = lostOf(router)
    expect(conservation.bytes).toMatchObject({ sold: sold + lost, difference: 0 })
    expect(conservation.bytes.writtenOff ?? 0).toBe(lost)
    expect([1, 2].map((device) => router.isOpen(device))).toEqual(['p1', 'p2'].map((id) => purchaseIds.includes(id)))
    if (at < lastFrom) expect(warnings[0]).toMatch(`${name} is damaged`)
    expect(warnings).toHaveLength(lost > 0 ? 3 : at < lastFrom ? 1 : 0)
    await router.grant('bytes', megabytes(1), { purchaseId: 'p3', mac: aMac(2) })
    expect(router.isOpen(2)).toBe(true)
    expect(router.invalid()).toEqual([])
  }
  console.log(`the agent: started on ${samples} of ${all - from} damaged bytes of its last three decisions`)
})
