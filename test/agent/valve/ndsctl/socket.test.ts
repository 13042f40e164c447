// Proves that the socket transport speaks the daemon's protocol, and gets its answers from a daemon whose queue is behind.
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { parseList } from '../../../../agent/valve/dialect.ts'
import { execNdsctl } from '../../../../agent/valve/ndsctl/exec.ts'
import { socketNdsctl } from '../../../../agent/valve/ndsctl/socket.ts'
import { servePortal } from '../../../../broker-dev/portal/socket.ts'
import { createPortal, type MockPortal } from '../../../../broker-dev/portal/world.ts'
import { aMac } from '../../../support/builders.ts'

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

  it('is answered again by a daemon that did not move for a while, and rests meanwhile', async () => {
    portal.faults.wedges = true
    portal.faults.hang = true
    const ask = socketNdsctl(path, 300)
    const used = process.cpuUsage()
    for (let call = 0; call < 8; call++) await expect(ask(['json'])).rejects.toMatchObject({ code: 'portal-silent' })
    const { user, system } = process.cpuUsage(used)
    portal.faults.hang = false

    expect(parseList((await socketNdsctl(path, 5000)(['json'])).stdout).clients).toHaveLength(1)
    expect(parseList((await ask(['json'], 3000)).stdout).clients).toHaveLength(1)
    // Trying without a pause would take all of these 2.4 seconds.
    expect((user + system) / 1000).toBeLessThan(1200)
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

  it('helps a call at a daemon that is only slow once, and not again', async () => {
    const slow = await aSlowDaemon(700)
    const ask = socketNdsctl(slow.path, 5000)
    const opened: number[] = []
    for (let call = 0; call < 3; call++) {
      await ask(['json'])
      opened.push(slow.connections.splice(0).length)
    }
    slow.server.close()

    // A knock and a request each time.
    expect(opened).toEqual([3, 2, 2])
  })

  it('moves on whatever others ask at a queue that is behind', async () => {
    portal.faults.wedges = true
    await leaveBehind(3)
    expect(await answerToSomebodyElse()).toBe('')

    await socketNdsctl(path, 5000)(['json'])
    // Two that come in the same moment are one wake-up again, and one of them waits: it tries once more.
    const answers: string[] = []
    for (let caller = 0; caller < 3; caller++)
      answers.push((await answerToSomebodyElse()) || (await answerToSomebodyElse()))
    expect(answers).toEqual(Array(3).fill(expect.stringContaining('"client_length": 1')))
  })

  it('leaves no queue behind at a daemon that is only slow', async () => {
    Object.assign(portal.faults, { wedges: true, latencyMilliseconds: 400 })
    await socketNdsctl(path, 5000)(['json'])
    portal.faults.latencyMilliseconds = 0

    expect(await answerToSomebodyElse()).toContain('"client_length": 1')
  })
})

describe('ndsctl as an executable', () => {
  const program = fileURLToPath(new URL('../../../../dist/ndsctl.js', import.meta.url))

  async function endAt(socket?: string): Promise<unknown> {
    process.env.MOCK_NDSCTL_SOCKET = path
    const ndsctl = execNdsctl(program, socket ? 20_000 : 1500, { debug: () => {} }, socket)
    return ndsctl(['json']).then(
      ({ exitCode }) => exitCode,
      (err) => err.code,
    )
  }

  it('is helped through a queue that is behind, where it is known', async () => {
    portal.faults.wedges = true
    await leaveBehind(3)

    expect([await endAt(), await endAt(path)]).toEqual(['portal-silent', 0])
  })

  it.each(['nowhere.sock', ''])('does without help from %j', async (name) => {
    expect(await endAt(join(folder, name))).toBe(0)
  })
})

async function aSlowDaemon(milliseconds: number) {
  const connections: Socket[] = []
  const own = `${path}.slow`
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connections.push(connection)
    const answer = (request: string) =>
      setTimeout(() => connection.end('{}'), request.startsWith('json') ? milliseconds : 0)
    connection.on('data', (request) => answer(String(request))).on('end', () => connection.end())
  })
  await new Promise<void>((resolve) => server.listen(own, resolve))
  return { server, connections, path: own }
}

/** The answer to a caller that connects once and waits, if it gets any. */
function answerToSomebodyElse(): Promise<string> {
  return new Promise((resolve) => {
    const other = connect(path, () => other.write('json\r\n\r\n')).setTimeout(500, () => other.destroy())
    let answer = ''
    other.on('data', (piece) => {
      answer += String(piece)
    })
    other.on('close', () => resolve(answer))
  })
}

/** That many callers and one more come together, and give up. */
async function leaveBehind(behind: number): Promise<void> {
  const callers = Array.from({ length: behind + 1 }, () => connect(path).on('error', () => {}))
  await new Promise((resolve) => setTimeout(resolve, 50))
  for (const caller of callers) caller.destroy()
}
