// One router as a container: mock portal, customers who buy by HTTP, and `agent.js` beside it as a child process.
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import * as z from 'zod'
import { connectFleet, memoryStore } from '../../client/index.ts'
import { RouterId } from '../../protocol/index.ts'
import { buyByHttp } from '../customers/http-buyer.ts'
import { BrokerUrls, readEnvironment } from '../environment.ts'
import { scaledClock } from '../scaled-clock.ts'
import { createRouter } from './router.ts'

const Environment = z.object({
  ROUTER_ID: RouterId.meta({ description: 'letters, digits, _ and -, at most 64: the id of this router' }),
  ROUTER_NUMBER: z.coerce
    .number()
    .int()
    .min(1)
    .max(65535)
    .default(1)
    .meta({ description: 'a number from 1 to 65535 that tells its devices from those of other routers' }),
  FLAVOUR: z
    .enum(['nodogsplash', 'opennds', 'opennds-10'])
    .default('nodogsplash')
    .meta({ description: 'nodogsplash, opennds or opennds-10' }),
  DEVICES: z.coerce.number().int().min(0).max(200).default(5).meta({ description: 'customers, from 0 to 200' }),
  SEED: z.coerce
    .number()
    .int()
    .min(0)
    .default(1)
    .meta({ description: 'a whole number: the same seed makes the same customers' }),
  MQTT_URL: BrokerUrls.default('mqtt://127.0.0.1:1883').meta({ description: 'the URL of the broker, or several' }),
  WATCH_USERNAME: z
    .string()
    .optional()
    .meta({ description: 'a monitor at the broker, who sees whether this router is on line' }),
  WATCH_PASSWORD_FILE: z.string().optional().meta({ description: 'a file with the password of that' }),
  WATCH_CA: z.string().optional().meta({ description: 'a file: the authority that vouches for the broker' }),
  BACKEND_URL: z
    .url()
    .default('http://127.0.0.1:8080')
    .meta({ description: 'the URL of the backend, where customers buy' }),
  STATE_DIR: z.string().min(1).default('./state').meta({ description: 'a folder for the journal' }),
  HEALTH_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(9090)
    .meta({ description: 'a port from 0 to 65535 that answers 200 while the router is on line' }),
})
const settings = readEnvironment(
  'One simulated router: a mock portal, customers, and the real agent.',
  Environment,
  process.env,
)
const { ROUTER_ID: routerId, MQTT_URL: url } = settings

const given = Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
const router = createRouter({
  routerId,
  number: settings.ROUTER_NUMBER,
  flavour: settings.FLAVOUR,
  devices: settings.DEVICES,
  seed: settings.SEED,
  clock: scaledClock(1),
  buy: buyByHttp(settings.BACKEND_URL, routerId),
  env: { ...Object.fromEntries(given), AGENT_MQTT_URL: url, AGENT_STATE_DIR: settings.STATE_DIR },
  external: {
    agent: join(import.meta.dirname, 'agent.js'),
    ndsctl: join(import.meta.dirname, 'ndsctl.js'),
    socketDir: mkdtempSync(join(tmpdir(), 'router-')),
  },
})

// Healthy is a router whose status on the broker says online, and that is heard.
const fleet = await connectFleet({
  ...{ url, store: memoryStore(), within: 60_000 },
  ...(settings.WATCH_USERNAME !== undefined && { username: settings.WATCH_USERNAME }),
  ...(settings.WATCH_PASSWORD_FILE !== undefined && { passwordFile: settings.WATCH_PASSWORD_FILE }),
  ...(settings.WATCH_CA !== undefined && { ca: settings.WATCH_CA }),
})
async function stateNow(): Promise<string> {
  return (await fleet.routers()).find((one) => one.routerId === routerId)?.state ?? 'unknown'
}
const health = createServer(async (_request, response) => {
  const state = await stateNow()
  response.writeHead(state === 'online' ? 200 : 503, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify({ routerId, state })}\n`)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void router.stop(signal).then(() => process.exit(0))
  })
}
router.lost.catch((error: unknown) => {
  console.error(String(error))
  process.exit(1)
})

health.listen(settings.HEALTH_PORT, '127.0.0.1')
await router.open()
// A purchase for a router that the broker has never seen is lost.
while ((await stateNow()) !== 'online') await sleepFor(100)
router.openCustomers()
