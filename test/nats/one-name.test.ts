// Proves that a router behind one name with three addresses goes over to another node when its own dies.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { natsMissing, openNats } from '../support/brokers/nats.ts'
import { openWatchedAgent } from '../support/processes/watched-agent.ts'
import { until } from '../support/until.ts'

const canMount = spawnSync('unshare', ['-m', 'true']).status === 0
const missing = natsMissing ?? (canMount ? undefined : 'a name with three addresses needs root: unshare -m')
if (missing && process.env.CI) throw new Error(missing)

it.skipIf(missing)(
  'sells on, at the next address of its name',
  async () => {
    const cluster = await openNats()
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-name-'))
    const hosts = join(folder, 'hosts')
    writeFileSync(hosts, cluster.addresses.map((address) => `${address} cluster.tollgate.test\n`).join(''))
    const [, , last = ''] = cluster.urls
    const agent = await openWatchedAgent({
      broker: { url: 'mqtt://admin:admin@cluster.tollgate.test:1883', watchUrl: last },
      within: ['unshare', '-m', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh'],
    })
    try {
      await agent.start('degraded')
      const node = await cluster.nodeOf(`tollgate-${agent.id}`)
      expect([0, 1]).toContain(node)
      const from = performance.now()
      await cluster.kill(node ?? 0)
      await until(async () => ![node, undefined].includes(await cluster.nodeOf(`tollgate-${agent.id}`)), 60_000)
      await agent.publish({ purchaseId: 'p1', mac: '02:66:ca:fe:00:01', metric: 'bytes', allotment: 1_000_000 })
      const [accepted] = await agent.hears('purchase.accepted', 1, 60_000)
      console.log(`at another address and sold after ${((performance.now() - from) / 1000).toFixed(1)} s`)
      expect(accepted).toMatchObject({ purchaseId: 'p1', final: true })
    } finally {
      await agent.close()
      await cluster.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
  150_000,
)
