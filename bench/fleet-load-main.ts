// A fleet's connections in one process: the uplinks of real agents, with their sessions, last wills, retained statuses and
// subscriptions, and a usage report from each every 10 s. Its parent says when to begin, and asks how far they are.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createLog } from '../agent/log.ts'
import { systemClock } from '../agent/time/clock.ts'
import { createUplink, type Uplink } from '../agent/uplink/uplink.ts'
import { RouterId } from '../protocol/index.ts'
import { aMac } from '../test/support/builders.ts'
import type { FromLoad, ToLoad } from './fleet-load.ts'

const { values } = parseArgs({
  options: { urls: { type: 'string', default: '' }, routers: { type: 'string', default: '' } },
})
const urls = values.urls.split(',')
const count = Number(values.routers)
const sessions = 10
const usageInterval = 10_000

const clock = systemClock()
const log = createLog('silent')
const status = { version: 1, state: 'online', epoch: 'load', bootId: 'load', agentVersion: '0', sessions: { open: 10 } }

/** As long as a real report of so many sessions. */
function reportOf(routerId: string): object {
  const one = (index: number) => ({
    ...{ sessionId: '01890a5d-ac96-774b-bcce-b302099a8057', mac: aMac(index), state: 'open' },
    ...{ startedAt: new Date().toISOString(), allotment: { bytes: 682_622_976 }, used: { bytes: 123_456_789 } },
    ...{
      remaining: { bytes: 559_166_187 },
      downloaded: 111_111_111,
      uploaded: 12_345_678,
      openMilliseconds: 3_600_000,
    },
    ...{ bytesPerSecond: 20_000, exhaustsAt: new Date().toISOString(), quality: 'measured', ageMilliseconds: 0 },
  })
  const common = { type: 'usage', version: 1, routerId, epoch: '01890a5d-ac96-774b-bcce-b302099a8057', afterSeq: 100 }
  const at = new Date().toISOString()
  return { ...common, at, clockSynced: true, sessions: Array.from({ length: sessions }, (_, index) => one(index)) }
}

const online = new Set<number>()
let taken = 0
let bytes = 0

function uplinkOf(index: number): Uplink {
  const routerId = RouterId.parse(`load-${index}`)
  // Each begins at another node, as a name with several addresses gives them out.
  const own = urls.map((_, turn) => urls[(index + turn) % urls.length] ?? '')
  const settings = { routerId, topicPrefix: 'router', mqtt: { urls: own, version: 4 as const } }
  const uplink = createUplink(settings, clock, log)
  const will = { ...status, routerId, state: 'offline' }
  uplink.open(
    {
      purchase: async () => 'acknowledge',
      command: () => {},
      // On line is a router whose status the broker has from this connection.
      connected() {
        online.delete(index)
        const told = uplink.publish('status', { ...status, routerId }, { retain: true })
        void told.then(() => online.add(index)).catch(() => {})
      },
    },
    () => will,
  )
  return uplink
}

async function report(uplink: Uplink, index: number): Promise<void> {
  // Routers that were switched on at different times report at different times.
  await sleepFor((index / count) * usageInterval)
  for (;;) {
    const due = sleepFor(usageInterval)
    const message = reportOf(`load-${index}`)
    await uplink
      .publish('usage', message)
      .then(() => {
        taken++
        bytes += JSON.stringify(message).length
      })
      .catch(() => {})
    await due
  }
}

const uplinks: Uplink[] = []
function tell(message: FromLoad): void {
  process.send?.(message)
}
process.on('message', (message: ToLoad) => {
  if (message === 'connect') for (let index = 0; index < count; index++) uplinks.push(uplinkOf(index))
  if (message === 'report') for (const [index, uplink] of uplinks.entries()) void report(uplink, index)
  const { user, system } = process.cpuUsage()
  // A subscription that was refused is a warning, and is asked for again.
  const isOnline = (uplink: Uplink, index: number) =>
    uplink.connected && online.has(index) && !uplink.warnings.some((text) => text.startsWith('no messages from'))
  tell({ online: uplinks.filter(isOnline).length, taken, bytes, cpuMilliseconds: (user + system) / 1000 })
})
process.once('disconnect', () => process.exit(0))
