// Proves who may do what at a real Mosquitto and at the development broker.
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { anAuthority } from '../support/brokers/an-authority.ts'
import { mosquitto, openMosquitto } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { accessCasesAt, type Doors, someAccounts } from './access.cases.ts'

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
