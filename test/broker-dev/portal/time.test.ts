// How long a request takes, and what becomes of the others meanwhile.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { inProcess } from '../../../broker-dev/portal/in-process.ts'
import type { Flavour } from '../../../broker-dev/portal/world.ts'
import { aScene, aSceneWith, gone, ip, known, mac, tokenOf } from './scene.ts'

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
    { flavour: 'opennds-10', clients: 1, asked: 'deauth MAC', measured: 700 },
  ] as const)('$flavour with $clients clients takes $measured ms for $asked', async (row) => {
    expect(Math.abs((await timeOf(row)) / row.measured - 1)).toBeLessThan(0.15)
  })

  it.each([
    { asked: 'json', measured: 4300 },
    { asked: 'json MAC', measured: 1200 },
  ])('openNDS with 4 of 6 clients away takes $measured ms for $asked', async ({ asked, measured }) => {
    const time = await timeOf({ flavour: 'opennds', clients: 6, asked, away: [1, 2, 3, 4] })
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
