// Proves who may do what at a real Mosquitto and at the development broker, and what `enrol` refuses.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { anAuthority } from '../support/brokers/an-authority.ts'
import { mosquitto, openMosquitto } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { accessCasesAt, type Doors, enrol, someAccounts, tollgateFleet } from './access.cases.ts'

let folder = ''
beforeAll(() => {
  folder = someAccounts()
})
afterAll(() => rmSync(folder, { recursive: true }))

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

accessCasesAt({ name: 'Mosquitto', missing: mosquitto.missing, open: secureMosquitto }, () => folder)
accessCasesAt({ name: 'the development broker', missing: undefined, open: secureAedes }, () => folder)

it('makes no second account of one name, and says so', () => {
  enrol(folder, 'r3')
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', 'r3', '--out', folder)

  expect(status).toBe(2)
  expect(said).toContain('has an account')
})

it.each(['tollgate-1', 'client-1'])('makes no router of the name %s, which others could claim', (name) => {
  const { status, said } = tollgateFleet('--url', 'mqtt://b.example', 'enrol', name, '--out', folder)

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
  const natsUser =
    readFileSync(join(folder, 'users.conf'), 'utf8')
      .split('\n')
      .find((line) => line.includes(user)) ?? ''
  expect(JSON.parse(natsUser)).not.toHaveProperty('password')
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
