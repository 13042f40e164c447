// Proves that the Valve asks the portal the right things, and says what is wrong with it by the right code.
import { describe, expect, it, test } from 'vitest'
import type { PortalClient } from '../../../agent/portal/portal-client.ts'
import { createValve } from '../../../agent/valve/valve.ts'
import { aValve, join } from '../../support/a-portal.ts'
import { aClient, aMac, anIp } from '../../support/builders.ts'

type Scene = ReturnType<typeof aValve>

async function only(scene: Scene): Promise<PortalClient> {
  const [client] = (await scene.valve.look()).clients
  if (!client) throw new Error('the portal lists nobody')
  return client
}

describe.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('at %s', (flavour) => {
  it('shows every device as the portal has it, in bytes', async () => {
    const scene = aValve(flavour, [1, 2])
    await scene.valve.openGate(aMac(1), await only(scene))
    const unit = flavour === 'nodogsplash' ? 1000 : 1024
    scene.portal.transfer(aMac(1), { downloaded: 7 * unit + 1, uploaded: 2 * unit - 1 })

    expect((await scene.valve.look()).clients).toMatchObject([
      { mac: aMac(1), ip: anIp(1), open: true, downloaded: 7 * unit, uploaded: unit },
      { mac: aMac(2), open: false, downloaded: 0, uploaded: 0 },
    ])
  })

  it('opens a gate by its token and shuts it by its token', async () => {
    const scene = aValve(flavour, [1])
    const before = await only(scene)
    await scene.valve.openGate(aMac(1), before)
    const wasOpen = scene.portal.gateOpen(aMac(1))
    await scene.valve.closeGate(await only(scene))

    expect([wasOpen, scene.portal.gateOpen(aMac(1))]).toEqual([true, false])
    expect(scene.calls.at(-1)).toBe(`deauth ${before.token}`)
  })

  it('reads one entry, and nothing of one that is gone', async () => {
    const scene = aValve(flavour, [1])
    const client = await only(scene)

    expect(await scene.valve.getClientStats(client)).toMatchObject(client)
    expect(await scene.valve.getClientStats({ ...client, token: '99999999' })).toBeUndefined()
  })

  it('says that the portal is down', async () => {
    const scene = aValve(flavour)
    scene.portal.stop()

    await expect(scene.valve.look()).rejects.toMatchObject({ name: 'PortalFault', code: 'portal-down' })
  })

  it('tells its version', async () => {
    expect((await aValve(flavour).valve.status()).version).toMatch(/^\d+\.\d+\.\d+$/)
  })

  it('reaches both entries of a device with a new IP', async () => {
    const scene = aValve(flavour, [1])
    await scene.valve.openGate(aMac(1), await only(scene))
    join(scene.portal, 1, '192.168.66.201')
    const [, second] = (await scene.valve.look()).clients
    await scene.valve.openGate(aMac(1), second)

    expect((await scene.valve.look()).clients.map(({ ip, open }) => [ip, open])).toEqual([
      [anIp(1), true],
      ['192.168.66.201', true],
    ])
  })
})

