// Shows what a flood of junk purchases costs, `flood [--junk 20000]`: a used-up purchase, honest ones meanwhile, a gate that must
// shut, flash, and events that the broker did not get. Exit code 1 when something of it is not as promised.
import { commandLine, wholeNumber } from '../../broker-dev/command-line.ts'
import { mosquitto } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const { junk } = commandLine('npm run flood --', 'Sends junk purchases to one router, and shows what they cost.')
  .option('--junk <count>', 'how many', wholeNumber(100, 1e6), 20_000)
  .parse()
  .opts<{ junk: number }>()
const allotment = 1_000_000
const honestEvery = 5000
const honest = 4

const broker = await mosquitto.open()
const router = await openRouter({
  url: broker.url,
  env: { AGENT_CHECKPOINT_INTERVAL_MS: '2000', AGENT_USAGE_INTERVAL_MS: '1000' },
})
const passed = async (from: number, milliseconds: number) =>
  until(() => performance.now() - from >= milliseconds, milliseconds + 10_000)
const status = () => {
  const last = router.statuses.at(-1)
  if (!last || last.state === 'offline') throw new Error('the router is offline')
  return last
}

try {
  for (let device = 1; device <= honest + 1; device++) router.browse(mac(device), ip(device))
  await router.start()
  const paidOnce = { purchaseId: 'paid-once', mac: mac(1), metric: 'bytes', allotment }
  await router.publish(paidOnce)
  await router.hears('session.started')
  router.portal.transfer(mac(1), { downloaded: allotment, uploaded: 0 })
  await router.hears('session.ended')
  const written = status().flash.writtenBytes

  const began = performance.now()
  const flooding = (async () => {
    for (let sent = 0; sent < junk; sent += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          router.publish({ purchaseId: `junk-${sent + index}`, mac: mac(9), amount: 1, unit: 'shells' }),
        ),
      )
    }
    return performance.now() - began
  })()
  const opened: number[] = []
  let shutAfter = 0
  for (let number = 0; number < honest; number++) {
    await passed(began, 500 + number * honestEvery)
    const device = mac(number + 2)
    const from = performance.now()
    // Mosquitto drops what is beyond its queue: a backend publishes until the outcome is there.
    for (let tries = 1; !router.portal.gateOpen(device); tries++) {
      if (tries > 120) throw new Error(`honest-${number} is not served: ${JSON.stringify(status())}`)
      await router.publish({ purchaseId: `honest-${number}`, mac: device, metric: 'bytes', allotment })
      await until(() => router.portal.gateOpen(device), 500).catch(() => {})
    }
    opened.push(Math.round(performance.now() - from))
    if (number > 0) continue
    router.portal.transfer(device, { downloaded: allotment, uploaded: 0 })
    const spent = performance.now()
    await until(() => !router.portal.gateOpen(device), 30_000)
    shutAfter = Math.round(performance.now() - spent)
  }
  const sentIn = Math.round(await flooding)
  await until(() => status().journal?.acknowledgedSeq === status().journal?.lastSeq, 60_000)
  const heardBefore = router.heard.length
  await router.publish(paidOnce)
  await until(() => router.heard.slice(heardBefore).some((m) => 'purchaseId' in m && m.purchaseId === 'paid-once'))
  const again = router.heard.slice(heardBefore).find((m) => 'purchaseId' in m && m.purchaseId === 'paid-once')
  await passed(performance.now(), 2500)
  const { journal, flash, warnings } = status()
  const numbers = new Set(router.heard.flatMap((m) => ('seq' in m && m.seq !== undefined ? [m.seq] : [])))
  const unpublished = (journal?.lastSeq ?? 0) - numbers.size
  const flashBytes = flash.writtenBytes - written
  const isDuplicate = again?.type === 'purchase.accepted' && again.duplicate === true && !router.portal.gateOpen(mac(1))
  console.log(
    `${junk} junk purchases sent in ${sentIn} ms; ${journal?.lastSeq} events journalled, ${unpublished} unpublished`,
  )
  console.log(`honest purchases open after ${opened.join(', ')} ms; a spent gate shut after ${shutAfter} ms`)
  console.log(
    `flash ${flashBytes} bytes; paid-once is ${isDuplicate ? 'still a duplicate' : 'SOLD AGAIN'}; ${warnings}`,
  )
  const isKept = unpublished === 0 && flashBytes <= 1_000_000 && isDuplicate && opened.every((after) => after <= 2000)
  process.exitCode = isKept ? 0 : 1
} finally {
  await router.close()
  await broker.close()
}
