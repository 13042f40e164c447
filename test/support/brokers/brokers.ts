// The brokers that the same cases run against: the bundled Aedes, and a real Mosquitto.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'mqtt-packet'
import { createBroker } from '../../../broker-dev/broker/broker.ts'
import { ended } from '../ended.ts'
import { until } from '../until.ts'
import { freePort } from './free-port.ts'

export interface TestBroker {
  url: string
  /** The same broker for who stands outside the network namespace it may run in. */
  watchUrl: string
  /** Away, and back on the same port with what it had kept. */
  stop(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

export interface BrokerKind<Broker extends TestBroker = TestBroker> {
  name: string
  /** Why it cannot be had here, and what to do about it. */
  missing: string | undefined
  open(): Promise<Broker>
}

export const aedes: BrokerKind = { name: 'Aedes', missing: undefined, open: openAedes }
export const mosquitto: BrokerKind<TestMosquitto> = {
  name: 'Mosquitto',
  missing: whyNoMosquitto(),
  open: () => openMosquitto(),
}

function whyNoMosquitto(): string | undefined {
  if (!spawnSync('mosquitto', ['-h']).error) return undefined
  const why = 'mosquitto is not installed: apt-get install mosquitto'
  if (process.env.CI) throw new Error(why)
  return why
}

export interface Place {
  /** The words in front of a command that run it in another network namespace. */
  within?: readonly string[]
  /** Where its files are kept, until it is closed. */
  folder?: string
}

export interface MosquittoOptions extends Place {
  /** Nobody else is let in. */
  user?: { name: string; password: string }
  /** Everybody is let in who has an account in the first of these files, and may do what the second one says. */
  access?: { users: string; acl: string }
  /** Whether strangers are let in where nobody is named; the further lines say so otherwise. */
  isOpen?: boolean
  /** More lines of its configuration, such as its limits. */
  settings?: readonly string[]
}

export interface TestMosquitto extends TestBroker {
  /** At once, without a word. */
  kill(): Promise<void>
  pid(): number
}

export async function openMosquitto(options: MosquittoOptions = {}): Promise<TestMosquitto> {
  const { within = [], folder: parent = tmpdir(), user, access: files, settings = [], isOpen = true } = options
  const folder = mkdtempSync(join(parent, 'tollgate-mosquitto-'))
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  const door = join(folder, 'mosquitto.sock')
  const users = join(folder, 'users')
  if (user) spawnSync('mosquitto_passwd', ['-b', '-c', users, user.name, user.password])
  const lists = files && [`password_file ${files.users}`, `acl_file ${files.acl}`]
  const access = lists ?? (user ? [`password_file ${users}`] : isOpen ? ['allow_anonymous true'] : [])
  // Some settings are those of the listener before them.
  const listeners = [`listener 0 ${door}`, `listener ${port} 127.0.0.1`]
  const lines = [...listeners, ...access, ...settings, 'set_tcp_nodelay true', 'user root']
  writeFileSync(file, [...lines, 'persistence true', `persistence_location ${folder}/`, ''].join('\n'))
  let broker: ChildProcess | undefined
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (broker) await ended(broker, signal)
    broker = undefined
  }
  const self: TestMosquitto = {
    url: `mqtt://127.0.0.1:${port}`,
    watchUrl: `mqtt+unix://${door}`,
    pid: () => broker?.pid ?? 0,
    async start() {
      // A broker that was killed leaves its socket, and another one would not start beside it.
      rmSync(door, { force: true })
      const [program = '', ...args] = [...within, 'mosquitto', '-c', file]
      broker = spawn(program, args, { stdio: 'ignore' })
      await until(() => answers(door))
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async close() {
      await self.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await self.start()
  return self
}

async function openAedes(): Promise<TestBroker> {
  let broker = createBroker()
  const { port } = await broker.open({ host: '127.0.0.1', port: 0, wsPort: 0 })
  const self: TestBroker = {
    url: `mqtt://127.0.0.1:${port}`,
    watchUrl: `mqtt://127.0.0.1:${port}`,
    async start() {
      broker = createBroker()
      await broker.open({ host: '127.0.0.1', port, wsPort: 0 })
    },
    stop: () => broker.close(),
    close: () => self.stop(),
  }
  return self
}

/** Whether it answers a client, be it with a refusal: by then its other doors are open too, one after another until then. */
function answers(door: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(door, () => socket.write(hello))
    socket.once('data', () => resolve(true))
    socket.on('data', () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve(false))
  })
}

const hello = generate({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: '',
  keepalive: 0,
})
