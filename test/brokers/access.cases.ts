// Who may publish where and who hears it, that nobody takes another's place, and that nothing forbidden is kept for later: the same cases
// for every broker, by the files that `tollgate-fleet enrol` writes.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { until } from '../support/until.ts'

function tollgateFleet(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('bin/tollgate-fleet.js'), ...args])
  return { status, said: `${stdout}${stderr}` }
}

export function enrol(folder: string, name: string, ...more: string[]): void {
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', name, '--out', folder, ...more)
  if (status !== 0) throw new Error(said)
}

/** A folder with everybody's accounts, and `admin`, who may do everything, to see who hears of it; everybody hears `open/#`. */
export function someAccounts(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-access-'))
  for (const router of ['r1', 'r2']) enrol(folder, router)
  for (const role of ['backend', 'operator', 'monitor']) enrol(folder, role, '--role', role)
  enrol(folder, 'admin', '--role', 'monitor')
  const acl = readFileSync(join(folder, 'acl'), 'utf8').replace(
    /user admin\n(topic .*\n)*/,
    'user admin\ntopic readwrite #\n',
  )
  writeFileSync(join(folder, 'acl'), acl.replaceAll(/^user .*$/gm, '$&\ntopic read open/#'))
  const users = readFileSync(join(folder, 'users.conf'), 'utf8').replaceAll(/^\{.*$/gm, withOpenTopic)
  writeFileSync(join(folder, 'users.conf'), users)
  return folder
}

function withOpenTopic(line: string): string {
  const { permissions, ...user } = JSON.parse(line)
  if (user.user === 'admin') return JSON.stringify(user)
  permissions.subscribe.push('open', 'open.>')
  return JSON.stringify({ ...user, permissions })
}

export interface Doors {
  /** For routers, and for everybody else. */
  urls: { router: string; other: string }
  close(): Promise<void>
}

interface Kind {
  name: string
  missing: string | undefined
  /** With the accounts in that folder. */
  open(folder: string): Promise<Doors>
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

export function accessCasesAt({ name, missing, open }: Kind, folder: () => string): void {
  describe(`at ${name}`, () => {
    const passwordOf = (user: string) => readFileSync(join(folder(), user, 'password'), 'utf8').trim()
    let broker: Doors
    const clients: MqttClient[] = []
    beforeAll(async () => {
      if (!missing) broker = await open(folder())
    })
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.endAsync(true)))
      await broker?.close()
    })

    async function as(user: string, given: IClientOptions & { door?: keyof Doors['urls'] } = {}): Promise<MqttClient> {
      const { door = user.startsWith('r') ? 'router' : 'other', password = passwordOf(user), ...options } = given
      const clientId = door === 'router' ? `tollgate-${user}` : `tollgate-client-${user}`
      const who = { username: user, password, clientId, reconnectPeriod: 0, connectTimeout: 3000 }
      const ca = existsSync(join(folder(), 'ca.crt')) ? { ca: readFileSync(join(folder(), 'ca.crt')) } : {}
      const client = mqtt.connect(broker.urls[door], { ...who, ...ca, ...options })
      clients.push(client)
      // Kept messages come with the CONNACK.
      client.on('message', (topic) => heardBy(client).push(topic))
      await new Promise<void>((resolve, reject) => {
        client.once('connect', () => resolve()).once('error', reject)
        client.once('close', () => reject(new Error('not let in')))
      })
      return client
    }
    /** A broker may keep a name back for a moment that two have claimed. */
    async function comeIn(user: string): Promise<MqttClient> {
      let client: MqttClient | undefined
      await until(async () => {
        client = await as(user).catch(() => undefined)
        return client !== undefined
      })
      return client ?? as(user)
    }
    const heard = new Map<MqttClient, string[]>()
    const heardBy = (client: MqttClient) => heard.get(client) ?? heard.set(client, []).get(client) ?? []
    const below = (list: readonly string[], of: string) => list.map((topic) => `router/${of}/${topic}`).sort()
    /** All that was published before has come: a broker may bring topics on ways of their own, so twice. */
    async function isOver(teller: MqttClient, hearer: MqttClient): Promise<void> {
      for (const last of ['open/first', 'open/last']) {
        await teller.publishAsync(last, 'last', { qos: 1 })
        await until(() => heardBy(hearer).includes(last))
      }
    }
    /** Asks for everything: a broker grants that and brings what may be heard, or refuses what is too much, so one by one too. */
    async function hearAll(client: MqttClient, of = 'r1'): Promise<void> {
      const each = topics.flatMap((topic) => [`router/${of}/${topic}`, `router/+/${topic}`])
      for (const filter of ['#', 'open/#', ...each]) await client.subscribeAsync(filter, { qos: 1 }).catch(() => {})
    }
    const isTopic = (topic: string) => !topic.startsWith('open/')

    test.skipIf(missing).each(roles)(
      '$user writes $write of $of, reads $read, and nothing else',
      async ({ user, of, ...may }) => {
        const [client, admin] = [await as(user), await as('admin')]
        await admin.subscribeAsync(['router/#', 'open/#'], { qos: 1 })
        for (const { topic } of topics.map((name) => ({ topic: `router/${of}/${name}` }))) {
          // In MQTT 3.1.1 a broker acknowledges what it refuses.
          await client.publishAsync(topic, 'own', { qos: 1 })
        }
        await isOver(admin, admin)
        const written = heardBy(admin).filter(isTopic)
        await hearAll(client, of)
        for (const name of topics) await admin.publishAsync(`router/${of}/${name}`, 'other', { qos: 1 })
        await isOver(admin, client)
        await Promise.all([client.endAsync(true), admin.endAsync(true)])

        expect(written.sort()).toEqual(below(may.write, of))
        const read = [...new Set(heardBy(client))].filter(isTopic)
        expect(read.sort()).toEqual(below(may.read, of))
      },
    )

    it.skipIf(missing)('keeps for nobody what they may not hear, retained or for a session', async () => {
      const away = { clean: false }
      const before = await as('monitor', away)
      await hearAll(before)
      await before.endAsync()
      const admin = await as('admin')
      for (const name of ['purchase', 'usage'])
        await admin.publishAsync(`router/r1/${name}`, 'x', { qos: 1, retain: true })
      const after = await as('monitor', away)
      await isOver(admin, after)
      const kept = [...new Set(heardBy(after).filter(isTopic))]
      heard.delete(after)
      await hearAll(after)
      await isOver(admin, after)

      expect(kept).toEqual(['router/r1/usage'])
      expect([...new Set(heardBy(after).filter(isTopic))]).toEqual(['router/r1/usage'])
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
        const victim = await comeIn('r1')
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
}
