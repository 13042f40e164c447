// The CPU that one look at 120 sessions costs, settling and all, against running ndsctl for every session.
import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aedes, mosquitto } from '../test/support/brokers/brokers.ts'
import { createLink } from '../test/support/brokers/link.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import { ask } from './ask.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { programFile, temporaryFolder } from './places.ts'
import { noLatencies, openPortal } from './portal-process.ts'
import { median } from './statistics.ts'

export type ToLooks =
  | { ask: 'hold' }
  | { ask: 'looks'; looks: number }
  | { ask: 'polling'; looks: number; sessions: number }
export interface FromLooks {
  cpuMilliseconds: number
}

export const lookCpu: Figure = {
  name: 'look-cpu',
  about: 'CPU of one look at 120 sessions, user and system, children included',
  async measure(stage) {
    const broker = await (mosquitto.missing ? aedes : mosquitto).open()
    stage.afterwards(broker.close)
    const portal = await openPortal(stage, noLatencies)
    await portal.join(...devices.map((device) => ({ mac: aMac(device), ip: anIp(device), bytesPerSecond: 0 })))
    const bySocket = await openLooks(stage, broker.url, 'by-socket', {
      AGENT_PORTAL_TRANSPORT: 'socket',
      AGENT_NDS_SOCKET: portal.socket,
    })
    // The stand-in for ndsctl: `cat json` prints what the portal answers now that all gates are open.
    const folder = temporaryFolder(stage)
    writeFileSync(join(folder, 'json'), await ask(portal.socket, 'json'))
    writeFileSync(join(folder, 'client'), await ask(portal.socket, `json ${aMac(1)}`))
    writeFileSync(join(folder, 'status'), await ask(portal.socket, 'status'))
    const byExec = await openLooks(stage, broker.url, 'by-exec', { AGENT_NDSCTL: 'cat' }, folder)

    const socketMilliseconds: number[] = []
    const execMilliseconds: number[] = []
    const peers: number[] = []
    for (let round = 0; round < rounds; round++) {
      socketMilliseconds.push((await bySocket({ ask: 'looks', looks })) / looks)
      execMilliseconds.push((await byExec({ ask: 'looks', looks })) / looks)
      peers.push((await byExec({ ask: 'polling', looks: polls, sessions: devices.length })) / polls)
      stage.say(`round ${round + 1} of ${rounds}`)
    }
    const against = { name: 'execFile for every session', value: median(peers) }
    const row = { unit: 'ms', against, goal: { atMost: 1 / 50 } } as const
    return [
      { what: 'by exec', ours: median(execMilliseconds), ...row },
      { what: 'by socket', ours: median(socketMilliseconds), ...row },
    ] satisfies Row[]
  },
}

const rounds = 5
const looks = 100
const polls = 2
const devices = Array.from({ length: 120 }, (_, index) => index + 1)

/** An agent with every device's session open, held before its next look. */
async function openLooks(stage: Stage, url: string, id: string, env: Record<string, string>, cwd?: string) {
  const open = new Set<string>()
  const link = createLink({ url, topics: [`router/${id}/usage`, `router/${id}/status`], onMessage: hear })
  let online = () => {}
  const isOnline = new Promise<void>((resolve) => {
    online = resolve
  })
  let allOpen = () => {}
  const areAllOpen = new Promise<void>((resolve) => {
    allOpen = resolve
  })
  function hear(topic: string, payload: Uint8Array): void {
    const message = JSON.parse(new TextDecoder().decode(payload)) as { state?: string; type?: string; mac: string }
    if (topic.endsWith('/status') && message.state === 'online') online()
    if (message.type === 'session.started') open.add(message.mac)
    if (open.size === devices.length) allOpen()
  }
  stage.afterwards(link.close)
  await link.open()
  const child = fork(programFile('bench-looks'), {
    ...(cwd !== undefined && { cwd }),
    env: {
      PATH: process.env.PATH ?? '',
      AGENT_ROUTER_ID: id,
      AGENT_MQTT_URL: url,
      AGENT_STATE_DIR: join(temporaryFolder(stage), 'state'),
      AGENT_LOOK_INTERVAL_MS: '10',
      // Nothing but looks while it is measured.
      AGENT_USAGE_INTERVAL_MS: '3600000',
      AGENT_CHECKPOINT_INTERVAL_MS: '3600000',
      AGENT_UNPAID: 'report',
      AGENT_GUARD: 'off',
      ...env,
    },
  })
  stage.afterwards(() => child.kill('SIGKILL'))
  await isOnline
  await Promise.all(
    devices.map((device) =>
      link.publish(`router/${id}/purchase`, {
        purchaseId: `p${device}`,
        mac: aMac(device),
        metric: 'bytes',
        allotment: 682_622_976,
      }),
    ),
  )
  await areAllOpen
  const measure = (message: ToLooks) => cpuOf(child, message)
  await measure({ ask: 'hold' })
  return measure
}

function cpuOf(child: ChildProcess, message: ToLooks): Promise<number> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('the agent whose looks are measured ended by itself'))
    child.once('exit', onExit)
    child.once('message', ({ cpuMilliseconds }: FromLooks) => {
      child.off('exit', onExit)
      resolve(cpuMilliseconds)
    })
    child.send(message)
  })
}
