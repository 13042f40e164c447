// Proves who may publish where and who hears it, that nobody takes another's place, and that nothing forbidden is kept for later: at a
// real Mosquitto and at the development broker alike, by the files that `tollgate-fleet enrol` writes.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { anAuthority } from '../support/brokers/an-authority.ts'
import { mosquitto, openMosquitto } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-access-'))

function tollgateFleet(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('bin/tollgate-fleet.js'), ...args])
  return { status, said: `${stdout}${stderr}` }
}

function enrol(name: string, ...more: string[]): void {
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', name, '--out', folder, ...more)
  if (status !== 0) throw new Error(said)
}

beforeAll(() => {
  for (const router of ['r1', 'r2']) enrol(router)
  for (const role of ['backend', 'operator', 'monitor']) enrol(role, '--role', role)
  // Somebody who may do everything, to see who hears of it; and a topic that everybody hears.
  enrol('admin', '--role', 'monitor')
  const acl = readFileSync(join(folder, 'acl'), 'utf8').replace(
    /user admin\n(topic .*\n)*/,
    'user admin\ntopic readwrite #\n',
  )
  writeFileSync(join(folder, 'acl'), acl.replaceAll(/^user .*$/gm, '$&\ntopic read open/#'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const passwordOf = (user: string) => readFileSync(join(folder, user, 'password'), 'utf8').trim()

interface Doors {
  /** For routers, and for everybody else. */
  urls: { router: string; other: string }
  close(): Promise<void>
}

/** By the configuration as it is shipped, but for its paths and ports. */
async function secureMosquitto(): Promise<Doors> {
  const authority = anAuthority()
  const { certFile, keyFile } = authority.issue('broker')
  copyFileSync(authority.caFile, join(folder, 'ca.crt'))
  copyFileSync(certFile, join(folder, 'server.crt'))
  copyFileSync(keyFile, join(folder, 'server.key'))
  authority.close()
  const [routers, others] = [await freePort(), await freePort()]
  const shipped = readFileSync('deploy/mosquitto/secure.conf', 'utf8')
    .replaceAll('/etc/mosquitto/tollgate', folder)
    .replace('listener 8883', `listener ${routers}`)
    .replace('listener 8885', `listener ${others}`)
  const broker = await openMosquitto({ settings: shipped.split('\n'), isOpen: false })
  const urls = { router: `mqtts://localhost:${routers}`, other: `mqtts://localhost:${others}` }
  return { urls, close: broker.close }
}

async function secureAedes(): Promise<Doors> {
  const broker = createBroker({ accounts: folder })
  const { port } = await broker.open({})
  const url = `mqtt://127.0.0.1:${port}`
  return { urls: { router: url, other: url }, close: broker.close }
}

const topics = ['purchase', 'command', 'query', 'usage', 'status', 'reply', 'reply/me'] as const
const told = ['usage', 'status', 'reply', 'reply/me']
const roles = [
  { user: 'r1', of: 'r1', write: told, read: ['purchase', 'command', 'query'] },
  { user: 'r1', of: 'r2', write: [], read: [] },
  { user: 'backend', of: 'r1', write: ['purchase', 'command', 'query'], read: told },
  { user: 'operator', of: 'r1', write: ['command', 'query'], read: told },
  { user: 'monitor', of: 'r1', write: ['query'], read: told },
]

describe.each([
  { name: 'Mosquitto', missing: mosquitto.missing, open: secureMosquitto },
  { name: 'the development broker', missing: undefined, open: secureAedes },
])('at $name', ({ missing, open }) => {
  let broker: Doors
  const clients: MqttClient[] = []
  beforeAll(async () => {
    if (!missing) broker = await open()
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.endAsync(true)))
    await broker?.close()
  })

  async function as(user: string, given: IClientOptions & { door?: keyof Doors['urls'] } = {}): Promise<MqttClient> {
    const { door = user.startsWith('r') ? 'router' : 'other', password = passwordOf(user), ...options } = given
    const who = { username: user, password, clientId: `tollgate-${user}`, reconnectPeriod: 0, connectTimeout: 3000 }
    const ca = existsSync(join(folder, 'ca.crt')) ? { ca: readFileSync(join(folder, 'ca.crt')) } : {}
    const client = mqtt.connect(broker.urls[door], { ...who, ...ca, ...options })
    clients.push(client)
    // Kept messages come with the CONNACK.
    client.on('message', (topic) => heardBy(client).push(topic))
    await new Promise<void>((resolve, reject) => client.once('connect', () => resolve()).once('error', reject))
    return client
  }
  const heard = new Map<MqttClient, string[]>()
  const heardBy = (client: MqttClient) => heard.get(client) ?? heard.set(client, []).get(client) ?? []
  const below = (list: readonly string[], of: string) => list.map((topic) => `router/${of}/${topic}`).sort()
  const isOver = (client: MqttClient) => until(() => heardBy(client).includes('open/last'))

  test.skipIf(missing).each(roles)(
    '$user writes $write of $of, reads $read, and nothing else',
    async ({ user, of, ...may }) => {
      const [client, admin] = [await as(user), await as('admin')]
      await admin.subscribeAsync('#', { qos: 1 })
      for (const { topic } of topics.map((name) => ({ topic: `router/${of}/${name}` }))) {
        // In MQTT 3.1.1 a broker acknowledges what it refuses.
        await client.publishAsync(topic, 'own', { qos: 1 })
      }
      await admin.publishAsync('open/last', 'last', { qos: 1 })
      await isOver(admin)
      const written = heardBy(admin).filter((topic) => topic !== 'open/last')
      await client.subscribeAsync('#', { qos: 1 })
      for (const name of topics) await admin.publishAsync(`router/${of}/${name}`, 'other', { qos: 1 })
      await admin.publishAsync('open/last', 'last', { qos: 1 })
      await isOver(client)
      await Promise.all([client.endAsync(true), admin.endAsync(true)])

      expect(written.sort()).toEqual(below(may.write, of))
      const read = heardBy(client).filter((topic) => topic !== 'open/last')
      expect(read.sort()).toEqual(below(may.read, of))
    },
  )

  it.skipIf(missing)('keeps for nobody what they may not hear, retained or for a session', async () => {
    const away = { clean: false }
    const before = await as('monitor', away)
    await before.subscribeAsync('#', { qos: 1 })
    await before.endAsync()
    const admin = await as('admin')
    for (const name of ['purchase', 'usage'])
      await admin.publishAsync(`router/r1/${name}`, 'x', { qos: 1, retain: true })
    await admin.publishAsync('open/last', 'last', { qos: 1 })
    const after = await as('monitor', away)
    await isOver(after)
    const kept = [...new Set(heardBy(after))]
    heard.delete(after)
    await after.subscribeAsync('#', { qos: 1 })
    await admin.publishAsync('open/last', 'last', { qos: 1 })
    await isOver(after)

    expect(kept).toEqual(['router/r1/usage', 'open/last'])
    expect([...new Set(heardBy(after))]).toEqual(['router/r1/usage', 'open/last'])
    for (const name of ['purchase', 'usage'])
      await admin.publishAsync(`router/r1/${name}`, '', { qos: 1, retain: true })
  })

  it.skipIf(missing)('tells no last will where its owner may not write', async () => {
    const admin = await as('admin')
    await admin.subscribeAsync('router/#', { qos: 1 })
    for (const topic of ['router/r2/status', 'router/r1/status']) {
      const client = await as('r1', { will: { topic, payload: Buffer.from('gone'), qos: 1, retain: true } })
      client.stream.destroy()
    }
    await until(() => heardBy(admin).includes('router/r1/status'))

    expect(heardBy(admin)).toEqual(['router/r1/status'])
    await admin.publishAsync('router/r1/status', '', { qos: 1, retain: true })
  })

  it.skipIf(missing).each([
    { thief: 'r2', clientId: 'tollgate-r1', door: 'router' },
    { thief: 'r2', clientId: 'r1', door: 'router' },
    { thief: 'r2', clientId: 'tollgate-r1', door: 'other' },
    { thief: 'r2', clientId: 'r1', door: 'other' },
    { thief: 'backend', clientId: 'r1', door: 'other' },
    { thief: 'monitor', clientId: 'tollgate-r1', door: 'other' },
    { thief: 'monitor', clientId: 'r1/tollgate-r1', door: 'other' },
    { thief: 'monitor', clientId: 'r1', door: 'router' },
  ] as const)(
    '$thief that calls itself $clientId at the $door door takes nobody’s place',
    async ({ thief, ...how }) => {
      const victim = await as('r1')
      await victim.subscribeAsync('router/r1/purchase', { qos: 1 })
      let isOut = false
      victim.once('close', () => {
        isOut = true
      })
      // It may be let in as somebody of its own, or not at all.
      const stranger = await as(thief, how).catch(() => undefined)
      await stranger?.publishAsync('router/r1/usage', 'stolen', { qos: 1 })
      const admin = await as('admin')
      await admin.publishAsync('router/r1/purchase', 'paid', { qos: 1 })
      await until(() => heardBy(victim).length > 0)

      expect(heardBy(victim)).toEqual(['router/r1/purchase'])
      expect(stranger ? heardBy(stranger) : []).toEqual([])
      expect(isOut).toBe(false)
      await Promise.all([victim, stranger, admin].map((client) => client?.endAsync(true)))
    },
  )

  it.skipIf(missing)('a backend has as many connections as it likes', async () => {
    const [one, two] = [
      await as('backend', { clientId: 'tollgate-client-1' }),
      await as('backend', { clientId: 'tollgate-client-2' }),
    ]
    for (const client of [one, two]) await client.publishAsync('router/r1/purchase', 'paid', { qos: 1 })

    expect([one.connected, two.connected]).toEqual([true, true])
  })

  it.skipIf(missing)('a wrong password lets nobody in, and throws nobody out', async () => {
    const victim = await as('r1')
    await expect(as('r1', { password: 'another' })).rejects.toThrow()
    await expect(as('nobody', { password: 'another' })).rejects.toThrow()
    await victim.publishAsync('router/r1/usage', 'own', { qos: 1 })

    expect(victim.connected).toBe(true)
    await victim.endAsync(true)
  })
})

it('makes no second account of one name, and says so', () => {
  enrol('r3')
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', 'r3', '--out', folder)

  expect(status).toBe(2)
  expect(said).toContain('has an account')
})

it('makes no router of a name that others could claim', () => {
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', 'tollgate-1', '--out', folder)

  expect(status).toBe(2)
  expect(said).toContain('no name for a router')
})

it('makes an account without a password for who shows a certificate, and hands the authority on', () => {
  writeFileSync(join(folder, 'authority'), 'the authority')
  const more = ['--certificate', '--prefix', 'cafe', '--ca', join(folder, 'authority')]
  const { status } = tollgateFleet('--url', 'mqtts://b.example', 'enrol', 'r4', '--out', folder, ...more)
  const user = /^user (.*_r4)$/m.exec(readFileSync(join(folder, 'acl'), 'utf8'))?.[1] ?? ''
  const toml = readFileSync(join(folder, user, 'agent.toml'), 'utf8')

  expect(status).toBe(0)
  expect(readFileSync(join(folder, 'passwd'), 'utf8')).not.toContain('_r4:')
  expect(readFileSync(join(folder, user, 'ca.crt'), 'utf8')).toBe('the authority')
  expect(toml.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'router_id',
    'mqtt_url',
    'mqtt_cert_file',
    'mqtt_key_file',
    'mqtt_ca_file',
    'topic_prefix',
    '',
  ])
})
