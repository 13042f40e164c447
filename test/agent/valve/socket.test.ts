// Proves that the socket transport speaks the daemon's protocol, and gets its answers from a daemon whose queue is behind.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { parseList } from '../../../agent/valve/dialect.ts'
import { socketNdsctl } from '../../../agent/valve/socket.ts'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import { createPortal, type MockPortal } from '../../../broker-dev/portal/world.ts'
import { aMac } from '../../support/builders.ts'

let folder: string
let path: string
let portal: MockPortal
let served: { close(): Promise<void> }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-socket-'))
  path = join(folder, 'ndsctl.sock')
  portal = createPortal({ flavour: 'nodogsplash', now: () => 1_795_345_799_000, random: () => 0.5 })
  portal.arrive(aMac(), '192.168.66.101')
  portal.browse(aMac())
  served = await servePortal(portal, path)
})
afterEach(async () => {
  await served.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the socket transport', () => {
  it('opens a gate, and says so when it is open already', async () => {
    const ask = socketNdsctl(path, 2000)
    const codes = [await ask(['auth', aMac()]), await ask(['auth', aMac()])].map(({ exitCode }) => exitCode)

    expect(codes).toEqual([0, 1])
    expect(portal.gateOpen(aMac())).toBe(true)
  })

  it('says that the daemon is not there as ndsctl does', async () => {
    portal.stop()

    expect(await socketNdsctl(path, 2000)(['json'])).toEqual({ stdout: '', exitCode: 3 })
  })

  it('gives a daemon that says nothing up at its limit', async () => {
    portal.faults.hang = true

    await expect(socketNdsctl(path, 300)(['json'])).rejects.toMatchObject({ code: 'portal-silent' })
  })

  test.each([1, 5])('gets its answers from a queue that is %i behind', async (behind) => {
    portal.faults.wedges = true
    await leaveBehind(behind)
    const ask = socketNdsctl(path, 5000)
    const answers = [await ask(['json']), await ask(['json'])]

    expect(answers.map(({ stdout }) => parseList(stdout).clients.length)).toEqual([1, 1])
  })

  it('gets its answers from a queue that falls behind while it asks', async () => {
    portal.faults.wedges = true
    const ask = socketNdsctl(path, 5000)
    const [answer] = await Promise.all([ask(['json']), leaveBehind(3), leaveBehind(2)])

    expect(answer.exitCode).toBe(0)
  })
})

/** So many callers and one come together, and give up. */
async function leaveBehind(behind: number): Promise<void> {
  const callers = Array.from({ length: behind + 1 }, () => connect(path).on('error', () => {}))
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (const caller of callers) caller.destroy()
}
