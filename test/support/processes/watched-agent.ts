// The agent as a process, and somebody who listens to it at the broker: what a backend and a monitor see.
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { Reply, Status, UsageMessage } from '../../../protocol/index.ts'
import type { Place, TestBroker } from '../brokers/brokers.ts'
import { ended } from '../ended.ts'
import { until } from '../until.ts'

// From the project's folder: this file may itself be part of a program in dist/.
const agentFile = resolve('dist/agent.js')

export interface WatchedAgentOptions extends Place {
  broker: Pick<TestBroker, 'url' | 'watchUrl'>
  env?: Record<string, string>
  /** The router's id; one of its own by itself. */
  id?: string
  prefix?: string
  /** Another Node and another build of the agent than this machine's. */
  command?: readonly string[]
}

export type WatchedAgent = Awaited<ReturnType<typeof openWatchedAgent>>

let agents = 0

export async function openWatchedAgent({
  broker,
  env = {},
  within = [],
  folder: parent = tmpdir(),
  id = `r${process.pid}-${++agents}`,
  prefix = 'router',
  command = [process.execPath, agentFile],
}: WatchedAgentOptions) {
  const folder = mkdtempSync(join(parent, 'tollgate-router-'))
  const heard: UsageMessage[] = []
  const statuses: Status[] = []
  const replies: Reply[] = []
  let agent: ChildProcess | undefined
  let transactions = 0

  const client: MqttClient = await mqtt.connectAsync(broker.watchUrl, {
    reconnectPeriod: 200,
    clean: false,
    clientId: `watch-${prefix}-${id}`,
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
  const topics = ['usage', 'status', 'reply'].map((channel) => `${prefix}/${id}/${channel}`)
  client.on('connect', () => client.subscribe(topics, { qos: 1 }))
  await client.subscribeAsync(topics, { qos: 1 })

  const self = {
    id,
    heard,
    statuses,
    replies,
    client,
    stateDir: join(folder, 'state'),
    /** Starts it, whether or not it can be on line. */
    launch() {
      const [program = '', ...args] = [...within, ...command]
      agent = spawn(program, args, {
        env: {
          ...process.env,
          AGENT_ROUTER_ID: id,
          AGENT_MQTT_URL: broker.url,
          AGENT_TOPIC_PREFIX: prefix,
          AGENT_STATE_DIR: self.stateDir,
          // The firewall of the machine that tests is none of theirs.
          AGENT_GUARD: 'off',
          ...env,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      agent.stdout?.on('data', (chunk) => appendFileSync(join(folder, 'agent.log'), chunk))
    },
    /** Resolves when the status says so. */
    async start(state: Status['state'] = 'online') {
      const before = statuses.length
      self.launch()
      await until(() => statuses.slice(before).some((status) => status.state === state))
    },
    log: (): string => readFileSync(join(folder, 'agent.log'), 'utf8'),
    /** Also before its first line. */
    hasLogged: (text: string): boolean => existsSync(join(folder, 'agent.log')) && self.log().includes(text),
    pid: () => agent?.pid,
    kill: async () => agent && ended(agent, 'SIGKILL'),
    stop: async () => agent && ended(agent, 'SIGTERM'),
    /** Publishes a message on the purchase topic, as any backend would. */
    async publish(message: object | string) {
      const payload = typeof message === 'string' ? message : JSON.stringify(message)
      await client.publishAsync(`${prefix}/${id}/purchase`, payload, { qos: 1 })
    },
    async command(command: object): Promise<Reply> {
      const transaction = `t${++transactions}`
      await client.publishAsync(`${prefix}/${id}/command`, JSON.stringify({ transaction, ...command }), { qos: 1 })
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
    async close() {
      if (agent) await ended(agent, 'SIGKILL')
      await client.endAsync(true)
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return self
}
