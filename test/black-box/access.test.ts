// Proves at a real Mosquitto who may publish where and who hears it, that nobody takes another's place, and that an agent and a
// backend with such accounts do their work.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { mosquitto, openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-access-'))
let broker: TestBroker
const clients: MqttClient[] = []

function tollgateFleet(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('bin/tollgate-fleet.js'), ...args])
  return { status, said: `${stdout}${stderr}` }
}

function enrol(name: string, ...more: string[]): void {
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', name, '--out', folder, ...more)
  if (status !== 0) throw new Error(said)
}

beforeAll(async () => {
  if (mosquitto.missing) return
  for (const router of ['r1', 'r2']) enrol(router)
  for (const role of ['backend', 'operator', 'monitor']) enrol(role, '--role', role)
  // Somebody who may do everything, to see who hears of it; and a topic that everybody hears.
  enrol('admin', '--role', 'monitor')
  const acl = readFileSync(join(folder, 'acl'), 'utf8')
  const everything = acl.replace(/user admin\n(topic .*\n)*/, 'user admin\ntopic readwrite #\n')
  writeFileSync(join(folder, 'acl'), `${everything}\npattern read open/#\n`)
  const access = { users: join(folder, 'passwd'), acl: join(folder, 'acl') }
  broker = await openMosquitto({ access, settings: ['use_username_as_clientid true'] })
})
afterAll(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)))
  await broker?.close()
  rmSync(folder, { recursive: true })
})

const passwordOf = (user: string) => readFileSync(join(folder, user, 'password'), 'utf8').trim()

async function as(user: string, clientId = user, password = passwordOf(user)): Promise<MqttClient> {
  const who = { username: user, password, clientId }
  const client = await mqtt.connectAsync(broker.url, { ...who, protocolVersion: 5, reconnectPeriod: 0 })
  clients.push(client)
  return client
}

const mayWrite = (client: MqttClient, topic: string) =>
  client.publishAsync(topic, 'own', { qos: 1 }).then(
    () => true,
    () => false,
  )

const topics = ['purchase', 'command', 'query', 'usage', 'status', 'reply', 'reply/me'] as const
const told = ['usage', 'status', 'reply', 'reply/me']
const roles = [
  { user: 'r1', of: 'r1', write: told, read: ['purchase', 'command', 'query'] },
  { user: 'r1', of: 'r2', write: [], read: [] },
  { user: 'backend', of: 'r1', write: ['purchase', 'command', 'query'], read: told },
  { user: 'operator', of: 'r1', write: ['command', 'query'], read: told },
  { user: 'monitor', of: 'r1', write: ['query'], read: told },
]

describe.skipIf(mosquitto.missing)('at a Mosquitto with these accounts', () => {
  test.each(roles)('$user writes $write of $of, reads $read, and nothing else', async ({ user, of, write, read }) => {
    const [client, admin] = [await as(user), await as('admin')]
    const heard: string[] = []
    const written: string[] = []
    client.on('message', (_, payload) => heard.push(String(payload)))
    await client.subscribeAsync('#', { qos: 1 })
    for (const topic of topics) {
      await admin.publishAsync(`router/${of}/${topic}`, topic, { qos: 1 })
      if (await mayWrite(client, `router/${of}/${topic}`)) written.push(topic)
    }
    await admin.publishAsync('open/last', 'last', { qos: 1 })
    await until(() => heard.includes('last'))
    await Promise.all([client.endAsync(true), admin.endAsync(true)])

    expect(written.sort()).toEqual([...write].sort())
    expect(heard.filter((text) => text !== 'own' && text !== 'last').sort()).toEqual([...read].sort())
  })

  it('a router that names another one as its client id stays itself', async () => {
    const victim = await as('r1', 'tollgate-r1')
    const closed = new Promise((resolve) => victim.once('close', () => resolve('thrown out')))
    const thief = await as('r2', 'tollgate-r1')
    const answered = await mayWrite(victim, 'router/r1/usage')
    console.log('B')

    expect(answered).toBe(true)
    expect(await Promise.race([closed, Promise.resolve('stays')])).toBe('stays')
    expect(await mayWrite(thief, 'router/r1/usage')).toBe(false)
    console.log('D')
    await Promise.all([victim.endAsync(true), thief.endAsync(true)])
  })

  it('a wrong password lets nobody in', async () => {
    await expect(as('r1', 'r1', 'another')).rejects.toThrow()
  })
})

it('makes no second account of one name, and says so', () => {
  enrol('r3')
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', 'r3', '--out', folder)

  expect(status).toBe(2)
  expect(said).toContain('has an account')
})
