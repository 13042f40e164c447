// The cost of signed purchases: bytes of a message, the time in which one is opened, and the memory of an agent that asks for them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { trustedKeys } from '../agent/trust/jwks.ts'
import { signaturesFor, signedPurchase } from '../agent/trust/signatures.ts'
import { aedes, mosquitto } from '../test/support/brokers/brokers.ts'
import { aMac, anIp } from '../test/support/builders.ts'
import { aSigner, type Signer } from '../test/support/signer.ts'
import { startAgent } from './agent-under-test.ts'
import type { Figure, Row, Stage } from './figure.ts'
import { settledMemory } from './memory.ts'
import { monotonic } from './monotonic.ts'
import { temporaryFolder } from './places.ts'
import { noLatencies, openPortal } from './portal-process.ts'
import { median } from './statistics.ts'

const messages = 2000
const routerId = 'cafe-lisboa-1'
const claims = { routerId, iat: 1_700_000_000, exp: 1_702_592_000 }
const purchase = {
  purchaseId: '01K9Z6V3T0W8Q4N5E2R7Y1M6HA',
  mac: 'ac:e0:10:12:2d:75',
  amount: 31,
  unit: 'sat',
  reference: 'invoice-7781',
}

export const signatures: Figure = {
  name: 'signatures',
  about: 'bytes, time and memory of signed purchases',
  async measure(stage) {
    const signers = [await aSigner('till-2026'), await aSigner('till-2027', 'ES256')] as const
    const memory = await memoryRow(stage, signers)
    const rows = await Promise.all(signers.map((signer, index) => rowsOf(signer, index === 0 ? 'Ed25519' : 'P-256')))
    return [...rows.flat(), memory]
  },
}

async function rowsOf(signer: Signer, name: string): Promise<Row[]> {
  const payload = Buffer.from(JSON.stringify({ jws: await signer.sign({ ...purchase, ...claims }) }))
  const keys = trustedKeys(JSON.stringify({ keys: [signer.jwk] }))
  const open = signaturesFor(signedPurchase, { routerId, topicPrefix: 'router' }, () => keys)
  const times = Array.from({ length: messages }, () => {
    const from = monotonic()
    const opened = open({ payload, bytes: payload.length })
    if ('fault' in opened) throw new Error(opened.fault)
    return monotonic() - from
  })
  return [
    {
      what: `a message, ${name}`,
      unit: 'bytes',
      ours: payload.length,
      against: { name: 'as designed', value: 435 },
      goal: { atMost: 1 },
    },
    {
      what: `to open one, ${name}`,
      unit: 'ms',
      ours: median(times),
      against: { name: 'as designed', value: 0.2 },
      goal: { atMost: 1 },
    },
  ]
}

/** Of two agents beside each other, of which one has read its keys. */
async function memoryRow(stage: Stage, signers: readonly Signer[]): Promise<Row> {
  const broker = await (mosquitto.missing ? aedes : mosquitto).open()
  stage.afterwards(broker.close)
  const keys = join(temporaryFolder(stage), 'keys.json')
  writeFileSync(keys, JSON.stringify({ keys: signers.map(({ jwk }) => jwk) }))
  const resident = async (env: Record<string, string>) => {
    const portal = await openPortal(stage, noLatencies)
    await portal.join({ mac: aMac(1), ip: anIp(1), bytesPerSecond: 0 })
    const agent = await startAgent(stage, { url: broker.url, socket: portal.socket, env })
    const bytes = await settledMemory(agent.pid)
    await agent.stop()
    return bytes
  }
  const [ours, value] = await Promise.all([resident({ AGENT_PURCHASE_KEYS: keys }), resident({})])
  return {
    what: 'idle, with two keys',
    unit: 'bytes',
    ours,
    against: { name: 'the same without', value },
    goal: { atMost: 1.02 },
  }
}
