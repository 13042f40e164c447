// A fleet at a NATS cluster as it is shipped: two routers whose agents are processes, a payment backend, two consumers that share
// the routers, two sinks that share them too, and an exporter; all of them with accounts of their own, through the doors of all three nodes.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { createBackend } from '../../broker-dev/backend/backend.ts'
import { createRouter } from '../../broker-dev/router/router.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { connectFleet, type FleetOptions, type Item, memoryStore } from '../../client/index.ts'
import { type Event, RouterId } from '../../protocol/index.ts'
import { enrol, someAccounts } from '../brokers/access.cases.ts'
import { aProgram } from '../consumers/a-program.ts'
import { type Machines, openNats } from '../support/brokers/nats.ts'
import { openPostgres } from '../support/processes/postgres.ts'
import { eventsOnDisk } from '../support/router-events.ts'
import { until } from '../support/until.ts'

// Of two consumers each has one of them.
export const routerIds = ['r1', 'r4'].map((id) => RouterId.parse(id))

export type FleetAtNats = Awaited<ReturnType<typeof aFleetAtNats>>

export async function aFleetAtNats(machines?: Machines) {
  const folder = someAccounts()
  enrol(folder, 'r4')
  const passwordFile = (user: string) => join(folder, user, 'password')
  const one = { username: 'admin', password: readFileSync(passwordFile('admin'), 'utf8').trim() }
  const list = readFileSync(join(folder, 'users.conf'), 'utf8')
  const cluster = await openNats({ users: { list, one }, hasDoors: true, ...(machines && { machines }) })
  const url = cluster.doors.other.join(',')
  const as = (username: string): FleetOptions => ({
    ...{ url, username, passwordFile: passwordFile(username), ca: cluster.caFile, within: 60_000 },
    store: memoryStore(),
  })
  const postgres = openPostgres()
  const pool = new pg.Pool({ connectionString: postgres.url })

  const routers = routerIds.map((routerId, index) => {
    const stateDir = stateDirOf(routerId)
    mkdirSync(stateDir)
    return createRouter({
      ...{ routerId, number: index + 1, flavour: 'nodogsplash', devices: 0, seed: 1, clock: scaledClock(1) },
      buy: async () => ({ accepted: false }),
      env: {
        PATH: String(process.env.PATH),
        AGENT_MQTT_URL: cluster.doors.router.join(','),
        ...{ AGENT_MQTT_USERNAME: routerId, AGENT_MQTT_PASSWORD_FILE: passwordFile(routerId) },
        ...{ AGENT_MQTT_CA_FILE: cluster.caFile, AGENT_STATE_DIR: stateDir, AGENT_USAGE_INTERVAL_MS: '2000' },
      },
      external: { agent: resolve('dist/agent.js'), ndsctl: resolve('dist/ndsctl.js'), socketDir: folder },
      logFile: join(folder, `${routerId}.log`),
    })
  })
  function stateDirOf(routerId: string): string {
    return join(folder, `state-${routerId}`)
  }
  for (const router of routers) await router.open()

  const access = { username: 'backend', passwordFile: passwordFile('backend'), ca: cluster.caFile }
  const backend = createBackend({ url, access, folder: join(folder, 'outbox'), withinMilliseconds: 180_000 })
  await backend.open()
  const monitors = await Promise.all([0, 1].map(() => connectFleet(as('monitor'))))
  const logs = monitors.map(() => [] as Item[])
  const reading = monitors.map(async (monitor, index) => {
    for await (const { item } of monitor.events({ from: 'beginning', partition: { index, of: monitors.length } })) {
      logs[index]?.push(item)
    }
  })
  const env = {
    ...{ TOLLGATE_URL: url, TOLLGATE_USERNAME: 'monitor', TOLLGATE_PASSWORD_FILE: passwordFile('monitor') },
    ...{ TOLLGATE_CA: cluster.caFile, TOLLGATE_DATABASE: postgres.url },
  }
  const sinks = ['0/2', '1/2'].map((share) => aProgram(['sink', '--partition', share], env))
  const exporter = aProgram(['exporter', '--listen', '127.0.0.1:0'], env)
  // They are to live through everything: a death is told of, with their last words.
  for (const program of [...sinks, exporter]) {
    void program.finished.then((code) => console.log(`ended with ${code}: ${program.output}`))
  }
  const [, metricsAt = ''] = await exporter.says(/metrics at (http:\S+)/)
  // It counts from when it listens on; its address is said before.
  const health = metricsAt.replace('/metrics', '/healthz')
  const isListening = async () => (await fetch(health).catch(() => undefined))?.status === 200
  await until(isListening, 60_000)
  const [watcher] = monitors
  await until(
    async () => ((await watcher?.routers()) ?? []).filter(({ state }) => state === 'online').length === 2,
    60_000,
  )

  return {
    ...{ cluster, backend, watcher, logs },
    journalOf: (routerId: string): Event[] => eventsOnDisk(stateDirOf(routerId)),
    rows: async (sql: string) => (await pool.query(sql)).rows,
    async metrics(): Promise<string[]> {
      const answer = await fetch(metricsAt, { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
      return ((await answer?.text()) ?? '').split('\n')
    },
    async close() {
      await Promise.all(routers.map((router) => router.stop('the test is over')))
      await backend.close()
      await Promise.all(monitors.map((monitor) => monitor.close()))
      await Promise.all(reading)
      for (const program of [...sinks, exporter]) await program.end('SIGKILL')
      await pool.end()
      postgres.close()
      await cluster.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
