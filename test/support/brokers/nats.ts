// Three nodes of a NATS cluster, each with its door, by the configuration as it is shipped: deploy/nats/.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type IClientOptions } from 'mqtt'
import { ended } from '../ended.ts'
import { until } from '../until.ts'
import { anAuthority } from './an-authority.ts'

/** Where the nodes stand: addresses of this machine's loopback, unless told. */
export interface Machines {
  readonly addresses: readonly string[]
  /** The words in front of a command that run it there. */
  within(node: number): readonly string[]
}

export interface NatsOptions {
  /** The list of users as `enrol` writes it, and one of them; without them there is `admin` alone, who may do everything. */
  users?: { list: string; one: { username: string; password: string } }
  /** Whether each node has its door, with TLS. */
  hasDoors?: boolean
  machines?: Machines
}

export interface NatsCluster {
  readonly addresses: readonly string[]
  /** The nodes themselves, without TLS; by `admin`, where nobody else is named. */
  readonly urls: readonly string[]
  /** Through the doors. */
  readonly doors: Record<'router' | 'other', readonly string[]>
  readonly caFile: string
  /** Which of the nodes a client is connected to; undefined for none. */
  nodeOf(clientId: string): Promise<number | undefined>
  pidOf(node: number): number
  /** Power cut: the node and its door are gone at once. */
  kill(node: number): Promise<void>
  start(node: number): void
  /** The nodes hang, or go on. */
  signal(node: number, signal: 'SIGSTOP' | 'SIGCONT'): void
  /** All of them in order, as in an upgrade. */
  stopAll(): Promise<void>
  /** Resolves when so many nodes answer and have a leader. */
  ready(nodes?: number): Promise<void>
  close(): Promise<void>
}

const one = { username: 'admin', password: 'admin' }
const adminAlone = {
  list: `users: [\n${JSON.stringify({ user: one.username, password: one.password, allowed_connection_types: ['MQTT'] })}\n]\n`,
  one,
}
const allNodes = [0, 1, 2]
const serverName = 'cluster.tollgate.test'

export const natsMissing = whyNoNats()

function whyNoNats(): string | undefined {
  const missing = ['nats-server', 'haproxy'].filter((program) => spawnSync(program, ['-v']).error)
  if (missing.length === 0) return undefined
  const why = `${missing.join(' and ')} not installed: apt-get install nats-server haproxy (and mask haproxy's service)`
  if (process.env.CI) throw new Error(why)
  return why
}

let clusters = 0

/** Addresses that no other cluster on this machine has. */
function onLoopback(): Machines {
  const number = process.pid * 8 + (clusters++ % 8)
  const network = `127.${64 + ((number >> 14) & 63)}.${(number >> 6) & 255}`
  const first = ((number & 63) << 2) % 252
  return { addresses: allNodes.map((node) => `${network}.${first + node + 1}`), within: () => [] }
}

