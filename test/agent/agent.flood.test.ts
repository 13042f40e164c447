// Proves that a flood of junk costs nobody anything: no id is forgotten, no event goes unpublished, and honest customers are
// served meanwhile.
import { beforeEach, expect, it } from 'vitest'
import { aRouter, type RouterUnderTest } from '../support/a-router.ts'
import { aGrant, aMac } from '../support/builders.ts'
import { settled } from '../support/fake-clock.ts'

const megabyte = 1_000_000
const junk = 1500

let router: RouterUnderTest
beforeEach(async () => {
  router = aRouter()
  for (const device of [1, 2]) router.join(device)
  await router.start()
  await router.grant('bytes', megabyte, { purchaseId: 'paid-once' })
  router.use(megabyte)
  await router.pass(3000)
})

async function flood(): Promise<void> {
  for (let number = 0; number < junk; number++) {
    await router.uplink.purchase({ purchaseId: `junk-${number}`, mac: aMac(3), amount: 1, unit: 'shells' })
  }
  await settled()
}

const answersTo = (purchaseId: string) =>
  router.usage().filter((message) => 'purchaseId' in message && message.purchaseId === purchaseId)

it('a purchase that was used up stays used up', async () => {
  await flood()
  await router.pass(61_000)
  await router.restart()
  await router.grant('bytes', megabyte, { purchaseId: 'paid-once' })

  expect(answersTo('paid-once').at(-1)).toMatchObject({ type: 'purchase.accepted', duplicate: true })
  expect(router.isOpen()).toBe(false)
  expect(router.uplink.liveStatus().conservation.bytes.sold).toBe(megabyte)
})

it('refusals beyond the limit are answered, not journalled, and may be sent again', async () => {
  const before = router.uplink.liveStatus().flash.writtenBytes
  await flood()
  await router.pass(61_000)
  const { journal, flash } = router.uplink.liveStatus()
  const [first] = answersTo('junk-0')
  const last = answersTo(`junk-${junk - 1}`)

  expect(first).toMatchObject({ code: 'unknown-price', final: true, seq: expect.any(Number) })
  expect(last).toMatchObject([{ code: 'too-many-purchases', final: false, retry: true }])
  expect(journal.lastSeq).toBeLessThan(1100)
  expect(flash.writtenBytes - before).toBeLessThan(megabyte)
})

it('a minute later ten more may be refused for good', async () => {
  await flood()
  await router.pass(60_000)
  for (let number = 0; number < 20; number++) {
    await router.uplink.purchase({ purchaseId: `late-${number}`, mac: aMac(3), amount: 1, unit: 'shells' })
  }
  await settled()
  const final = router
    .events('purchase.rejected')
    .filter((event) => event.purchaseId?.startsWith('late-') && event.final)

  expect(final).toHaveLength(10)
})

it('customers are served meanwhile, and every event is published', async () => {
  const flooding = flood()
  await router.uplink.purchase(aGrant('bytes', megabyte, { purchaseId: 'honest', mac: aMac(2) }))
  await settled()
  const wasOpen = router.isOpen(2)
  await flooding
  await router.pass(1000)
  const { journal } = router.uplink.liveStatus()

  expect(wasOpen).toBe(true)
  expect(journal.acknowledgedSeq).toBe(journal.lastSeq)
  expect(router.uplink.liveStatus().warnings).toEqual([])
})

it('costs nothing that a broker finds which was away for an hour', async () => {
  const before = router.uplink.liveStatus().flash.writtenBytes
  await router.grant('bytes', megabyte, { purchaseId: 'p2', mac: aMac(2) })
  const release = router.uplink.holdAcknowledgements()
  await flood()
  router.uplink.disconnect()
  release()
  router.use(megabyte, 2)
  await router.pass(3000)
  const isShut = !router.isOpen(2)
  await router.pass(3_600_000)
  router.uplink.connect()
  await router.pass(60_000)
  const { journal, flash, warnings } = router.uplink.liveStatus()
  const told = new Set(router.usage().flatMap((message) => ('seq' in message && message.seq ? [message.seq] : [])))
  const gaps = Array.from({ length: journal.lastSeq }, (_, index) => index + 1).filter((seq) => !told.has(seq))

  expect({ isShut, gaps, warnings }).toEqual({ isShut: true, gaps: [], warnings: [] })
  expect(journal.acknowledgedSeq).toBe(journal.lastSeq)
  expect(flash.writtenBytes - before).toBeLessThan(megabyte)
})

it('sales stop with an answer while the broker takes nothing, before events would have to go', async () => {
  const small = aRouter({ limits: { fileBytes: 4000, mostBytes: 40_000, mostDays: 30 } })
  await small.start()
  small.uplink.holdAcknowledgements()
  for (let number = 0; number < 100; number++) {
    await small.uplink.purchase(aGrant('bytes', 1000, { purchaseId: `p${number}`, mac: aMac(number + 1) }))
  }
  await small.pass(120_000)
  const answers = small.usage().filter((event) => event.type === 'purchase.rejected')

  expect(answers.length).toBeGreaterThan(10)
  expect(answers.at(-1)).toMatchObject({
    ...{ code: 'too-many-purchases', final: false, retry: true },
    message: expect.stringContaining('the broker takes events more slowly'),
  })
  expect([...small.disk.files.keys()].filter((name) => name.startsWith('journal-')).sort()[0]).toContain(
    '-0000000000000001-',
  )
})

it('junk asks the portal nothing', async () => {
  const asked = router.calls.length
  await flood()

  expect(router.calls.length - asked).toBe(0)
})
