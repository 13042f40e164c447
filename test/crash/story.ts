// One router's story, played against an agent that dies on the way: a device on the portal, a purchase, some bytes, a
// top-up, the rest, the shut gate, the stop.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { servePortal } from '../../broker-dev/portal/socket.ts'
import { createPortal } from '../../broker-dev/portal/world.ts'
import { until } from '../support/until.ts'
import { type Ear, ofType, type Voice } from './ear.ts'
import type { Death } from './points.ts'
import { type RestlessAgent, type Run, startRestlessAgent } from './restless-agent.ts'

export interface Life {
  voice: Voice
  runs: Run[]
  /** Bytes that really passed. */
  passed: number
  /** As much of it as passed between the last reading of a gate and its shutting: no agent can state it. */
  passedUnread: number
  /** As much of it as nobody could be sure of: what came shortly before a death, and until somebody looked again. */
  passedUnwatched: number
  /** The longest that the device was kept out while it had paid and an agent was running. */
  keptOutMilliseconds: number
  isOpenAtTheEnd: boolean
}

interface Step {
  at: number
  bytes: number
}

export const allotment = 300_000
export const purchaseIds = ['p1', 'p2']
export const sold = allotment * purchaseIds.length

const device = '02:66:ca:fe:00:01'
const stride = { downloaded: 10_000, uploaded: 5000 }
const strideMilliseconds = 10
const patience = 20_000
const longestStory = 60_000
const checkpointMilliseconds = 200
const lookMilliseconds = 100
// A look is late when the machine has other things to do.
const lateMilliseconds = 200

const settings = {
  AGENT_LOG_LEVEL: 'silent',
  AGENT_PORTAL_TRANSPORT: 'socket',
  AGENT_LOOK_INTERVAL_MS: String(lookMilliseconds),
  AGENT_NEAR_INTERVAL_MS: '50',
  AGENT_USAGE_INTERVAL_MS: '500',
  AGENT_CHECKPOINT_INTERVAL_MS: String(checkpointMilliseconds),
}

let lives = 0

/** Plays the story to its end, whatever the agent does; rejects when it does not come to an end. */
export async function live(program: string, url: string, ear: Ear, deaths: Death[]): Promise<Life> {
  const routerId = `life-${process.pid}-${++lives}`
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-life-'))
  const socket = join(folder, 'ndsctl.sock')
  const portal = createPortal({ flavour: 'nodogsplash', now: Date.now, random: Math.random })
  const served = await servePortal(Object.create(portal, { serve: { value: serve } }), socket)
  const voice = ear.of(routerId)
  const own = { AGENT_ROUTER_ID: routerId, AGENT_MQTT_URL: url, AGENT_NDS_SOCKET: socket, AGENT_GUARD: 'off' }
  const env = { ...settings, ...own, AGENT_STATE_DIR: join(folder, 'state') }
  const agent = startRestlessAgent(program, env, deaths)
  const steps: Step[] = []
  let passed = 0
  let passedWhenRead = 0
  let passedUnread = 0
  let wanted = 0
  let keptOutSince = Number.POSITIVE_INFINITY
  let keptOutMilliseconds = 0

  // The device sends and receives whenever its gate is open and it wants something.
  function walk(): void {
    const isOpen = portal.gateOpen(device)
    const isPaid = passed < ofType(voice, 'purchase.accepted').length * allotment
    const now = performance.now()
    keptOutSince = isPaid && !isOpen ? Math.min(keptOutSince, now) : Number.POSITIVE_INFINITY
    keptOutMilliseconds = Math.max(keptOutMilliseconds, now - Math.max(keptOutSince, startOf(agent)))
    if (!isOpen || passed >= wanted) return
    const { downloaded, uploaded } = portal.transfer(device, stride)
    steps.push({ at: now, bytes: downloaded + uploaded })
    passed += downloaded + uploaded
  }

  // The mock's requests take no time here: what they do is done when they return.
  function serve(line: string): ReturnType<typeof portal.serve> {
    const wasOpen = portal.gateOpen(device)
    const answer = portal.serve(line)
    if (line.startsWith('json')) passedWhenRead = passed
    if (wasOpen && !portal.gateOpen(device)) passedUnread += passed - passedWhenRead
    return answer
  }

  const buy = (purchaseId = '') => ear.purchase(routerId, { purchaseId, mac: device, metric: 'bytes', allotment })

  async function play(): Promise<void> {
    await until(() => voice.statuses.some((status) => status.state === 'online'), patience)
    await buy(purchaseIds[0])
    wanted = allotment / 2
    await until(() => passed >= wanted && ofType(voice, 'session.started').length > 0, patience)
    await buy(purchaseIds[1])
    await until(() => ofType(voice, 'purchase.accepted').length === 2, patience)
    // From here on the device takes whatever it gets.
    wanted = Number.POSITIVE_INFINITY
    await until(() => ofType(voice, 'session.ended').length > 0, patience)
    await agent.stop()
    await until(() => voice.statuses.at(-1)?.state === 'offline', patience)
  }

  portal.arrive(device, '192.168.66.101')
  portal.browse(device)
  let limiting: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    limiting = setTimeout(() => reject(new Error('the story does not come to an end')), longestStory)
  })
  const walking = setInterval(walk, strideMilliseconds)
  try {
    await Promise.race([agent.failed, ear.deaf, limit, play()])
    const isOpenAtTheEnd = portal.gateOpen(device)
    return {
      voice,
      runs: agent.runs,
      passed,
      passedUnread,
      passedUnwatched: unwatched(steps, agent),
      keptOutMilliseconds,
      isOpenAtTheEnd,
    }
  } catch (cause) {
    throw new Error(`${cause}; ${JSON.stringify({ passed, voice, points: agent.runs.map((run) => run.points) })}`)
  } finally {
    clearInterval(walking)
    clearTimeout(limiting)
    agent.close()
    await served.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const startOf = ({ runs }: RestlessAgent): number => runs.at(-1)?.startedAt ?? 0

function unwatched(steps: Step[], { runs }: RestlessAgent): number {
  const late = lookMilliseconds + lateMilliseconds
  const blind = runs.flatMap(({ died, endedAt }, index) => {
    const lookedAt = runs[index + 1]?.lookedAt ?? 0
    return died ? [{ from: endedAt - checkpointMilliseconds - late, to: lookedAt + late }] : []
  })
  const end = { from: (steps.at(-1)?.at ?? 0) - late, to: Number.POSITIVE_INFINITY }
  const isUnwatched = ({ at }: Step) => [...blind, end].some(({ from, to }) => at >= from && at <= to)
  return steps.filter(isUnwatched).reduce((sum, { bytes }) => sum + bytes, 0)
}
