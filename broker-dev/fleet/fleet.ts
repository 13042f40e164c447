// The whole fleet in one process: broker, backend, routers and customers; at the end the books are checked.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { uuidv7 } from 'uuidv7'
import type { Clock } from '../../agent/time/clock.ts'
import { RouterId } from '../../protocol/index.ts'
import { type Backend, createBackend } from '../backend/backend.ts'
import { type Broker, type BrokerPorts, createBroker } from '../broker/broker.ts'
import { type Link, openLink } from '../broker/link.ts'
import type { FaultyBroker } from '../faults/doings.ts'
import { createInjector, type Injector } from '../faults/injector.ts'
import { createRouter, type Router } from '../router/router.ts'
import { scaledClock } from '../scaled-clock.ts'
import { waitFor, within } from '../waiting.ts'
import { type FleetAccounts, fleetAccounts } from './fleet-accounts.ts'
import type { FleetOptions } from './fleet-arguments.ts'
import { flavourOf, introduce, logFileOf, openBroker } from './fleet-opening.ts'
import { type FleetPageParts, openPage } from './fleet-page.ts'
import { type Summary, summarise } from './fleet-summary.ts'
import type { Screen } from './screen.ts'
import { createWatch, type Watch } from './watch.ts'

export interface FleetParts {
  screen: Screen
  print(text: string): void
  /** Aborts when somebody wants it to end. */
  end: AbortSignal
  /** Where the agents' journals and logs go. */
  stateDir: string
  /** The bundled programs that `--external` runs. */
  programs: { agent: string; ndsctl: string; machine: string }
  /** Where the built page is; without it nobody is shown one. */
  pageFolder?: string
  /** Called when everybody is on line. */
  opened?(fleet: RunningFleet): void
}

export interface RunningFleet {
  /** The page's address. */
  page?: string
  /** Its broker's. */
  url: string
  routerIds: readonly RouterId[]
  faults: Injector
}

/** Runs until its time is over or `end` aborts; then says what was sold, and whether everything added up. */
export async function runFleet(options: FleetOptions, parts: FleetParts): Promise<Summary> {
  const accounts = options.secure ? fleetAccounts(join(parts.stateDir, 'accounts')) : undefined
  const broker = createBroker({ accounts: accounts?.folder })
  const ports = await openBroker(broker, options.port, parts.print)
  const url = `mqtt://127.0.0.1:${ports.port}`
  const access = accounts && { access: accounts.of('backend', 'backend') }
  const backend = createBackend({ url, ...access, folder: join(parts.stateDir, 'backend') })
  const clock = scaledClock(options.speed)
  const routers = await createRouters({ options, parts, backend, clock, accounts, brokerPort: ports.port })
  const faults = createInjector({ routers, broker: faultyBroker(broker, ports), clock })
  const watch = createWatch({
    broker: { url, ...accounts?.of('monitor', 'monitor') },
    ...{ screen: parts.screen, faults, now: clock.wall },
  })
  const page = await pageOf({ url, ...accounts?.of('backend', 'page') }, options, parts, faults)
  const hints = introduce(options, ports, parts.stateDir, page?.url)
  const draw = () =>
    parts.screen.show({
      ...{ fleet: watch.fleet(), faults: faults.log(), problems: watch.problems },
      ...{ now: clock.wall(), speed: options.speed, url, hints, ...(page && { page: page.url }) },
    })
  for (const { routerId, lost } of routers) lost.catch((error) => watch.problems.push(`${routerId}: ${error.message}`))
  try {
    parts.print(hints)
    await Promise.all([backend.open(), watch.open()])
    await Promise.all(routers.map((router) => router.open()))
    await watch.allOnline(routers, parts.end)
    for (const router of routers) router.openCustomers()
    parts.opened?.({ ...(page && { page: page.url }), url, routerIds: routers.map(({ routerId }) => routerId), faults })
    await runUntilOver(options, parts, draw)
    await faults.healAll()
    await settle(routers, watch, backend)
  } finally {
    await Promise.all(routers.map((router) => router.stop('end of the simulation')))
    await watch.allOffline(routers)
    for (const { link } of routers) link.close()
    await Promise.all([backend.close(), watch.close(), page?.close()])
    await broker.close()
  }
  return summarise({ counts: backend.counts(), audits: watch.audit.report(), problems: watch.problems })
}

