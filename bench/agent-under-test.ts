// The bundled agent as a process at a broker and a portal's socket, with an ear on what it publishes.
import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { UsageMessage } from '../protocol/index.ts'
import { createLink } from '../test/support/brokers/link.ts'
import { ended } from '../test/support/ended.ts'
import type { Stage } from './figure.ts'
import { monotonic } from './monotonic.ts'
import { programFile, temporaryFolder } from './places.ts'

export interface AgentOptions {
  url: string
  /** The portal's socket; without it the agent runs ndsctl. */
  socket?: string
  env?: Record<string, string>
  /** Another build of the agent. */
  program?: string
  /** The folder that it runs in. */
  cwd?: string
}

export interface AgentUnderTest {
  pid: number
  /** From its start until the broker passes `online` on. */
  onlineAfterMilliseconds: number
  buy(purchase: { mac: string; allotment: number }): Promise<void>
  command(command: object): Promise<void>
  /** The next message of that type, about that device if it is about one. Ask before you act. */
  says(type: UsageMessage['type'], mac?: string): Promise<UsageMessage>
  count(type: UsageMessage['type']): number
  stop(): Promise<void>
}

let agents = 0

export async function startAgent(stage: Stage, options: AgentOptions): Promise<AgentUnderTest> {
  const { url, socket, env = {}, program = programFile('agent'), cwd } = options
  const id = `bench-${process.pid}-${++agents}`
  const folder = temporaryFolder(stage)
  const listeners = new Set<(message: UsageMessage) => void>()
  const counts = new Map<string, number>()
  let purchases = 0
  let online: (at: number) => void = () => {}
  const isOnline = new Promise<number>((resolve) => {
    online = resolve
  })

  function hear(topic: string, payload: Uint8Array): void {
    const message: unknown = JSON.parse(new TextDecoder().decode(payload))
    if (topic.endsWith('/status')) {
      if ((message as { state: string }).state === 'online') online(monotonic())
      return
    }
    const said = UsageMessage.parse(message)
    counts.set(said.type, (counts.get(said.type) ?? 0) + 1)
    for (const listener of listeners) listener(said)
  }
  const topics = ['usage', 'status'].map((channel) => `router/${id}/${channel}`)
  const link = createLink({ url, topics, onMessage: hear })
  stage.afterwards(link.close)
  await link.open()

  const log = openSync(join(folder, 'agent.log'), 'a')
  const startedAt = monotonic()
  const child = spawn(process.execPath, [program], {
    ...(cwd !== undefined && { cwd }),
    env: {
      PATH: process.env.PATH ?? '',
      AGENT_ROUTER_ID: id,
      AGENT_MQTT_URL: url,
      AGENT_STATE_DIR: join(folder, 'state'),
      AGENT_GUARD: 'off',
      ...(socket !== undefined && { AGENT_PORTAL_TRANSPORT: 'socket', AGENT_NDS_SOCKET: socket }),
      ...env,
    },
    stdio: ['ignore', log, log],
  })
  const stop = async () => void (await ended(child, 'SIGTERM'))
  stage.afterwards(() => ended(child, 'SIGKILL'))
  const gone = new Promise<never>((_, reject) => {
    child.once('exit', () => reject(new Error(`the agent ended by itself; see ${folder}/agent.log`)))
  })
  gone.catch(() => {})
  const onlineAt = await Promise.race([isOnline, gone])

  return {
    pid: child.pid ?? 0,
    onlineAfterMilliseconds: onlineAt - startedAt,
    buy: ({ mac, allotment }) =>
      link.publish(`router/${id}/purchase`, { purchaseId: `${id}-${++purchases}`, mac, metric: 'bytes', allotment }),
    command: (command) => link.publish(`router/${id}/command`, { transaction: `t${++purchases}`, ...command }),
    says: (type, mac) =>
      new Promise((resolve) => {
        const listener = (message: UsageMessage) => {
          if (message.type !== type || (mac !== undefined && (!('mac' in message) || message.mac !== mac))) return
          listeners.delete(listener)
          resolve(message)
        }
        listeners.add(listener)
      }),
    count: (type) => counts.get(type) ?? 0,
    stop,
  }
}
