// Proves with a real Prometheus that an operator is woken: for a killed agent, a stopped portal and a full disk, and for no longer
// than each lasts. The dashboard's expressions all have something to show.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aBroker } from '../support/brokers/a-broker.ts'
import { limitedFiles } from '../support/processes/full-disks.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'
import { aProgram, type RunningProgram } from './a-program.ts'
import { aPrometheus, isMissing, type Prometheus, whyMissing } from './a-prometheus.ts'

describe.skipIf(isMissing)(isMissing ? whyMissing : 'a real Prometheus', () => {
  let broker: Awaited<ReturnType<typeof aBroker>>
  let routers: Router[] = []
  let exporter: RunningProgram
  let prometheus: Prometheus
  beforeAll(async () => {
    broker = await aBroker()
    exporter = aProgram(['exporter', '--listen', '127.0.0.1:0'], { TOLLGATE_URL: broker.url })
    const [, target = ''] = await exporter.says(/metrics at http:\/\/(\S+)\/metrics/)
    await until(async () => (await fetch(`http://${target}/healthz`)).status === 200)
    routers = await Promise.all([1, 2, 3].map(() => openRouter({ url: broker.url })))
    for (const router of routers) {
      await router.start()
      router.browse(mac(1), ip(1))
      await router.publish({ purchaseId: 'p1', mac: mac(1), amount: 31, unit: 'sat' })
      await router.hears('session.started')
    }
    prometheus = await aPrometheus(target)
  }, 60_000)
  afterAll(async () => {
    await prometheus.close()
    for (const router of routers) await router.close()
    await exporter.end()
    await broker.close()
  })

  const firing = async (alert: string) => (await prometheus.firing()).includes(alert)

  it('is quiet while all is well, and has the figures of every router', async () => {
    await until(async () => (await prometheus.query('tollgate_sold_bytes_total')).length === 3)
    const sold = await prometheus.query('tollgate_sold_bytes_total')
    expect(sold.map(({ value: [, sum] }) => sum)).toEqual(['682622976', '682622976', '682622976'])
    expect(await prometheus.firing()).toEqual([])
  })

  it('fires for a killed agent until it is back', async () => {
    const [router] = routers
    const alert = `TollgateRouterAway of ${router?.id}`
    await router?.kill()
    await until(() => firing(alert), 30_000)
    expect(await prometheus.firing()).toEqual([alert])
    await router?.start()
    await until(async () => !(await firing(alert)), 30_000)
  })

  it('fires for a stopped portal until it answers', async () => {
    const [, router] = routers
    const alert = `TollgatePortalUnreachable of ${router?.id}`
    router?.portal.stop()
    await until(() => firing(alert), 40_000)
    expect(await prometheus.firing()).toEqual([alert, `TollgateRouterDegraded of ${router?.id}`])
    router?.portal.start()
    await until(async () => (await prometheus.firing()).length === 0, 40_000)
  })

  it.skipIf(limitedFiles.missing)('fires for a full disk until there is room', async () => {
    const [, , router] = routers
    const alert = `TollgateDiskRefuses of ${router?.id}`
    const disk = limitedFiles.open()
    const pid = router?.pid() ?? 0
    disk.fill(pid)
    await until(() => firing(alert), 40_000)
    expect(await prometheus.firing()).toEqual([alert, `TollgateRouterDegraded of ${router?.id}`])
    disk.free(pid)
    await until(async () => (await prometheus.firing()).length === 0, 40_000)
  })

  it('has something to show for every line of the dashboard', async () => {
    const file = resolve(import.meta.dirname, '../../deploy/grafana/tollgate.json')
    const { panels }: { panels: { targets: { expr: string }[] }[] } = JSON.parse(readFileSync(file, 'utf8'))
    const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    expect(expressions.length).toBeGreaterThan(15)
    const empty: string[] = []
    for (const expression of expressions) {
      const inTime = expression.replaceAll('$router', '.*').replaceAll(/\$__(rate_interval|range)/g, '5m')
      // Nothing is lost here, and that line shows losses alone.
      if ((await prometheus.query(inTime)).length === 0 && !expression.endsWith('> 0')) empty.push(expression)
    }
    expect(empty).toEqual([])
  })
})
