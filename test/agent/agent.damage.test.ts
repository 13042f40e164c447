// Proves that damage in files that are only read later is named, blocks nobody, and changes no answer; and that what earlier
// epochs left is told once.
import { afterEach, describe, expect, it } from 'vitest'
import { damage, nameOf } from '../support/a-journal.ts'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'
import type { MemoryDisk } from '../support/memory-disk.ts'

const several = { fileBytes: 3000, mostBytes: 1e7, mostDays: 30 }
let router: RouterUnderTest
afterEach(() => expect(router.invalid()).toEqual([]))

const journals = (disk: MemoryDisk) => [...disk.files.keys()].filter((name) => name.startsWith('journal-')).sort()
const ask = (command: object) => router.uplink.command({ transaction: `t${Math.random()}`, ...command })
const seqs = () =>
  router.usage().flatMap((message) => ('seq' in message && message.seq !== undefined ? [message.seq] : []))
const epochOf = () => router.uplink.liveStatus().epoch

/** A start, and purchases p1 to p32, over several files; killed there. */
async function aLongLife({ away = false } = {}): Promise<void> {
  router = aRouter({ limits: several })
  await router.start()
  if (away) router.uplink.disconnect()
  for (let number = 1; number <= 32; number++) {
    await router.uplink.purchase(aGrant('bytes', 1000, { purchaseId: `p${number}`, mac: aMac(number) }))
    await settled()
  }
  router.crash()
}

/** The third journal file, which no snapshot needs, loses one event; says which. */
function damageThird(): number {
  const name = journals(router.disk)[2] ?? ''
  const seq = Number(name.slice(25, 41)) + 1
  damage(router.disk, name, seq)
  return seq
}

describe('an event that cannot be read any more', () => {
  it('is left out by the outbox, named in the status, and holds nothing up', async () => {
    await aLongLife({ away: true })
    const gone = damageThird()
    const before = seqs().length
    await router.start()
    await router.pass(12_000)
    const told = seqs().slice(before)

    expect(told).toEqual(Array.from({ length: 33 }, (_, index) => index + 2).filter((seq) => seq !== gone))
    expect(router.uplink.liveStatus()).toMatchObject({
      epoch: 'epoch-1',
      journal: { acknowledgedSeq: 34 },
      warnings: [
        expect.stringMatching(/journal-0.*-0.* is damaged at byte \d+/),
        `events ${gone} to ${gone} cannot be read any more: the broker never had them`,
      ],
    })
  })

  it('is named in a replay, with one warning however often it is asked for', async () => {
    await aLongLife()
    const gone = damageThird()
    await router.start()
    await router.pass(1000)
    const replay = { command: 'events.replay', epoch: 'epoch-1', fromSeq: 1, toSeq: 100 }
    const [first, second] = [await ask(replay), await ask(replay)]
    await router.pass(12_000)

    expect(first).toMatchObject({ data: { lost: [{ fromSeq: gone, toSeq: gone }] } })
    expect(second).toMatchObject({ data: { lost: [{ fromSeq: gone, toSeq: gone }] } })
    expect(router.uplink.liveStatus().warnings.filter((text) => text.includes('is damaged'))).toHaveLength(1)
  })

  it('is named in the story of a purchase', async () => {
    await aLongLife()
    const gone = damageThird()
    await router.start()

    expect(await ask({ command: 'purchase.explain', purchaseId: 'p1' })).toMatchObject({
      data: { complete: false, lost: [{ fromSeq: gone, toSeq: gone }] },
    })
  })

  it('changes no answer: a purchase that was accepted is accepted again', async () => {
    await aLongLife()
    await router.start()
    await router.pass(1000)
    for (const name of journals(router.disk).slice(0, 3)) router.disk.unreadable.add(name)
    await router.grant('bytes', 1000, { purchaseId: 'p1', mac: aMac(1) })
    const answers = router.usage().filter((event) => 'purchaseId' in event && event.purchaseId === 'p1')

    expect(answers.at(-1)).toMatchObject({ type: 'purchase.accepted', duplicate: true, ofSeq: 2, mac: aMac(1) })
  })
})

describe('after damage', () => {
  /** The broker has taken one event of the first epoch; the first one of the last file is damaged. */
  async function aNewEpoch(): Promise<void> {
    await aLongLife({ away: true })
    const last = nameOf(router.disk, 'journal-')
    damage(router.disk, last, Number(last.slice(25, 41)))
    await router.start()
    await router.pass(12_000)
  }

  it('what the broker had not taken is told once, over clean stops and starts', async () => {
    await aNewEpoch()
    const inherited = () => router.usage().filter((message) => message.epoch === 'epoch-1').length
    const before = inherited()
    for (let turn = 0; turn < 3; turn++) {
      await router.stop()
      await router.restart()
      await router.pass(1000)
    }

    expect(inherited()).toBe(before)
  })

  it('a damaged checkpoint does not take the events of the new epoch for told', async () => {
    await aNewEpoch()
    const { epoch } = router.uplink.liveStatus()
    router.uplink.disconnect()
    await router.uplink.purchase(aGrant('bytes', 1000, { purchaseId: 'after', mac: aMac(40) }))
    router.crash()
    const newest = nameOf(router.disk, 'checkpoint-')
    router.disk.files.set(newest, Buffer.from(router.disk.files.get(newest) ?? []).fill(0, 10, 40))
    await router.start()
    await router.pass(1000)
    const told = router.usage().filter((event) => 'purchaseId' in event && event.purchaseId === 'after')

    expect(epochOf()).toBe(epoch)
    expect(told).toMatchObject([{ epoch, type: 'purchase.accepted' }])
    expect(router.uplink.liveStatus().warnings).toEqual([expect.stringContaining(`${newest} is damaged`)])
  })

  it('a purchase that was lost is told, stays sold, and is told of once', async () => {
    await aNewEpoch()
    const ended = router.events('session.ended').flatMap((event) => event.purchases)
    const [lost] = ended
    const { conservation, warnings } = router.uplink.liveStatus()
    await router.grant('bytes', 1000, { purchaseId: lost?.purchaseId, mac: aMac(30) })
    await router.restart()
    await router.pass(1000)

    expect(ended.length).toBeGreaterThan(0)
    expect(warnings).toContainEqual(expect.stringContaining(`${ended.length} purchases that were accepted are lost`))
    expect(lost).toMatchObject({ allotment: 1000, used: 0, unused: 1000 })
    expect(conservation.bytes).toMatchObject({ difference: 0, writtenOff: 1000 * ended.length })
    expect(router.usage().at(-1)).not.toMatchObject({ type: 'purchase.accepted', seq: expect.any(Number) })
    expect(router.uplink.liveStatus().conservation.bytes.sold).toBe(conservation.bytes.sold)
  })
})

describe('a replay', () => {
  it('is one at a time', async () => {
    await aLongLife()
    await router.start()
    await router.pass(1000)
    const replay = { command: 'events.replay', epoch: 'epoch-1', fromSeq: 1, toSeq: 20 }
    const both = await Promise.all([ask(replay), ask(replay)])

    expect(both).toMatchObject([{ status: 'ok' }, { status: 'error', error: { code: 'busy' } }])
    expect(await ask(replay)).toMatchObject({ status: 'ok' })
  })
})