type FleetRouter = Router & { routerId: RouterId; link: Link }

interface RouterParts {
  options: FleetOptions
  parts: FleetParts
  backend: Backend
  clock: Clock
  brokerPort: number
  accounts: FleetAccounts | undefined
}

async function createRouters(made: RouterParts): Promise<FleetRouter[]> {
  const { options, parts, backend, clock, brokerPort, accounts } = made
  const numbers = [...Array(options.routers).keys()].map((index) => index + 1)
  return Promise.all(numbers.map(createOne))

  async function createOne(number: number): Promise<FleetRouter> {
    const routerId = RouterId.parse(`r${number}`)
    const stateDir = join(parts.stateDir, routerId)
    mkdirSync(stateDir, { recursive: true })
    const link = await openLink(brokerPort, { sleep: (milliseconds) => clock.sleep(milliseconds) })
    const account = accounts?.of('router', routerId)
    const router = createRouter({
      ...{ routerId, number, clock, link, devices: options.devices, seed: options.seed },
      realistic: options.realistic,
      flavour: flavourOf(options.flavour, number),
      env: {
        AGENT_MQTT_URL: `mqtt://127.0.0.1:${link.port}`,
        ...(account && { AGENT_MQTT_USERNAME: account.username, AGENT_MQTT_PASSWORD_FILE: account.passwordFile }),
        AGENT_STATE_DIR: stateDir,
        AGENT_LINK_MBIT: '500',
        // Once a second of real time, so that the table moves.
        AGENT_USAGE_INTERVAL_MS: String(Math.max(1000, Math.round(1000 * options.speed))),
      },
      logFile: logFileOf(parts.stateDir, routerId),
      ...(options.external && { external: { ...parts.programs, socketDir: parts.stateDir } }),
      async buy(mac, order) {
        const outcome = await backend.buy(uuidv7(), routerId, { mac, ...order })
        if (outcome.outcome !== 'accepted') return { accepted: false }
        return { accepted: true, remaining: outcome.event.session?.remaining ?? {} }
      },
    })
    return { ...router, routerId, link }
  }
}

/** A broker that comes back has nothing of what the one before it kept. */
function faultyBroker(broker: Broker, ports: BrokerPorts): FaultyBroker {
  return {
    drop: broker.close,
    async comeBack() {
      await broker.open(ports)
    },
  }
}

async function pageOf(
  broker: FleetPageParts['broker'],
  options: FleetOptions,
  { pageFolder: folder }: FleetParts,
  faults: Injector,
) {
  return folder === undefined ? undefined : openPage({ broker, folder, faults, port: options['page-port'] })
}

async function runUntilOver(options: FleetOptions, parts: FleetParts, draw: () => void): Promise<void> {
  const drawing = setInterval(draw, 250)
  const end = options.for === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.for * 1000
  await waitFor(() => parts.end.aborted, end - performance.now())
  clearInterval(drawing)
  parts.screen.close()
}

/** Nobody buys any more, orders on their way are answered, and every router says once more where it stands. */
async function settle(routers: readonly FleetRouter[], { audit, askUsage }: Watch, backend: Backend): Promise<void> {
  await within(orderPatience, Promise.all(routers.map((router) => router.stopBuying())))
  // Orders that a lost broker held are sent again, after a pause that has grown.
  await waitFor(() => backend.counts().pending === 0, resendPatience)
  await Promise.all(routers.map((router) => router.stopCustomers()))
  await askUsage(routers)
  await waitFor(() => routers.every(({ routerId }) => audit.isComplete(routerId)), 2000)
}

const orderPatience = 5000
const resendPatience = 75_000