describe('a question about some devices', () => {
  const about = (device: number, ...names: string[]) => ({ mac: aMac(device), names })

  it('at openNDS asks by their names, and for nothing else', async () => {
    const scene = aValve('opennds', [1, 2, 3])
    const [one, two] = (await scene.valve.look()).clients
    const list = await scene.valve.look([about(1, one?.token ?? ''), about(2, two?.ip ?? '')])

    expect(scene.calls.slice(1)).toEqual([`json ${one?.token}`, `json ${anIp(2)}`])
    expect(list).toMatchObject({ kind: 'opennds', version: '9.10.0', only: new Set([aMac(1), aMac(2)]) })
    expect(list.clients).toMatchObject([one, two])
  })

  it('finds a device that came back under another name', async () => {
    const scene = aValve('opennds', [1])
    await scene.valve.look()

    expect((await scene.valve.look([about(1, '99999999')])).clients).toMatchObject([{ mac: aMac(1) }])
  })

  it('tells of no device that the portal does not know', async () => {
    const scene = aValve('opennds', [1])
    await scene.valve.look()

    expect((await scene.valve.look([about(2, aMac(2))])).clients).toEqual([])
    expect(scene.calls.slice(1)).toEqual([`json ${aMac(2)}`])
  })

  it('takes no other device that has its IP now for it', async () => {
    const scene = aValve('opennds', [1, 2])
    await scene.valve.look()

    expect((await scene.valve.look([about(1, anIp(2))])).clients).toMatchObject([{ mac: aMac(1), ip: anIp(1) }])
  })

  it('behind an older entry takes its counters from there, by one question, and tells nothing by that IP', async () => {
    const scene = aValve('opennds', [1])
    await scene.valve.look()
    scene.portal.leave(aMac(1))
    join(scene.portal, 2, anIp(1))
    await scene.valve.openGate(aMac(2))
    scene.calls.length = 0
    const list = await scene.valve.look([{ mac: aMac(2), names: [anIp(1)] }])

    expect(list.clients).toMatchObject([{ mac: aMac(2), borrowed: true }])
    expect(list.named).toEqual(new Map([[aMac(2), new Set()]]))
    expect(scene.calls).toEqual([`json ${anIp(1)}`, `json ${aMac(2)}`])
  })

  it('shows both entries of a device with a new IP', async () => {
    const scene = aValve('opennds', [1])
    join(scene.portal, 1, '192.168.66.201')
    await scene.valve.look()
    const { clients } = await scene.valve.look([about(1, anIp(1), '192.168.66.201')])

    expect(clients.map(({ ip, addresses }) => [ip, addresses])).toEqual([
      [anIp(1), 2],
      ['192.168.66.201', 2],
    ])
  })

  it.each(['nodogsplash', 'opennds'] as const)(
    'is one about all at %s, as long as it is not known to be openNDS',
    async (flavour) => {
      const scene = aValve(flavour, [1, 2])
      const list = await scene.valve.look([about(1, aMac(1))])

      expect(list.only).toBeUndefined()
      expect(scene.calls).toEqual(flavour === 'opennds' ? ['status'] : ['status', 'json'])
    },
  )

  it('that cannot be read costs that device alone', async () => {
    const scene = aValve('opennds', [1, 2])
    const [one, two] = (await scene.valve.look()).clients
    const valve = createValve(
      async (args, extra) => (args[1] === one?.token ? { stdout: '{"x', exitCode: 0 } : scene.ndsctl(args, extra)),
      'auto',
      { sleep: async () => {}, monotonic: () => 0 },
    )
    await valve.look()
    const list = await valve.look([about(1, one?.token ?? ''), about(2, two?.token ?? '')])

    expect(list).toMatchObject({ only: new Set([aMac(2)]), clients: [{ mac: aMac(2) }] })
    await expect(valve.look([about(1, one?.token ?? '')])).rejects.toMatchObject({ code: 'portal-garbled' })
  })
})

describe('opening a gate', () => {
  const tenYears = 10 * 365 * 24 * 60
  test.each([
    { flavour: 'nodogsplash' as const, milliseconds: undefined, minutes: '' },
    { flavour: 'nodogsplash' as const, milliseconds: 90_000, minutes: '' },
    { flavour: 'opennds' as const, milliseconds: undefined, minutes: ` ${tenYears}` },
    { flavour: 'opennds' as const, milliseconds: 90_000, minutes: ` ${tenYears + 2}` },
    { flavour: 'opennds' as const, milliseconds: 2 ** 53 - 1, minutes: ` ${6 * tenYears}` },
  ])('for $milliseconds ms at $flavour asks for$minutes minutes', async ({ flavour, milliseconds, minutes }) => {
    const scene = aValve(flavour, [1])
    const client = await only(scene)
    if (milliseconds === undefined) await scene.valve.openGate(aMac(1), client)
    else await scene.valve.openGateUntil(aMac(1), milliseconds, client)

    expect(scene.calls.at(-1)).toBe(`auth ${client.token}${minutes}`)
  })

  it('of a device that openNDS 10 has not seen goes by its MAC', async () => {
    const scene = aValve('opennds-10')
    scene.portal.arrive(aMac(1), anIp(1))
    await scene.valve.look()
    await scene.valve.openGate(aMac(1))

    expect(scene.portal.gateOpen(aMac(1))).toBe(true)
  })

  it('that the portal refuses is no fault: the next look tells', async () => {
    const scene = aValve('nodogsplash', [1])
    scene.portal.faults.refuse = new Set(['auth'])

    await expect(scene.valve.openGate(aMac(1), await only(scene))).resolves.toBe(false)
    expect(await only(scene)).toMatchObject({ open: false })
  })

  it('goes by the IP where the portal gives no token', async () => {
    const scene = aValve('opennds', [1])
    await scene.valve.openGate(aMac(1), { ...(await only(scene)), token: 'null' })

    expect(scene.calls.at(-1)).toMatch(`auth ${anIp(1)} `)
  })
})

