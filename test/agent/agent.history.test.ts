// Proves that the journal can be asked: for events again, and for the story of one purchase.
import { beforeEach, describe, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aMac } from '../support/builders.ts'

const megabytes = (count: number) => count * 1_000_000

let router: RouterUnderTest
let transactions = 0
beforeEach(async () => {
  router = aRouter()
  await router.start()
})

const ask = (command: object) => router.uplink.command({ transaction: `t${++transactions}`, ...command })
const replay = (fromSeq: number, toSeq: number) => ask({ command: 'events.replay', epoch: 'epoch-1', fromSeq, toSeq })
const numbers = () => router.uplink.replayed.map(({ seq }) => seq)

describe('events.replay', () => {
  it('sends a range again, marked, exactly as it was told', async () => {
    for (const purchaseId of ['p1', 'p2', 'p3', 'p4']) await router.grant('bytes', 1000, { purchaseId })
    const reply = await replay(2, 4)
    const told = router.usage().filter((message) => 'seq' in message && [2, 3, 4].includes(message.seq ?? 0))

    expect(reply).toMatchObject({ status: 'ok', data: { sent: 3 } })
    expect(router.uplink.replayed).toEqual(
      told.map((event) => ({ ...event, historical: true, transaction: expect.any(String) })),
    )
  })

  it('sends what there is when more is asked for', async () => {
    await router.grant('bytes', 1000)
    const reply = await replay(1, 5000)

    expect(numbers()).toEqual([1, 2])
    expect(reply).toMatchObject({ data: { sent: 2, lastSeq: 2 } })
  })

  it('names what was pruned', async () => {
    const small = aRouter({ limits: { fileBytes: 1500, mostBytes: 6000, mostDays: 30 } })
    await small.start()
    for (let count = 1; count <= 40; count++) await small.grant('bytes', 1000, { purchaseId: `p${count}` })
    await small.pass(120_000)
    const { firstSeq, lastSeq } = small.uplink.liveStatus().journal
    const reply = await small.uplink.command({
      ...{ transaction: 'r', command: 'events.replay', epoch: 'epoch-1', fromSeq: 1, toSeq: lastSeq },
    })

    expect(firstSeq).toBeGreaterThan(1)
    expect(reply).toMatchObject({
      data: { pruned: { fromSeq: 1, toSeq: firstSeq - 1 }, sent: lastSeq - firstSeq + 1 },
    })
  })

  it.each([
    { when: 'another journal is meant', range: { epoch: 'epoch-9', fromSeq: 1, toSeq: 2 }, code: 'not-found' },
    { when: 'the range ends before it begins', range: { fromSeq: 3, toSeq: 2 }, code: 'invalid-message' },
    { when: 'too much is asked for', range: { fromSeq: 1, toSeq: 20_000 }, code: 'invalid-message' },
  ])('is refused with $code when $when', async ({ range, code }) => {
    const reply = await ask({ command: 'events.replay', epoch: 'epoch-1', ...range })

    expect(reply).toMatchObject({ status: 'error', error: { code } })
  })
})

describe('purchase.explain', () => {
  it('tells of a purchase that waited, was topped up, survived a reboot and ended', async () => {
    await router.grant('bytes', megabytes(2))
    await router.pass(60_000)
    router.join(1)
    await router.pass(10_000)
    router.use(megabytes(1))
    await router.grant('bytes', megabytes(1), { purchaseId: 'p2' })
    await router.pass(60_000)
    await router.reboot(30_000)
    router.join(1)
    await router.pass(10_000)
    router.use(megabytes(2))
    await router.pass(10_000)
    const reply = await ask({ command: 'purchase.explain', purchaseId: 'p1' })
    const data = reply.status === 'ok' ? (reply.data as { story: { text: string; at: string }[] }) : { story: [] }

    expect(data).toMatchObject({ complete: true, ended: true, mac: aMac(), allotment: megabytes(2) })
    expect(data.story.map(({ text }) => text)).toEqual([
      expect.stringContaining('accepted: 2,000,000 bytes'),
      expect.stringMatching(/^the gate opened, 6\d,\d{3} ms after/),
      expect.stringContaining('purchase p2 added 1,000,000 bytes'),
      expect.stringContaining('the agent started (after-reboot)'),
      expect.stringContaining('paid-but-blocked'),
      'the session ended (allotment-used): 2,000,000 / 2,000,000 / 0 bytes used / bought / unused',
    ])
  })

  it('tells why a purchase was refused', async () => {
    await router.uplink.purchase({ purchaseId: 'p9', mac: aMac(), amount: 1, unit: 'eur' })

    expect(await ask({ command: 'purchase.explain', purchaseId: 'p9' })).toMatchObject({
      status: 'ok',
      data: { code: 'unknown-price', story: [{ text: expect.stringContaining('refused with unknown-price') }] },
    })
  })

  it('knows nothing of a purchase that never came', async () => {
    const reply = await ask({ command: 'purchase.explain', purchaseId: 'never' })

    expect(reply).toMatchObject({ status: 'error', error: { code: 'not-found' } })
  })
})
