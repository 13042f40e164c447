// A small fleet behind a page: a broker, routers with real agents and mock portals, one device at each that waits for a purchase.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { macOf } from '../../broker-dev/customers/crowd.ts'
import { createRouter } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { connectFleet, memoryStore } from '../../client/index.ts'
import { type PageOptions, runPage } from '../../page/server/page.ts'
import { until } from '../support/until.ts'

export interface Site {
  url: string
  close(): Promise<void>
}

// Customers use up twice as fast what they bought.
const speed = 2
const flavours = ['nodogsplash', 'opennds', 'opennds-10'] as const

export async function aSite(count: number, options: Partial<PageOptions> = {}): Promise<Site> {
  const state = mkdtempSync(join(tmpdir(), 'tollgate-chromium-'))
  const broker = createBroker()
  const { port } = await broker.open({ port: 0, wsPort: 0 })
  const url = `mqtt://127.0.0.1:${port}`
  const clock = scaledClock(speed)
  const routers = [...Array(count).keys()].map((index) =>
    createRouter({
      ...{ routerId: `r${index + 1}`, number: index + 1, clock, devices: 0, seed: 1 },
      flavour: flavours[index % flavours.length] ?? 'nodogsplash',
      buy: async () => ({ accepted: false }),
      env: {
        AGENT_MQTT_URL: url,
        AGENT_STATE_DIR: join(state, `r${index + 1}`),
        AGENT_LINK_MBIT: '500',
        AGENT_USAGE_INTERVAL_MS: String(1000 * speed),
      },
      logFile: join(state, `r${index + 1}.log`),
    }),
  )
  await Promise.all(routers.map((router) => router.open()))
  for (const router of routers) router.openCustomers()
  const fleet = await connectFleet({ url, store: memoryStore() })
  const served = await servePage(fleet, { byHand: (routerId) => byHandOf(routerId), ...options })
  await until(async () => (await fleet.routers()).filter(({ state }) => state === 'online').length === count)
  return {
    url: served.url,
    async close() {
      await served.close()
      await fleet.close()
      await Promise.all(routers.map((router) => router.stop('end of the test')))
      await broker.close()
      rmSync(state, { recursive: true, force: true })
    },
  }
}

export function byHandOf(routerId: string): string {
  return macOf(Number(routerId.slice(1)), 0)
}

/** The page over a fleet of any kind, at a free port. */
export async function servePage(
  fleet: Parameters<typeof runPage>[0],
  options: Partial<PageOptions> = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const end = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const url = await new Promise<string>((onListening, reject) => {
    running = runPage(fleet, {
      address: { host: '127.0.0.1', port: 0 },
      folder: 'dist/page',
      ...{ isReadOnly: false, actsBeyondThisMachine: false, from: 'beginning', signal: end.signal, onListening },
      ...options,
    })
    running.catch(reject)
  })
  return {
    url,
    async close() {
      end.abort()
      await running
    },
  }
}
