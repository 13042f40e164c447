// Stories of a crowd around one customer, in virtual time: what each costs, as a figure.
import type { Flavour } from '../../broker-dev/portal/world.ts'
import { aRouter, type RouterUnderTest } from './a-router.ts'
import { aMac, anIp } from './builders.ts'

export const megabyte = 1_000_000
export const devices = (from: number, count: number): number[] => Array.from({ length: count }, (_, n) => from + n)

export function sell(router: RouterUnderTest, device: number, bytes: number): Promise<void> {
  return router.grant('bytes', bytes, { purchaseId: `p${device}`, mac: aMac(device) })
}

/** Bytes that came through beyond what was bought, when the gate is shut at last. */
export async function lateBy(
  router: RouterUnderTest,
  device: number,
  bytes: number,
  patience = 60_000,
): Promise<number> {
  for (let waited = 0; router.isOpen(device) && waited < patience; waited += 50) await router.pass(50)
  return router.streams.passed(device) - bytes
}

/** 100 who paid are away while one uses up 50 MB at 100 Mbit/s, and another one buys. */
export async function amongHundredWhoAreAway(
  router: RouterUnderTest,
): Promise<{ late: number; isNewcomerIn: boolean }> {
  for (const device of devices(1, 120)) router.join(device)
  await router.start()
  await router.pass(2000)
  for (const device of devices(300, 100)) await sell(router, device, 50 * megabyte)
  await router.pass(120_000)
  await sell(router, 1, 50 * megabyte)
  await router.pass(5000)
  router.streams.set(1, 100)
  const late = await lateBy(router, 1, 50 * megabyte)
  await sell(router, 120, 50 * megabyte)
  await router.pass(3000)
  return { late, isNewcomerIn: router.isOpen(120) }
}

/** Twelve buy while a look is under way that would have found a lot of 20 MB used up at 50 Mbit/s. */
export async function amongTwelveWhoBuy(router: RouterUnderTest): Promise<{ late: number; areAllIn: boolean }> {
  for (const device of devices(1, 13)) router.join(device)
  await router.start()
  await router.pass(1000)
  await sell(router, 1, 20 * megabyte)
  await router.pass(3000)
  router.streams.set(1, 50)
  await router.pass(2600)
  await Promise.all(devices(2, 12).map((device) => sell(router, device, 50 * megabyte)))
  const late = await lateBy(router, 1, 20 * megabyte)
  await router.pass(20_000)
  return { late, areAllIn: devices(2, 12).every((device) => router.isOpen(device)) }
}

/** A device with one megabyte left comes back after minutes, at 100 Mbit/s. */
export async function backAfterMinutes(router: RouterUnderTest): Promise<number> {
  for (const device of [1, 2]) router.join(device)
  await router.start()
  await router.pass(2000)
  for (const device of [1, 2]) await sell(router, device, 101 * megabyte)
  await router.pass(3000)
  router.use(100 * megabyte)
  await router.pass(15_000)
  router.portal.leave(aMac(1))
  await router.pass(400_000)
  router.portal.arrive(aMac(1), anIp(1))
  router.streams.set(1, 100)
  return lateBy(router, 1, megabyte, 120_000)
}

/** How often a minute the portal is asked because of one who paid and is not there. */
export async function askedForANoShow(flavour: Flavour, neighbours: boolean): Promise<number> {
  const router = aRouter({ flavour, neighbours, takes: 'measured' })
  router.join(1)
  await router.start()
  await router.pass(60_000)
  await sell(router, 9, megabyte)
  await router.pass(300_000)
  const before = router.calls.length
  await router.pass(300_000)
  return (router.calls.length - before) / 5
}

/** Bytes on disk for each event of a customer's whole session while 2,000 who paid are away. */
export async function bytesAnEventAmong(waiting: number): Promise<number> {
  const router = aRouter({ env: { AGENT_CHECKPOINT_INTERVAL_MS: '3600000', AGENT_LOOK_INTERVAL_MS: '60000' } })
  for (const device of devices(1, 20)) router.join(device)
  await router.start()
  for (const device of devices(100, waiting)) await sell(router, device, megabyte)
  await router.pass(60_000)
  const [written, lastSeq] = writtenBy(router)
  for (const device of devices(1, 20)) {
    await sell(router, device, megabyte)
    await router.pass(10_000)
    router.use(megabyte, device)
    await router.pass(20_000)
  }
  const [writtenNow, seqNow] = writtenBy(router)
  return (writtenNow - written) / (seqNow - lastSeq)
}

function writtenBy(router: RouterUnderTest): [bytes: number, seq: number] {
  const { flash, journal } = router.uplink.liveStatus()
  return [flash.writtenBytes, journal.lastSeq]
}
