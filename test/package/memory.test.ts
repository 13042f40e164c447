// Proves that the package's agent, on the package's Node, sells and meters in 40 MB.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openMosquitto } from '../support/brokers/brokers.ts'
import { createMemoryCgroup, whyNoMemoryCgroup } from '../support/debian/memory-cgroup.ts'
import { whyNoTests } from '../support/debian/missing-programs.ts'
import { unpackAgent } from '../support/debian/shipped-package.ts'
import { ip, mac, openRouter } from '../support/processes/watched-router.ts'

const missing = whyNoTests() ?? whyNoMemoryCgroup()
if (missing) it.skip(`40 MB: ${missing}`)
const megabytes = 1_000_000
const purchases = 200

it.skipIf(missing)(`sells ${purchases} times in 40 MB, and ends none of them`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const broker = await openMosquitto()
  onTestFinished(broker.close)
  const cgroup = createMemoryCgroup(40 * megabytes)
  onTestFinished(cgroup.remove)
  const command = unpackAgent(folder)
  const router = await openRouter({ url: broker.url, flavour: 'opennds', within: cgroup.within, command })
  onTestFinished(router.close)
  let most = 0
  const watching = setInterval(() => {
    most = Math.max(most, cgroup.anonymousBytes())
  }, 100)
  onTestFinished(() => clearInterval(watching))

  await router.start()
  for (let number = 1; number <= purchases; number++) {
    router.browse(mac(number), ip(number))
    await router.publish({ purchaseId: `p${number}`, mac: mac(number), metric: 'bytes', allotment: 100 * megabytes })
  }
  await router.hears('session.started', purchases, 120_000)
  const heard = router.ofType('usage').length
  await router.hears('usage', heard + 5)

  console.log(`${(most / megabytes).toFixed(1)} MB of anonymous memory at most`)
  expect(cgroup.kills()).toBe(0)
  expect(most).toBeGreaterThan(5 * megabytes)
  expect(most).toBeLessThanOrEqual(36 * megabytes)
})
