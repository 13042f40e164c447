// A router seen from outside: the agent as a process, the mock `ndsctl` executable, a portal with devices, and somebody
// who listens at the broker.
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { servePortal } from '../../broker-dev/portal/socket.ts'
import { createPortal, type Flavour } from '../../broker-dev/portal/world.ts'
import { Reply, Status, UsageMessage } from '../../protocol/index.ts'
import { ended, until } from './brokers.ts'

const dist = resolve(import.meta.dirname, '../../dist')

export interface RouterOptions {
  url: string
  flavour?: Flavour
  maxClients?: number
  env?: Record<string, string>
}

export type Router = Awaited<ReturnType<typeof openRouter>>

let routers = 0

export async function openRouter({ url, flavour = 'nodogsplash', maxClients, env = {} }: RouterOptions) {
  const id = `r${process.pid}-${++routers}`
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-router-'))
  const calls = join(folder, 'calls.txt')
  const portal = createPortal({ flavour, now: Date.now, random: Math.random, ...(maxClients && { maxClients }) })
  const served = await servePortal(portal, join(folder, 'ndsctl.sock'))
  const heard: UsageMessage[] = []
  const statuses: Status[] = []
  const replies: Reply[] = []
  let agent: ChildProcess | undefined
  let transactions = 0

  const client: MqttClient = await mqtt.connectAsync(url, {
    reconnectPeriod: 200,
    clean: false,
    clientId: `watch-${id}`,
  })
  client.on('message', (topic, payload) => {
    const message: unknown = JSON.parse(payload.toString())
    if (topic.endsWith('/usage')) hear(UsageMessage.parse(message))
    if (topic.endsWith('/status')) statuses.push(Status.parse(message))
    if (topic.endsWith('/reply')) replies.push(Reply.parse(message))
  })
  // At least once: what was told before is known by its number.
  function hear(message: UsageMessage) {
    const isKnown = (before: UsageMessage) => 'seq' in before && 'seq' in message && before.seq === message.seq
    if (!('seq' in message) || message.seq === undefined || !heard.some(isKnown)) heard.push(message)
  }
  const topics = ['usage', 'status', 'reply'].map((channel) => `router/${id}/${channel}`)
  client.on('connect', () => client.subscribe(topics, { qos: 1 }))
  await client.subscribeAsync(topics, { qos: 1 })

  const self = {
    id,
    portal,
    heard,
    statuses,
    stateDir: join(folder, 'state'),
    /** The calls of ndsctl so far, one line each. */
    calls: (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').filter(Boolean) : []),
    async start() {
      const before = statuses.length
      agent = spawn(process.execPath, [join(dist, 'agent.js')], {
        env: {
          ...process.env,
          AGENT_ROUTER_ID: id,
          AGENT_MQTT_URL: url,
          AGENT_STATE_DIR: self.stateDir,
          AGENT_NDSCTL: join(dist, 'ndsctl.js'),
          AGENT_LOOK_INTERVAL_MS: '400',
          AGENT_NEAR_INTERVAL_MS: '150',
          AGENT_USAGE_INTERVAL_MS: '300',
          AGENT_CHECKPOINT_INTERVAL_MS: '400',
          AGENT_NDS_SOCKET: join(folder, 'ndsctl.sock'),
          MOCK_NDSCTL_SOCKET: join(folder, 'ndsctl.sock'),
          MOCK_NDSCTL_FLAVOUR: flavour,
          MOCK_NDSCTL_LOG: calls,
          ...env,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      agent.stdout?.on('data', (chunk) => appendFileSync(join(folder, 'agent.log'), chunk))
      await until(() => statuses.slice(before).some((status) => status.state === 'online'))
    },
    log: (): string => readFileSync(join(folder, 'agent.log'), 'utf8'),
    pid: () => agent?.pid,
    kill: async () => agent && ended(agent, 'SIGKILL'),
    stop: async () => agent && ended(agent, 'SIGTERM'),
    /** Publishes a message on the purchase topic, as any backend would. */
    async publish(message: object | string) {
      const payload = typeof message === 'string' ? message : JSON.stringify(message)
      await client.publishAsync(`router/${id}/purchase`, payload, { qos: 1 })
    },
    async command(command: object): Promise<Reply> {
      const transaction = `t${++transactions}`
      await client.publishAsync(`router/${id}/command`, JSON.stringify({ transaction, ...command }), { qos: 1 })
      await until(() => replies.some((reply) => reply.transaction === transaction), 20_000)
      const reply = replies.find((candidate) => candidate.transaction === transaction)
      if (!reply) throw new Error('no reply')
      return reply
    },
    ofType: <T extends UsageMessage['type']>(type: T) =>
      heard.filter((message): message is Extract<UsageMessage, { type: T }> => message.type === type),
    async hears<T extends UsageMessage['type']>(type: T, count = 1, milliseconds = 15_000) {
      await until(() => self.ofType(type).length >= count, milliseconds)
      return self.ofType(type)
    },
    /** A device on the LAN that has met the portal page. */
    browse(mac: string, ip: string) {
      portal.arrive(mac, ip)
      portal.browse(mac)
    },
    async close() {
      if (agent) await ended(agent, 'SIGKILL')
      await client.endAsync(true)
      await served.close()
      // An ndsctl that outlives its killed agent may still write its line.
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return self
}

export const mac = (number: number): string => `02:66:ca:fe:${hex(number >> 8)}:${hex(number & 255)}`
export const ip = (number: number): string => `192.168.${66 + (number >> 8)}.${number & 255}`
const hex = (byte: number): string => byte.toString(16).padStart(2, '0')
