// The mock's `ndsctl` in one process with its portal, where something is wrong with the daemon.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { inProcess } from '../../../broker-dev/portal/in-process.ts'
import { ndsctl } from '../../../broker-dev/portal/ndsctl.ts'
import type { Faults } from '../../../broker-dev/portal/world.ts'
import { aScene, known, mac } from './scene.ts'

afterEach(() => {
  vi.useRealTimers()
})

describe('ndsctl', () => {
  it('finds no daemon when it is stopped', async () => {
    const { portal } = aScene('nodogsplash')
    portal.stop()
    expect(await inProcess(portal)(['json'])).toMatchObject({ exitCode: 3 })
  })

  it('stops the daemon', async () => {
    const { portal } = aScene('opennds')
    await inProcess(portal)(['stop'])
    expect(portal.running).toBe(false)
  })

  it.each([{ command: 'auth' }, { command: 'deauth' }] as const)('is refused $command', async ({ command }) => {
    const portal = faulty({ refuse: new Set([command]) })
    portal.request(command === 'deauth' ? `auth ${mac(1)}` : 'status')
    expect(await inProcess(portal)([command, mac(1)])).toMatchObject({ exitCode: 1 })
  })

  it('prints whatever the daemon sends for json', async () => {
    expect(await inProcess(faulty({ garbage: '{"client_le' }))(['json'])).toMatchObject({ stdout: '{"client_le' })
  })

  it('has no status to print when only that fails', async () => {
    const run = inProcess(faulty({ statusFails: true }))
    expect([await run(['status']), await run(['json'])]).toMatchObject([{ stdout: '', exitCode: 2 }, { exitCode: 0 }])
  })

  it('finds no daemon after the one that ended when it was asked for its status', async () => {
    const run = inProcess(faulty({ endsOnStatus: true }))
    const status = await run(['status'])
    expect([status.stdout, (await run(['json'])).exitCode]).toEqual(['', 3])
  })

  it('calls anything but Yes and No an abnormal reply', async () => {
    const ending = await ndsctl(['auth', mac(1)], { flavour: 'nodogsplash', send: async () => '' })
    const stderr = 'ndsctl: Error: nodogsplash sent an abnormal reply.\n'
    expect(ending).toEqual({ stdout: '', stderr, exitCode: 2 })
  })

  it('waits as long as the daemon takes', async () => {
    vi.useFakeTimers()
    const ending = inProcess(faulty({ latencyMilliseconds: 300 }))(['auth', mac(1)])
    await vi.advanceTimersByTimeAsync(300)
    expect(await ending).toMatchObject({ exitCode: 0 })
  })

  it('never ends when the daemon hangs', async () => {
    const ending = inProcess(faulty({ hang: true }))(['json'])
    expect(await Promise.race([ending, new Promise((resolve) => setImmediate(resolve, 'still waiting'))])).toBe(
      'still waiting',
    )
  })

  it.each([
    { flavour: 'nodogsplash', chosen: '/run/other.sock' },
    { flavour: 'opennds', chosen: undefined },
  ] as const)('of $flavour takes -s for $chosen', async ({ flavour, chosen }) => {
    const send = vi.fn(async () => '{}\n')
    await ndsctl(['-s', '/run/other.sock', 'json'], { flavour, send })
    expect(send).toHaveBeenCalledWith('json\r\n\r\n', chosen)
  })
})

function faulty(faults: Faults) {
  const { portal } = aScene('nodogsplash', known(1))
  Object.assign(portal.faults, faults)
  return portal
}
