// How long a request takes, and what becomes of the others meanwhile.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inProcess } from '../../../broker-dev/portal/in-process.ts'
import type { Flavour } from '../../../broker-dev/portal/world.ts'
import { aScene, aSceneWith, asked, gone, ip, known, mac, moved, tokenOf } from './scene.ts'

describe('a realistic daemon', () => {
  it.each([
    { flavour: 'nodogsplash', clients: 1, asked: 'json', measured: 4.4 },
    { flavour: 'nodogsplash', clients: 20, asked: 'json', measured: 5.3 },
    { flavour: 'nodogsplash', clients: 120, asked: 'json', measured: 6.6 },
    { flavour: 'nodogsplash', clients: 120, asked: 'json MAC', measured: 6.5 },
    { flavour: 'nodogsplash', clients: 120, asked: 'auth MAC', measured: 12 },
    { flavour: 'nodogsplash', clients: 120, asked: 'deauth MAC', measured: 50 },
    { flavour: 'opennds', clients: 1, asked: 'json', measured: 21 },
    { flavour: 'opennds', clients: 20, asked: 'json', measured: 344 },
    { flavour: 'opennds', clients: 120, asked: 'json', measured: 2256 },
    { flavour: 'opennds', clients: 1, asked: 'json MAC', measured: 23.5 },
    { flavour: 'opennds', clients: 20, asked: 'json MAC', measured: 61 },
    { flavour: 'opennds', clients: 120, asked: 'json IP', measured: 252 },
    { flavour: 'opennds', clients: 20, asked: 'json TOKEN', measured: 22 },
    { flavour: 'opennds', clients: 120, asked: 'json TOKEN', measured: 25 },
    { flavour: 'opennds', clients: 1, asked: 'auth MAC', measured: 73 },
    { flavour: 'opennds', clients: 120, asked: 'auth MAC,60', measured: 318 },
    { flavour: 'opennds', clients: 1, asked: 'deauth MAC', measured: 137 },
    { flavour: 'opennds', clients: 120, asked: 'deauth MAC', measured: 400 },
    { flavour: 'opennds', clients: 8, asked: 'status', measured: 160 },
    { flavour: 'opennds-10', clients: 1, asked: 'deauth MAC', measured: 700 },
    { flavour: 'opennds-10', clients: 1, asked: 'auth MAC', measured: 800 },
    { flavour: 'opennds-10', clients: 1, asked: 'auth 02:66:ca:fe:00:99', measured: 60 },
  ] as const)('$flavour with $clients clients takes $measured ms for $asked', async (row) => {
    expect(Math.abs((await timeOf(row)) / row.measured - 1)).toBeLessThan(0.15)
  })

  it.each([
    { clients: 6, away: [1, 2, 3, 4], asked: 'json', measured: 4300 },
    { clients: 6, away: [1, 2, 3, 4], asked: 'json MAC', measured: 1200 },
    { clients: 8, away: [1, 2, 3, 4, 5, 6], asked: 'json', measured: 6900 },
    { clients: 8, away: [1, 2, 3, 4, 5, 6], asked: 'status', measured: 160 },
  ])('openNDS takes $measured ms for $asked of $clients clients, these away: $away', async ({ measured, ...row }) => {
    const time = await timeOf({ flavour: 'opennds', ...row })
    expect(Math.abs(time / measured - 1)).toBeLessThan(0.15)
  })

  it('nodogsplash waits for nobody who is away', async () => {
    expect(await timeOf({ flavour: 'nodogsplash', clients: 6, asked: 'json', away: [1, 2] })).toBeLessThan(5)
  })
})

