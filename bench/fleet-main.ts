// A fleet of routers in one process: real agents, each with a mock portal and open sessions through which bytes flow. Its
// parent says when to start, and asks what they take.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Agent, assembleAgent } from '../agent/assemble.ts'
import { readConfig } from '../agent/config.ts'
import { createLog } from '../agent/log.ts'
import { systemClock } from '../agent/time/clock.ts'
import { inProcess } from '../broker-dev/portal/in-process.ts'
import { createPortal } from '../broker-dev/portal/world.ts'
import { mulberry32 } from '../broker-dev/random.ts'
import { waitFor } from '../broker-dev/waiting.ts'
import { createLink } from '../test/support/brokers/link.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import type { FromFleet, ToFleet } from './fleet.ts'
import { createFlowingPortal } from './flowing-portal.ts'
import { monotonic } from './monotonic.ts'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    folder: { type: 'string', default: '' },
    routers: { type: 'string', default: '' },
    devices: { type: 'string', default: '' },
  },
})
const { url, folder } = values
const residentAtStart = process.memoryUsage().rss
const devices = Array.from({ length: Number(values.devices) }, (_, index) => index + 1)
const bytesPerSecond = 20_000
// Agents start one after the other, so that their reports spread over the usage interval.
const spreadMilliseconds = 10_000

const clock = systemClock()
const log = createLog('silent')

function portalWithDevices(gates: 'open' | 'shut') {
  // The same random numbers, the same tokens: every router's portal fits the one state that all of them start from.
  const world = createPortal({ flavour: 'nodogsplash', now: Date.now, random: mulberry32(1), maxClients: 250 })
  for (const device of devices) {
    world.arrive(aMac(device), anIp(device))
    world.browse(aMac(device))
    if (gates === 'open') world.request(`auth ${aMac(device)}`)
  }
  const flowing = createFlowingPortal(world, monotonic, () => {})
  for (const device of devices) flowing.join(aMac(device), anIp(device), bytesPerSecond)
  return flowing.portal
}

function agentOf(routerId: string, portal: ReturnType<typeof portalWithDevices>): Agent {
  const read = readConfig({ AGENT_ROUTER_ID: routerId, AGENT_MQTT_URL: url, AGENT_STATE_DIR: stateOf(routerId) })
  if ('problems' in read) throw new Error(read.problems.join('; '))
  const ask = inProcess(portal)
  return assembleAgent(read.config, { clock, log, ndsctl: (args) => ask([...args]) })
}

const stateOf = (routerId: string): string => join(folder, routerId)

/** One router sells to every device, and stops: all routers begin with the state that it leaves behind. */
async function makeFirstState(): Promise<string> {
  const routerId = 'first'
  const started = new Set<string>()
  let isOnline = false
  const link = createLink({
    url,
    topics: [`router/${routerId}/usage`, `router/${routerId}/status`],
    onMessage(_, payload) {
      const message = JSON.parse(new TextDecoder().decode(payload)) as { state?: string; type?: string; mac: string }
      isOnline ||= message.state === 'online'
      if (message.type === 'session.started') started.add(message.mac)
    },
  })
  await link.open()
  const agent = agentOf(routerId, portalWithDevices('shut'))
  await agent.open()
  await waitFor(() => isOnline, 10_000)
  for (const device of devices) {
    const purchase = { purchaseId: `p${device}`, mac: aMac(device), metric: 'bytes', allotment: 1e12 }
    await link.publish(`router/${routerId}/purchase`, purchase)
  }
  await waitFor(() => started.size === devices.length, 30_000)
  await agent.stop('the state is made')
  await link.close()
  return routerId
}

const first = await makeFirstState()
const routers = Array.from({ length: Number(values.routers) }, (_, index) => {
  const routerId = `fleet-${index + 1}`
  cpSync(stateOf(first), stateOf(routerId), { recursive: true })
  return agentOf(routerId, portalWithDevices('open'))
})
const from = performance.now()
for (const [index, agent] of routers.entries()) {
  await agent.open()
  await sleepFor(Math.max(0, from + ((index + 1) / routers.length) * spreadMilliseconds - performance.now()))
}

function tell(message: FromFleet): void {
  process.send?.(message)
}
process.on('message', (_: ToFleet) => {
  const { user, system } = process.cpuUsage()
  tell({ cpuMilliseconds: (user + system) / 1000, residentBytes: process.memoryUsage().rss, residentAtStart })
})
process.once('disconnect', () => process.exit(0))
tell('started')
