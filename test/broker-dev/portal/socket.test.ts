// A served portal, asked through its real socket and by the bundled `ndsctl` program.

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { takeLock } from '../../../broker-dev/portal/lock.ts'
import type { Ending } from '../../../broker-dev/portal/ndsctl.ts'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import type { Flavour } from '../../../broker-dev/portal/world.ts'
import { aScene, known, mac } from './scene.ts'

const folder = mkdtempSync(join(tmpdir(), 'mock-portal-'))
const program = join(folder, 'ndsctl.mjs')
const path = join(folder, 'ndsctl.sock')
const log = join(folder, 'calls.log')
const callers: Socket[] = []
let served: { close(): Promise<void> } | undefined

beforeAll(async () => {
  const entry = new URL('../../../broker-dev/portal/ndsctl-main.ts', import.meta.url).pathname
  const banner = { js: '#!/usr/bin/env node' }
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm', banner })
  chmodSync(program, 0o755)
})

afterEach(async () => {
  for (const caller of callers.splice(0)) caller.destroy()
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

  it('gives the lock of openNDS to one ndsctl at a time', async () => {
    await aServedPortal('opennds')
    const release = await takeLock(path)
    const second = await takeLock(path).catch((error: NodeJS.ErrnoException) => error.code)
    release()
    await vi.waitFor(async () => (await takeLock(path))())
    expect(second).toBe('BUSY')
  })

  it('answers whoever talks to the socket while an ndsctl has the lock', async () => {
    const portal = await aServedPortal('opennds')
    portal.faults.busy = true
    expect(await ask('json\r\n\r\n')).toContain('"client_list_length":"1"')
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

describe('a served portal that wedges', () => {
  it('answers who comes alone', async () => {
    const portal = await aServedPortal()
    portal.faults.wedges = true
    expect([await ask('auth x\r\n'), await ask('auth x\r\n')]).toEqual(['No', 'No'])
  })

  it.each(['nodogsplash', 'opennds'] as const)('of %s answers one of three that come together', async (flavour) => {
    const { answered } = await aWedgedPortal(flavour, 3)
    expect(answered).toHaveLength(1)
  })

  it('answers one more for each connection that is opened and closed without a word', async () => {
    const { answered } = await aWedgedPortal('nodogsplash', 3)
    await knock()
    await vi.waitFor(() => expect(answered).toHaveLength(2))
  })

  it('stays behind for ever, and starts anew with the daemon', async () => {
    const { portal, answered } = await aWedgedPortal('nodogsplash', 3)
    for (let count = 0; count < 5; count++) await knock()
    const late = await Promise.race([ask('auth x\r\n'), pause(100)])
    portal.restart()
    expect([answered.length, late, await ask('auth x\r\n')]).toEqual([3, undefined, 'No'])
  })

  it('has no place for a caller that does not wait while six are queued', async () => {
    const portal = await aServedPortal()
    Object.assign(portal.faults, { wedges: true, latencyMilliseconds: 2000 })
    for (let count = 0; count < 8; count++) caller('auth x\r\n')
    await vi.waitFor(async () => expect(await connecting()).toBe('EAGAIN'), 5000)
  })

  it('does not do what somebody asked who has left', async () => {
    const { portal } = await aWedgedPortal('nodogsplash', 1)
    const [one, two] = [caller(`auth ${mac(1)}\r\n`), caller(`auth ${mac(1)}\r\n`)]
    await vi.waitFor(() => expect(portal.gateOpen(mac(1))).toBe(true))
    portal.request(`deauth ${mac(1)}`)
    for (const each of [one, two]) each.destroy()
    await knock()
    expect(portal.gateOpen(mac(1))).toBe(false)
  })
})

async function aWedgedPortal(flavour: Flavour, together: number) {
  const portal = await aServedPortal(flavour)
  portal.faults.wedges = true
  const answered: string[] = []
  for (let count = 0; count < together; count++) {
    caller('auth x\r\n').on('data', (piece) => answered.push(String(piece)))
  }
  await vi.waitFor(() => expect(answered).not.toEqual([]))
  return { portal, answered }
}

function caller(request: string): Socket {
  const connection = createConnection(path, () => connection.write(request))
  callers.push(connection)
  return connection.on('error', () => {})
}

/** The outcome of an attempt to connect. */
function connecting(): Promise<string | undefined> {
  return new Promise((resolve) => {
    const connection = createConnection(path, () => resolve('connected'))
    connection.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    callers.push(connection)
  })
}

/** Opens a connection, says nothing, and closes it. */
async function knock(): Promise<void> {
  const connection = createConnection(path)
  await once(connection, 'connect')
  connection.destroy()
  await pause(10)
}

// Only waiting shows that nothing happens at a real socket.
const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))

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
