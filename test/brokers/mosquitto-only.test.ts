// Cases that need a real Mosquitto, or no second broker to be believed: MQTT 5, the folder's lock, bad settings.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mosquitto, openMosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

const agentFile = resolve(import.meta.dirname, '../../dist/agent.js')
const phone = mac(1)

describe.skipIf(mosquitto.missing)(mosquitto.missing ?? 'on Mosquitto alone', () => {
  let broker: TestBroker
  let router: Router | undefined
  beforeEach(async () => {
    broker = await mosquitto.open()
  })
  afterEach(async () => {
    await router?.close()
    await broker.close()
  })

  it('answers to the MQTT 5 response topic, with the correlation data', async () => {
    router = await openRouter({ url: broker.url, env: { AGENT_MQTT_VERSION: '5' } })
    await router.start()
    const operator = await mqtt.connectAsync(broker.url, { protocolVersion: 5 })
    const answers: [string, string | undefined][] = []
    operator.on('message', (topic, _, packet) => answers.push([topic, packet.properties?.correlationData?.toString()]))
    const here = `router/${router.id}/reply/here`
    await operator.subscribeAsync(here, { qos: 1 })
    await operator.publishAsync(`router/${router.id}/command`, '{"transaction":"t5","command":"sessions"}', {
      qos: 1,
      properties: { responseTopic: here, correlationData: Buffer.from('c1') },
    })
    await until(() => answers.length > 0)
    await operator.endAsync()
    expect(answers).toEqual([[here, 'c1']])
  })

  it.each(['in the settings', 'in the address'])('shows who it is, by a name and a password %s', async (where) => {
    const guarded = await openMosquitto({ user: { name: 'router one', password: 'p@ss' } })
    const file = join(mkdtempSync(join(tmpdir(), 'tollgate-password-')), 'password')
    writeFileSync(file, 'p@ss\n')
    const address = guarded.url.replace('//', '//router%20one:p%40ss@')
    const bySettings = {
      AGENT_MQTT_URL: guarded.url,
      AGENT_MQTT_USERNAME: 'router one',
      AGENT_MQTT_PASSWORD_FILE: file,
    }
    router = await openRouter({ url: address, env: where === 'in the settings' ? bySettings : {} })
    await router.start()
    expect(router.statuses).toMatchObject([{ state: 'online' }])
    await router.close()
    router = undefined
    await guarded.close()
  })

  it('keeps purchases for an MQTT 5 agent that is down', async () => {
    router = await openRouter({ url: broker.url, env: { AGENT_MQTT_VERSION: '5' } })
    router.browse(phone, ip(1))
    await router.start()
    await router.kill()
    await router.publish({ purchaseId: 'p1', mac: phone, amount: 1, unit: 'sat' })
    await router.start()
    await router.hears('session.started')
  })

  it('refuses a second agent on the same state folder and says who holds it', async () => {
    router = await openRouter({ url: broker.url })
    await router.start()
    const env = {
      ...process.env,
      AGENT_ROUTER_ID: 'other',
      AGENT_STATE_DIR: router.stateDir,
      AGENT_MQTT_URL: broker.url,
      AGENT_GUARD: 'off',
    }
    const second = spawnSync(process.execPath, [agentFile], { env, encoding: 'utf8', timeout: 10_000 })
    expect(second.status).not.toBe(0)
    expect(second.stdout).toContain(`in use by process ${router.pid()}`)
  })
})

it('names every bad setting at once and ends with a code that is not 0', () => {
  const env = { PATH: process.env.PATH, AGENT_LOOK_INTERVAL_MS: 'soon', AGENT_PORTAL: 'fon', AGENT_MQTT_URL: 'here' }
  const agent = spawnSync(process.execPath, [agentFile], { env, encoding: 'utf8' })
  expect(agent.status).not.toBe(0)
  const named = ['AGENT_ROUTER_ID', 'AGENT_LOOK_INTERVAL_MS', 'AGENT_PORTAL', 'AGENT_MQTT_URL']
  expect(named.filter((name) => !agent.stderr.includes(name))).toEqual([])
})
