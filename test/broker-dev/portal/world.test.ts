// Everything that moves a gate, a counter or an entry of the client list, in each daemon.
import { describe, expect, it, test } from 'vitest'
import { aScene, aSceneWith, asked, at, gone, ip, joined, known, later, mac, moved, tokenOf } from './scene.ts'

const open = [known(1), asked(`auth ${mac(1)}`)]
const oneMegabyte = { downloaded: 1_000_000, uploaded: 1_000_000 }
const nothing = { downloaded: 0, uploaded: 0 }
const bothFamilies = [{ flavour: 'nodogsplash' }, { flavour: 'opennds' }] as const
const allFlavours = [...bothFamilies, { flavour: 'opennds-10' }] as const

describe.each(allFlavours)('$flavour', ({ flavour }) => {
  it('keeps the gate of an unpaid device shut', () => {
    const { portal } = aScene(flavour, known(1))
    expect(portal.transfer(mac(1), oneMegabyte)).toEqual(nothing)
  })

  it('lets a paid device through', () => {
    const { portal } = aScene(flavour, ...open)
    expect(portal.transfer(mac(1), oneMegabyte)).toEqual(oneMegabyte)
  })

  it('changes nothing when it is asked to open an open gate', () => {
    const { portal } = aScene(flavour, ...open, moved(1, 7, 7))
    const before = portal.request(`json ${mac(1)}`)
    portal.request(`auth ${mac(1)},60,0,0,9,9`)
    expect(portal.request(`json ${mac(1)}`)).toBe(before)
  })

  it('shuts the gate at deauth', () => {
    const { portal } = aScene(flavour, ...open, asked(`deauth ${mac(1)}`))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })

  it('lets everybody through, unmetered, while it is stopped', () => {
    const { portal } = aScene(flavour, joined(9))
    portal.stop()
    expect(portal.transfer(mac(9), oneMegabyte)).toEqual(oneMegabyte)
  })

  it('knows nobody after a restart', () => {
    const { portal } = aScene(flavour, ...open)
    portal.restart()
    expect([portal.request(`json ${mac(1)}`), portal.gateOpen(mac(1))]).toEqual(['{}\n', false])
  })

  it('lets everybody through when the firewall is flushed, and goes on showing what it showed', () => {
    const { portal } = aScene(flavour, ...open, moved(1, 7, 7), joined(9))
    const before = portal.request('json')
    portal.flushFirewall()
    const passed = [1, 9].map((device) => portal.transfer(mac(device), oneMegabyte))
    expect([passed, portal.request('json')]).toEqual([[oneMegabyte, oneMegabyte], before])
  })

  it('builds a flushed firewall anew when it restarts', () => {
    const { portal } = aScene(flavour, joined(9))
    portal.flushFirewall()
    portal.restart()
    expect(portal.gateOpen(mac(9))).toBe(false)
  })

  it('knows no MAC in capitals', () => {
    const { portal } = aScene(flavour, known(1))
    const name = mac(1).toUpperCase()
    expect(['auth', 'deauth', 'json'].map((command) => portal.request(`${command} ${name}`))).toEqual([
      'No',
      'No',
      '{}\n',
    ])
  })

  it('lets a trusted device through without counting', () => {
    const { portal } = aScene(flavour, ...open, asked(`trust ${mac(1)}`), moved(1, 5000, 5000))
    expect([portal.gateOpen(mac(1)), shown(portal.request(`json ${mac(1)}`))]).toEqual([true, { down: 0, up: 0 }])
  })

  it('does not open the gate of a trusted device', () => {
    const { portal } = aScene(flavour, known(1), asked(`trust ${mac(1)}`))
    expect(portal.request(`auth ${mac(1)}`)).toBe('No')
  })

  it('passes nothing to a device out of range', () => {
    const { portal } = aScene(flavour, ...open, gone(1))
    expect(portal.transfer(mac(1), oneMegabyte)).toEqual(nothing)
  })

  it('takes nobody more onto a full list', () => {
    const { portal } = aSceneWith({ flavour, maxClients: 1 }, ...open, joined(2))
    expect(portal.browse(mac(2))).toBe(false)
  })

  it('leaves the gate of a device that changed its IP shut', () => {
    const { portal } = aScene(flavour, ...open, at(1, '192.168.66.201'))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })

  it('shuts the old IP of a MAC that has two', () => {
    const { portal } = aScene(flavour, ...open, at(1, '192.168.66.201'), asked('auth 192.168.66.201'))
    portal.request(`deauth ${mac(1)}`)
    expect(portal.gateOpen(mac(1))).toBe(true)
  })

  it('lists a MAC that has two IPs twice', () => {
    const { portal } = aScene(flavour, ...open, at(1, '192.168.66.201'))
    expect(portal.request('json').match(/"02:66:ca:fe:00:01":\{/g)).toHaveLength(2)
  })

  it('finds a client by its token', () => {
    const scene = aScene(flavour, known(1))
    expect(scene.portal.request(`auth ${tokenOf(scene, 1)}`)).toBe('Yes')
  })

  it('finds a client by its IP', () => {
    const { portal } = aScene(flavour, known(1))
    expect(portal.request(`auth ${ip(1)}`)).toBe('Yes')
  })

  it('ends a session without uploads after two hours', () => {
    const { portal } = aScene(flavour, ...open, later(7200))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })

  it('takes an upload, and only that, for a sign of life', () => {
    const { portal } = aScene(flavour, ...open, later(7000), moved(1, 1, 1), later(7000), moved(1, 1, 0), later(200))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })

  it('forgets a device that browsed and never paid', () => {
    const { portal } = aSceneWith({ flavour, preauthIdleMinutes: 5 }, known(1), later(300))
    expect(portal.request(`json ${mac(1)}`)).toBe('{}\n')
  })

  it('shows an open gate that is shut when it lies', () => {
    const { portal } = aScene(flavour, known(1))
    portal.faults.lieOnAuth = true
    portal.request(`auth ${mac(1)}`)
    expect([portal.request(`json ${mac(1)}`).includes('"Authenticated"'), portal.gateOpen(mac(1))]).toEqual([
      true,
      false,
    ])
  })
})

test.each([
  { flavour: 'nodogsplash', counted: { down: 0, up: 5 } },
  { flavour: 'opennds', counted: { down: 0, up: 0 } },
  { flavour: 'opennds-10', counted: { down: 0, up: 0 } },
] as const)('$flavour that lies counts $counted of what a device tries', ({ flavour, counted }) => {
  const scene = aScene(flavour, known(1))
  const { portal } = scene
  portal.faults.lieOnAuth = true
  portal.request(`auth ${mac(1)}`)
  moved(1, 5, 5)(scene)
  expect(shown(portal.request(`json ${mac(1)}`))).toEqual(counted)
})

describe.each(bothFamilies)('$flavour', ({ flavour }) => {
  it('refuses to open the gate of a device that met no portal page', () => {
    const { portal } = aScene(flavour, joined(1))
    expect(portal.request(`auth ${mac(1)}`)).toBe('No')
  })

  it('shuts the gate of a blocked device', () => {
    const { portal } = aScene(flavour, ...open, asked(`block ${mac(1)}`))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })
})

test.each([
  { flavour: 'nodogsplash', unit: 1000 },
  { flavour: 'opennds', unit: 1024 },
] as const)('$flavour shows volumes in $unit bytes, rounded down', ({ flavour, unit }) => {
  const { portal } = aScene(flavour, ...open)
  portal.transfer(mac(1), { downloaded: 3 * unit - 1, uploaded: unit })
  expect(shown(portal.request(`json ${mac(1)}`))).toEqual({ down: 2, up: 1 })
})

describe('nodogsplash', () => {
  it('opens the gate again after a deauth, counting from 0 under a new token', () => {
    const scene = aScene('nodogsplash', ...open, moved(1, 7, 7))
    const token = tokenOf(scene, 1)
    const answers = ['deauth', 'auth'].map((command) => scene.portal.request(`${command} ${mac(1)}`))
    expect([answers, shown(scene.portal.request(`json ${mac(1)}`)), tokenOf(scene, 1) === token]).toEqual([
      ['Yes', 'Yes'],
      { down: 0, up: 0 },
      false,
    ])
  })

  it('keeps an idle client, shut and counting from 0', () => {
    const { portal } = aScene('nodogsplash', ...open, moved(1, 7, 7))
    portal.kick(mac(1))
    expect(portal.request(`json ${mac(1)}`)).toContain('"state":"Preauthenticated",\n"downloaded":0,')
  })

  it('forgets a client that stays idle after it was shut for being idle', () => {
    const { portal } = aScene('nodogsplash', ...open, later(7200 + 600))
    expect(portal.request(`json ${mac(1)}`)).toBe('{}\n')
  })

  it('brings its clients back from a state file, open and under their tokens', () => {
    const scene = aScene('nodogsplash', ...open, moved(1, 7, 7))
    const before = scene.portal.request(`json ${mac(1)}`)
    scene.portal.restart({ keepsClients: true })
    expect([scene.portal.request(`json ${mac(1)}`), scene.portal.gateOpen(mac(1))]).toEqual([before, true])
  })

  it.each([
    { more: 19, down: 20 },
    { more: 21, down: 21 },
  ])('shows $down after 20 before a restart with a state file and $more after it', ({ more, down }) => {
    const scene = aScene('nodogsplash', ...open, moved(1, 20, 20))
    scene.portal.restart({ keepsClients: true })
    moved(1, more, more)(scene)
    expect(shown(scene.portal.request(`json ${mac(1)}`))).toEqual({ down, up: down })
  })

  it('shows no session times for a gate that ndsctl opened', () => {
    const { portal } = aScene('nodogsplash', ...open, later(60))
    expect(portal.request(`json ${mac(1)}`)).toMatch(/"added":0,[\s\S]*"duration":0,/)
  })

  it.each([
    { when: 'in the second of a splash login', seconds: 0, bytes: 390, speed: 'inf' },
    { when: 'in the second of a splash login, before any traffic', seconds: 0, bytes: 0, speed: '-nan' },
    { when: 'later', seconds: 2, bytes: 390, speed: '1.56' },
  ])('shows a speed of $speed $when', ({ seconds, bytes, speed }) => {
    const { portal, pass } = aScene('nodogsplash', known(1))
    portal.splashLogin(mac(1))
    portal.transfer(mac(1), { downloaded: bytes, uploaded: 0 })
    pass(seconds)
    expect(portal.request(`json ${mac(1)}`)).toContain(`"avg_down_speed":${speed},`)
  })

  it('takes what openNDS would take for limits as part of the name', () => {
    const { portal } = aScene('nodogsplash', known(1))
    expect(portal.request(`auth ${mac(1)},60,0,0`)).toBe('No')
  })
})

describe('openNDS', () => {
  it('forgets a client at deauth, until it browses again', () => {
    const { portal } = aScene('opennds', ...open, asked(`deauth ${mac(1)}`))
    const before = portal.request(`auth ${mac(1)}`)
    portal.browse(mac(1))
    expect([before, portal.request(`auth ${mac(1)}`)]).toEqual(['No', 'Yes'])
  })

  it('forgets an idle client', () => {
    const { portal } = aScene('opennds', ...open)
    portal.kick(mac(1))
    expect(portal.request(`json ${mac(1)}`)).toBe('{}\n')
  })

  it.each([
    { minutes: '60', seconds: 3600 },
    { minutes: '0', seconds: 86_400 },
    { minutes: '', seconds: 86_400 },
  ])('ends a session of "$minutes" minutes after $seconds s', ({ minutes, seconds }) => {
    const active = Array.from({ length: seconds / 3600 }, () => [moved(1, 1, 1), later(3600)]).flat()
    const { portal, pass } = aScene('opennds', known(1), asked(`auth ${mac(1)},${minutes}`), ...active)
    pass(-1)
    const oneSecondBefore = portal.gateOpen(mac(1))
    pass(1)
    expect([oneSecondBefore, portal.gateOpen(mac(1))]).toEqual([true, false])
  })

  it('ends a session that went past its quota of KiB', () => {
    const { portal } = aScene('opennds', known(1), asked(`auth ${mac(1)},60,0,0,0,1000`), moved(1, 1001, 0))
    expect(portal.gateOpen(mac(1))).toBe(false)
  })

  it('shows a custom text as it was given, even where that breaks the JSON', () => {
    const { portal } = aScene('opennds', known(1), asked(`auth ${mac(1)},,,,,,a"b`))
    expect(portal.request(`json ${mac(1)}`)).toContain('"custom":"a"b",')
  })

  it('lists everybody when the name is too short to be one', () => {
    const { portal } = aScene('opennds', known(1, 2))
    expect(portal.request('json abc')).toContain('"client_list_length":"2"')
  })

  it.each([
    { flavour: 'opennds', open: false },
    { flavour: 'opennds-10', open: true },
  ] as const)('$flavour leaves the gate of .101 open: $open, when .10 is shut', ({ flavour, open }) => {
    const { portal } = aScene(flavour, at(1, '192.168.66.10'), at(2, '192.168.66.101'))
    for (const command of [`auth ${mac(1)}`, `auth ${mac(2)}`, `deauth ${mac(1)}`]) portal.request(command)
    expect(portal.gateOpen(mac(2))).toBe(open)
  })

  it('goes on showing the victim of a shut .10 as open, with counters that stand still', () => {
    const scene = aScene('opennds', at(1, '192.168.66.10'), at(2, '192.168.66.101'))
    const { portal } = scene
    for (const command of [`auth ${mac(1)}`, `auth ${mac(2)}`]) portal.request(command)
    moved(2, 5, 5)(scene)
    const before = portal.request(`json ${mac(2)}`)
    portal.request(`deauth ${mac(1)}`)
    moved(2, 9, 9)(scene)
    expect([portal.request(`json ${mac(2)}`), before.includes('"Authenticated"')]).toEqual([before, true])
  })

  it('has no state file', () => {
    const { portal } = aScene('opennds', ...open)
    portal.restart({ keepsClients: true })
    expect(portal.request(`json ${mac(1)}`)).toBe('{}\n')
  })

  it('opens the gate of a device that met no portal page, from version 10 on', () => {
    const { portal } = aScene('opennds-10', joined(1), asked(`auth ${mac(1)}`))
    expect(portal.gateOpen(mac(1))).toBe(true)
  })
})

function shown(json: string) {
  const [down, up] = ['down', 'up'].map(
    (way) => new RegExp(`"${way}load(?:ed|_this_session)":"?(\\d+)`).exec(json)?.[1],
  )
  return { down: Number(down), up: Number(up) }
}