describe('while one request is served', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('the next one waits for its turn', async () => {
    const ask = slow('nodogsplash')
    const ended: string[] = []
    for (const name of ['first', 'second']) void ask(['json']).then(() => ended.push(name))
    await vi.advanceTimersByTimeAsync(300)
    const afterOne = [...ended]
    await vi.advanceTimersByTimeAsync(300)
    expect([afterOne, ended]).toEqual([['first'], ['first', 'second']])
  })

  it.each(['opennds', 'opennds-10'] as const)('the ndsctl of %s turns others away', async (flavour) => {
    const ask = slow(flavour)
    const first = ask(['json'])
    const second = await ask(['status'])
    await vi.advanceTimersByTimeAsync(300)
    expect([(await first).exitCode, second.exitCode]).toEqual([0, 4])
  })

  it.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('%s shows what it had read first', async (flavour) => {
    const { portal } = aScene(flavour, known(1), asked(`auth ${mac(1)}`), moved(1, 5, 0))
    portal.faults.latencyMilliseconds = 300
    const before = portal.request('json')
    const answer = portal.serve('json')
    await vi.advanceTimersByTimeAsync(100)
    portal.transfer(mac(1), { downloaded: 7e6, uploaded: 0 })
    await vi.advanceTimersByTimeAsync(200)
    expect(await answer).toBe(before)
  })

  it.each([{ line: `auth ${mac(1)}` }, { line: `trust ${mac(1)}` }])(
    'the gate moves at the end of $line',
    async (row) => {
      const { portal } = aScene('nodogsplash', known(1))
      portal.faults.latencyMilliseconds = 300
      void portal.serve(row.line)
      await vi.advanceTimersByTimeAsync(299)
      const before = portal.gateOpen(mac(1))
      await vi.advanceTimersByTimeAsync(1)
      expect([before, portal.gateOpen(mac(1))]).toEqual([false, true])
    },
  )

  it('a deauth takes effect at the end of its time', async () => {
    const { portal } = aScene('opennds', known(1), asked(`auth ${mac(1)}`))
    portal.faults.latencyMilliseconds = 300
    void portal.serve(`deauth ${mac(1)}`)
    await vi.advanceTimersByTimeAsync(299)
    const before = portal.gateOpen(mac(1))
    await vi.advanceTimersByTimeAsync(1)
    expect([before, portal.gateOpen(mac(1))]).toEqual([true, false])
  })

  it.each(['opennds', 'opennds-10'] as const)('another program at %s turns the ndsctl away', async (flavour) => {
    const { portal } = aScene(flavour, known(1))
    const occupied = portal.occupy(300)
    const during = await inProcess(portal)(['json'])
    await vi.advanceTimersByTimeAsync(300)
    await occupied
    expect([during.exitCode, (await inProcess(portal)(['json'])).exitCode]).toEqual([4, 0])
  })

  it('at nodogsplash one waits for another program', async () => {
    const { portal } = aScene('nodogsplash', known(1))
    void portal.occupy(300)
    const ended = vi.fn()
    void inProcess(portal)(['json']).then(ended)
    await vi.advanceTimersByTimeAsync(299)
    const before = ended.mock.calls.length
    await vi.advanceTimersByTimeAsync(2)
    expect([before, ended.mock.calls.length]).toEqual([0, 1])
  })

  it('a daemon that is restarted forgets it', async () => {
    const { portal } = aScene('nodogsplash', known(1))
    portal.faults.latencyMilliseconds = 300
    const ending = inProcess(portal)(['auth', mac(1)])
    portal.restart({ keepsClients: true })
    await vi.advanceTimersByTimeAsync(300)
    expect([(await ending).exitCode, portal.gateOpen(mac(1))]).toEqual([3, false])
  })
})

interface Row {
  flavour: Flavour
  clients: number
  asked: string
  away?: number[]
}

async function timeOf({ flavour, clients, asked, away = [] }: Row): Promise<number> {
  let milliseconds = 0
  const sleep = async (more: number) => {
    milliseconds += more
  }
  const devices = Array.from({ length: clients }, (_, index) => index + 1)
  const scene = aSceneWith({ flavour, sleep, maxClients: 250 }, known(...devices), gone(...away))
  const names = { MAC: mac(1), IP: ip(1), TOKEN: tokenOf(scene, 1) }
  scene.portal.faults.realistic = true
  await scene.portal.serve(asked.replace(/[A-Z]+/, (name) => names[name as keyof typeof names]))
  return milliseconds
}

function slow(flavour: Flavour) {
  const { portal } = aScene(flavour, known(1))
  portal.faults.latencyMilliseconds = 300
  return inProcess(portal)
}
