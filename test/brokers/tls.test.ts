// Proves TLS with certificates on both sides at a real Mosquitto: the agent, the client and the command line get in by theirs and by
// nobody else's, and one that is renewed is used without a restart and without an outage.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connectFleet, type FleetError, memoryStore } from '../../client/index.ts'
import { anAuthority, type Pair } from '../support/brokers/an-authority.ts'
import { mosquitto, openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const [authority, stranger] = [anAuthority(), anAuthority()]
const folder = mkdtempSync(join(tmpdir(), 'tollgate-tls-'))
const brokerLog = join(folder, 'broker.log')
let broker: TestBroker
let routerUrl = ''
let url = ''
let router: Router | undefined

beforeAll(async () => {
  if (mosquitto.missing) return
  const { certFile, keyFile } = authority.issue('broker')
  const [routers, others] = [await freePort(), await freePort()]
  // As it is shipped, but for its paths and ports.
  const shipped = readFileSync('deploy/mosquitto/certificates.conf', 'utf8')
    .replaceAll('/etc/mosquitto/tollgate/ca.crt', authority.caFile)
    .replaceAll('/etc/mosquitto/tollgate/server.crt', certFile)
    .replaceAll('/etc/mosquitto/tollgate/server.key', keyFile)
    .replace('listener 8884', `listener ${routers}`)
    .replace('listener 8886', `listener ${others}`)
  const log = [`log_dest file ${brokerLog}`, 'log_type all', 'connection_messages true']
  broker = await openMosquitto({ settings: [...shipped.split('\n'), ...log] })
  routerUrl = `mqtts://localhost:${routers}`
  url = `mqtts://localhost:${others}`
})
beforeEach(() => writeFileSync(brokerLog, ''))
afterEach(async () => {
  await router?.close()
  router = undefined
})
afterAll(async () => {
  await broker?.close()
  authority.close()
  stranger.close()
  rmSync(folder, { recursive: true })
})

const envOf = ({ certFile, keyFile }: Pair, caFile = authority.caFile) => ({
  AGENT_MQTT_URL: routerUrl,
  AGENT_MQTT_CA_FILE: caFile,
  AGENT_MQTT_CERT_FILE: certFile,
  AGENT_MQTT_KEY_FILE: keyFile,
})
const openAgent = async (env: Record<string, string>) => {
  router = await openRouter({ url: broker.watchUrl, env })
  return router
}
const aShop = ({ certFile, keyFile }: Pair, ca = authority.caFile) =>
  connectFleet({ url, ca, cert: certFile, key: keyFile, store: memoryStore(), within: 3000 })
/** Under which names somebody was let in, in order. */
const letIn = () => [...readFileSync(brokerLog, 'utf8').matchAll(/New client connected.* as (\S+) .*u'([^']*)'/g)]

async function tollgateFleet(...args: string[]): Promise<{ code: number | null; said: string }> {
  const program = spawn(process.execPath, [resolve('bin/tollgate-fleet.js'), '--url', url, ...args])
  let said = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk) => (said += chunk))
  return new Promise((done) => program.on('close', (code) => done({ code, said })))
}

describe.skipIf(mosquitto.missing)('with certificates on both sides', () => {
  it('sells from a client to an agent, and shows both to the command line', async () => {
    const agent = await openAgent(envOf(authority.issue('r1')))
    agent.browse(mac(1), ip(1))
    await agent.start()
    await using shop = await aShop(authority.issue('shop'))
    const { outcome } = await shop.purchase(agent.id, { mac: mac(1), metric: 'bytes', allotment: 1_000_000 })
    const desk = authority.issue('desk')
    const access = ['--ca', authority.caFile, '--cert', desk.certFile, '--key', desk.keyFile]
    const listed = await tollgateFleet(...access, 'sessions', agent.id)

    expect(outcome).toBe('accepted')
    expect(listed).toMatchObject({ code: 0, said: expect.stringContaining(mac(1)) })
    // The name in the certificate is the user's, and a router's client id whatever it calls itself.
    expect(letIn().map(([, id, user]) => `${id?.replace(/client-.*/, '…')} ${user}`)).toEqual([
      ...['r1 r1', 'tollgate-… shop', 'tollgate-… desk'],
    ])
  })

  it('uses a renewed certificate of the agent at once, and nobody sees it away', async () => {
    const agent = await openAgent(envOf(authority.issue('r1')))
    await agent.start()
    const renewed = authority.issue('r1-new')
    for (const [from, to] of [['keyFile', 'r1.key'] as const, ['certFile', 'r1.crt'] as const]) {
      writeFileSync(join(renewed[from], '..', to), readFileSync(renewed[from]))
    }
    await until(() => letIn().length === 2, 20_000)
    await until(() => agent.statuses.length > 1)

    expect(letIn().map(([, , user]) => user)).toEqual(['r1', 'r1-new'])
    expect(new Set(agent.statuses.map(({ state }) => state))).toEqual(new Set(['online']))
    expect(agent.statuses.at(-1)?.warnings).toEqual([])
    expect(agent.log()).not.toContain('no connection to the broker')
  })

  it('uses a renewed certificate of a client at once, and loses none of its purchases', async () => {
    const agent = await openAgent(envOf(authority.issue('r1')))
    await agent.start()
    const warnings: FleetError[] = []
    const { certFile, keyFile } = authority.issue('shop')
    const access = { url, ca: authority.caFile, cert: certFile, key: keyFile }
    await using shop = await connectFleet({ ...access, store: memoryStore(), onWarning: (one) => warnings.push(one) })
    authority.issue('shop')
    const outcomes: string[] = []
    const shops = () => letIn().filter(([, , user]) => user === 'shop').length
    for (let n = 1; shops() < 2; n++) {
      const order = { mac: mac(n), metric: 'bytes', allotment: n } as const
      outcomes.push((await shop.purchase(agent.id, order)).outcome)
      await sleepFor(50)
    }

    expect(outcomes.length).toBeGreaterThan(10)
    expect(new Set(outcomes)).toEqual(new Set(['accepted']))
    expect(warnings).toEqual([])
  })

  it.each([
    { whose: 'none', says: 'the broker asks for a certificate', client: 'asks for a certificate' },
    { whose: 'an expired one', says: 'has expired', client: 'says that the certificate has expired' },
    { whose: "a stranger's", says: 'does not know the issuer', client: 'does not know the issuer' },
  ])('says what is wrong with $whose', async ({ whose, says, client }) => {
    const pair = whose === 'an expired one' ? authority.issue('r1', 0) : stranger.issue('r1')
    const { AGENT_MQTT_CERT_FILE, AGENT_MQTT_KEY_FILE, ...without } = envOf(pair)
    const pairOf = { AGENT_MQTT_CERT_FILE, AGENT_MQTT_KEY_FILE }
    const agent = await openAgent({ ...without, ...(whose !== 'none' && pairOf) })
    agent.launch()
    await until(() => agent.hasLogged('no connection to the broker'))
    expect(agent.log()).toContain(says)
    const access = { url, ca: authority.caFile, ...(whose !== 'none' && { cert: pair.certFile, key: pair.keyFile }) }
    await expect(connectFleet({ ...access, store: memoryStore() })).rejects.toMatchObject({
      code: 'unauthorised',
      message: expect.stringContaining(client),
    })
  })

  it('trusts no broker that its own authority does not vouch for', async () => {
    const shop = aShop(authority.issue('shop'), stranger.caFile)

    await expect(shop).rejects.toMatchObject({ code: 'unreachable', message: expect.stringContaining('give the ca') })
  })
})
