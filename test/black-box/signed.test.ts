// Proves that an agent with keys opens a gate for what they have signed and for nothing else, from the command line of a backend.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createBroker } from '../../broker-dev/broker/broker.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'

const broker = createBroker()
let url = ''
let folder = ''
let router: Router | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-signed-'))
  url = `mqtt://127.0.0.1:${(await broker.open({ port: 0, wsPort: 0 })).port}`
})
afterEach(async () => {
  await router?.close()
  await broker.close()
  rmSync(folder, { recursive: true })
})

/** The exit code and the output of `tollgate-fleet`. */
async function fleet(...args: string[]): Promise<{ code: number | null; said: string }> {
  const program = spawn(process.execPath, [resolve('bin/tollgate-fleet.js'), '--url', url, ...args])
  let said = ''
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (chunk) => (said += chunk))
  return new Promise((resolve) => program.on('close', (code) => resolve({ code, said })))
}

it('sells what is signed with the key that the command made, and refuses what is not', async () => {
  expect(await fleet('key', 'till', '--out', folder)).toMatchObject({ code: 0 })
  const [secret, keys] = [join(folder, 'till.private.json'), join(folder, 'till.jwks.json')]
  router = await openRouter({ url, env: { AGENT_PURCHASE_KEYS: keys, AGENT_COMMAND_KEYS: keys } })
  await router.start()
  router.browse(mac(1), ip(1))
  await router.publish({ purchaseId: 'forged', mac: mac(1), metric: 'bytes', allotment: 1_000_000 })

  expect(await router.hears('purchase.rejected')).toMatchObject([
    {
      code: 'unauthorised',
      sentId: 'forged',
      final: false,
    },
  ])
  expect(router.portal.gateOpen(mac(1))).toBe(false)
  const order = ['buy', '--router', router.id, '--mac', mac(1), '--amount', '1']
  expect(await fleet('--purchase-key', secret, ...order)).toMatchObject({ code: 0 })
  await router.hears('session.started')
  expect(router.portal.gateOpen(mac(1))).toBe(true)
  expect((await fleet('pause', router.id, mac(1))).said).toContain('unauthorised')
  expect(await fleet('--command-key', secret, 'pause', router.id, mac(1))).toMatchObject({ code: 0 })
  expect(router.portal.gateOpen(mac(1))).toBe(false)
}, 30_000)