export async function openNats(options: NatsOptions = {}): Promise<NatsCluster> {
  const { users = adminAlone, hasDoors = false, machines = onLoopback() } = options
  const { addresses } = machines
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-nats-'))
  prepare(folder, addresses, users.list)
  const nodes: (ChildProcess | undefined)[] = []
  const doors: (ChildProcess | undefined)[] = []

  function run(node: number, program: string, args: readonly string[], env: Record<string, string>): ChildProcess {
    const [file = '', ...rest] = [...machines.within(node), program, ...args]
    const log = openSync(join(folder, `n${node + 1}.log`), 'a')
    const child = spawn(file, rest, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', log, log] })
    closeSync(log)
    return child
  }

  function start(node: number): void {
    const [address = '', store] = [addresses[node], join(folder, `n${node + 1}`)]
    const routes = `[${addresses.map((each) => `"nats://${each}:6222"`).join(', ')}]`
    nodes[node] = run(node, 'nats-server', ['-c', 'node.conf'], {
      ...{ NATS_NODE: `n${node + 1}`, NATS_HOST: address, NATS_LOCAL: address, NATS_ROUTES: routes },
      NATS_STORE: `"${store}"`,
    })
    if (!hasDoors) return
    doors[node] = run(node, 'haproxy', ['-db', '-f', 'door.cfg'], {
      ...{ DOOR_HOST: address, DOOR_NODE: address, DOOR_CERTIFICATE: join(folder, 'server.crt') },
    })
  }

  async function endAll(signal: NodeJS.Signals): Promise<void> {
    const all = [...nodes.splice(0), ...doors.splice(0)]
    for (const child of all) child?.kill('SIGCONT')
    await Promise.all(all.map((child) => child && ended(child, signal)))
  }

  const self: NatsCluster = {
    addresses,
    urls: addresses.map((address) => `mqtt://admin:admin@${address}:1883`),
    doors: {
      router: addresses.map((address) => `mqtts://${address}:8883`),
      other: addresses.map((address) => `mqtts://${address}:8885`),
    },
    caFile: join(folder, 'ca.crt'),
    async nodeOf(clientId) {
      const found = await Promise.all(addresses.map((address) => hasClient(address, clientId)))
      return found.includes(true) ? found.indexOf(true) : undefined
    },
    pidOf: (node) => nodes[node]?.pid ?? 0,
    async kill(node) {
      const both = [nodes[node], doors[node]]
      await Promise.all(both.map((child) => child && ended(child, 'SIGKILL')))
    },
    start,
    signal: (node, signal) => void nodes[node]?.kill(signal),
    stopAll: () => endAll('SIGTERM'),
    async ready(count = allNodes.length) {
      const areThere = (isThere: (address: string) => Promise<boolean>) =>
        until(async () => (await Promise.all(addresses.map(isThere))).filter(Boolean).length >= count, 30_000)
      await areThere(isWell)
      if (hasDoors) await areThere((address) => isOpen(address, join(folder, 'ca.crt')))
    },
    async close() {
      await endAll('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  for (const node of allNodes) start(node)
  const isThere = async () => {
    await self.ready()
    await firstClients(addresses, users.one)
  }
  await isThere().catch(async (error) => {
    const said = allNodes.map((node) => readFileSync(join(folder, `n${node + 1}.log`), 'utf8')).join('')
    await self.close()
    throw new Error(`the cluster does not come about: ${said}`, { cause: error })
  })
  return self
}

/** The first client of all has the streams made, which may take longer than a node waits: it is let in the second time. */
async function firstClients(addresses: readonly string[], user: { username: string; password: string }): Promise<void> {
  for (const address of addresses) {
    const how = { ...user, clientId: 'tollgate-client-first' }
    await until(async () => (await answered(`mqtt://${address}:1883`, how)) === 'let in', 30_000)
  }
}

/** Both doors of a node lead to it: a door that saw its node down stays shut for some seconds after the node is up. */
async function isOpen(address: string, caFile: string): Promise<boolean> {
  // Nobody's name: whom the node itself refuses has come through the door, and takes no one's place.
  const nobody = { ca: readFileSync(caFile), username: 'nobody', password: 'none' }
  const answers = await Promise.all([
    answered(`mqtts://${address}:8883`, { ...nobody, clientId: 'tollgate-nobody' }),
    answered(`mqtts://${address}:8885`, { ...nobody, clientId: 'tollgate-client-nobody' }),
  ])
  return answers.every((answer) => answer === 'refused')
}

async function answered(url: string, who: IClientOptions): Promise<'let in' | 'refused' | 'nothing'> {
  try {
    const client = await mqtt.connectAsync(url, { ...who, reconnectPeriod: 0 }, false)
    await client.endAsync()
    return 'let in'
  } catch (error) {
    return typeof (error as { code?: unknown }).code === 'number' ? 'refused' : 'nothing'
  }
}

/** The files of a node: what is shipped, certificates and users. */
function prepare(folder: string, addresses: readonly string[], users: string): void {
  const authority = anAuthority([`DNS:${serverName}`, ...addresses.map((address) => `IP:${address}`)])
  const { certFile, keyFile } = authority.issue('node')
  copyFileSync(authority.caFile, join(folder, 'ca.crt'))
  copyFileSync(certFile, join(folder, 'server.crt'))
  copyFileSync(keyFile, join(folder, 'server.key'))
  authority.close()
  for (const file of ['node.conf', 'door.cfg']) copyFileSync(resolve('deploy/nats', file), join(folder, file))
  writeFileSync(join(folder, 'users.conf'), users)
  for (const node of allNodes) mkdirSync(join(folder, `n${node + 1}`))
}

async function monitored(address: string, path: string): Promise<Response | undefined> {
  return fetch(`http://${address}:8222${path}`, { signal: AbortSignal.timeout(1000) }).catch(() => undefined)
}

async function told(address: string, path: string): Promise<object> {
  return Object(await (await monitored(address, path))?.json().catch(() => undefined))
}

async function isWell(address: string): Promise<boolean> {
  if ((await monitored(address, '/healthz?js-server-only=true'))?.status !== 200) return false
  const { meta_cluster: cluster } = (await told(address, '/jsz')) as { meta_cluster?: { leader?: string } }
  return cluster?.leader !== undefined
}

async function hasClient(address: string, clientId: string): Promise<boolean> {
  const { connections = [] } = (await told(address, '/connz?limit=2000')) as {
    connections?: { mqtt_client?: string }[]
  }
  return connections.some(({ mqtt_client: id }) => id === clientId)
}