describe('a busy portal', () => {
  it('is asked again until it is free', async () => {
    const scene = aValve('opennds', [1])
    scene.portal.faults.busy = true
    const looking = scene.valve.look()
    scene.portal.faults.busy = false

    expect((await looking).clients).toHaveLength(1)
    expect(scene.pauses).toEqual([50])
  })

  it('is a fault after six tries', async () => {
    const scene = aValve('opennds')
    scene.portal.faults.busy = true

    await expect(scene.valve.look()).rejects.toMatchObject({ code: 'portal-busy' })
    expect(scene.pauses).toEqual([50, 100, 200, 400, 800])
    expect(scene.calls).toHaveLength(6)
  })
})

describe('a portal that is not the one configured', () => {
  test.each([
    { kind: 'opennds' as const, flavour: 'nodogsplash' as const },
    { kind: 'nodogsplash' as const, flavour: 'opennds' as const },
  ])('is refused: $kind wanted, $flavour answers', async ({ kind, flavour }) => {
    await expect(aValve(flavour, [], kind).valve.look()).rejects.toMatchObject({ code: 'portal-garbled' })
  })

  test.each([
    { kind: 'nodogsplash' as const, flavour: 'nodogsplash' as const },
    { kind: 'opennds' as const, flavour: 'opennds-10' as const },
  ])('is taken: $kind wanted, $flavour answers', async ({ kind, flavour }) => {
    expect((await aValve(flavour, [], kind).valve.look()).kind).toBe(kind)
  })
})

test.each([1, 2, 5, 6])('ndsctl json that ends with %i is a fault, whatever it printed', async (exitCode) => {
  const valve = createValve(async () => ({ stdout: '{}', exitCode }), 'auto', {
    sleep: async () => {},
    monotonic: () => 0,
  })

  await expect(valve.getClientStats(aClient())).rejects.toMatchObject({ code: 'ndsctl-failed' })
})

it('garbage for a list, and no status either, is a fault', async () => {
  const scene = aValve('nodogsplash', [1])
  scene.portal.faults.garbage = '{"client_length": 1,'
  scene.portal.faults.statusFails = true

  await expect(scene.valve.look()).rejects.toMatchObject({ code: 'portal-garbled' })
})

describe('the whole list of openNDS', () => {
  it('is asked for by status', async () => {
    const scene = aValve('opennds', [1, 2])

    expect((await scene.valve.look('all')).clients).toHaveLength(2)
    expect(scene.calls).toEqual(['status'])
  })

  it('is asked for by json only where its status fails time after time: the daemon waits there for all that have left', async () => {
    const scene = aValve('opennds', [1, 2])
    await scene.valve.look('all')
    scene.portal.faults.statusFails = true
    const failures = [scene.valve.look('all'), scene.valve.look('all'), scene.valve.look('all')]

    expect((await Promise.allSettled(failures)).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect(scene.calls).toEqual(['status', 'status', 'status', 'status', 'json'])
  })

  it('is asked for by json where the status cannot be read', async () => {
    const scene = aValve('opennds', [1, 2])
    scene.portal.faults.statusFails = true

    expect((await scene.valve.look('all')).clients).toHaveLength(2)
  })

  it('may take longer the more it lists, and no other question may', async () => {
    const scene = aValve('opennds', [1, 2, 3])
    const extra: [string, number | undefined][] = []
    const valve = createValve(
      (args, more) => {
        extra.push([args.join(' '), more])
        return scene.ndsctl(args)
      },
      'auto',
      { sleep: async () => {}, monotonic: () => 0 },
    )
    await valve.look('all')
    await valve.look('all')
    await valve.look([{ mac: aMac(1), names: [aMac(1)] }])

    expect(extra[1]?.[1]).toBeGreaterThan(0)
    expect(extra[2]?.[1] ?? 0).toBe(0)
  })
})

describe('status', () => {
  it.each(['nodogsplash', 'opennds'] as const)('of %s that fails says nothing of who is trusted', async (flavour) => {
    const scene = aValve(flavour, [1])
    scene.portal.faults.statusFails = true

    await expect(scene.valve.status()).rejects.toMatchObject({ code: 'ndsctl-failed' })
  })
})
