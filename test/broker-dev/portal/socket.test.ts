// A served portal, asked through its real socket and by the bundled `ndsctl` program.
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Ending } from '../../../broker-dev/portal/ndsctl.ts'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import type { Flavour } from '../../../broker-dev/portal/world.ts'
import { aScene, known, mac } from './scene.ts'

const folder = mkdtempSync(join(tmpdir(), 'mock-portal-'))
const program = join(folder, 'ndsctl.mjs')
const path = join(folder, 'ndsctl.sock')
const log = join(folder, 'calls.log')
let served: { close(): Promise<void> } | undefined

beforeAll(async () => {
  const entry = new URL('../../../broker-dev/portal/ndsctl-main.ts', import.meta.url).pathname
  const banner = { js: '#!/usr/bin/env node' }
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm', banner })
  chmodSync(program, 0o755)
})

afterEach(async () => {
  await served?.close()
  served = undefined
})

afterAll(() => rmSync(folder, { recursive: true }))

describe('a served portal', () => {
  it('opens a gate for the ndsctl program', async () => {
    const portal = await aServedPortal()
    const ending = await run('nodogsplash', 'auth', mac(1))
    expect([ending, portal.gateOpen(mac(1))]).toEqual([
      { stdout: `Client ${mac(1)} authenticated.\n`, stderr: '', exitCode: 0 },
      true,
    ])
  })

  it('prints the same through the program as in memory', async () => {
    const portal = await aServedPortal('opennds-10')
    expect(await run('opennds-10', 'json')).toMatchObject({ stdout: portal.request('json'), exitCode: 0 })
  })

  it('is nowhere before it was ever served', async () => {
    expect(await run('nodogsplash', 'json')).toMatchObject({ stderr: expect.stringContaining('No such file') })
  })

  it('refuses the program while the daemon is stopped', async () => {
    const portal = await aServedPortal()
    portal.stop()
    expect(await run('nodogsplash', 'json')).toMatchObject({ stderr: expect.stringContaining('refused'), exitCode: 3 })
  })

  it('answers again after a restart', async () => {
    const portal = await aServedPortal()
    portal.restart()
    expect(await ask(`json ${mac(1)}\r\n\r\n`)).toBe('{}\n')
  })

  it('has the program say that openNDS is busy', async () => {
    const portal = await aServedPortal('opennds-10')
    portal.faults.busy = true
    expect(await run('opennds-10', 'json')).toMatchObject({ exitCode: 4 })
  })

  it('stops the daemon for the program', async () => {
    const portal = await aServedPortal()
    await run('nodogsplash', 'stop')
    expect(portal.running).toBe(false)
  })

  it('has the program note its calls', async () => {
    await aServedPortal()
    await run('nodogsplash', 'deauth', mac(1))
    expect(readFileSync(log, 'utf8')).toContain(`deauth ${mac(1)}\n`)
  })

  it.each([{ ending: '\r\n\r\n' }, { ending: '\n' }, { ending: '' }])(
    'takes a request that ends in %j',
    async (line) => {
      await aServedPortal()
      expect(await ask(`auth ${mac(1)}${line.ending}`)).toBe('Yes')
    },
  )
})

async function aServedPortal(flavour: Flavour = 'nodogsplash') {
  const { portal } = aScene(flavour, known(1))
  served = await servePortal(portal, path)
  return portal
}

function run(flavour: Flavour, ...args: string[]): Promise<Ending> {
  const env = { ...process.env, MOCK_NDSCTL_SOCKET: path, MOCK_NDSCTL_FLAVOUR: flavour, MOCK_NDSCTL_LOG: log }
  return new Promise((resolve) => {
    const child = execFile(program, args, { env }, (_, stdout, stderr) => {
      resolve({ stdout, stderr, exitCode: child.exitCode ?? -1 })
    })
  })
}

function ask(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    const connection = createConnection(path, () => connection.end(request)).setEncoding('utf8')
    connection.on('data', (piece) => {
      reply += piece
    })
    connection.on('end', () => resolve(reply)).on('error', reject)
  })
}
