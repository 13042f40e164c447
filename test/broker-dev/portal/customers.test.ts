// Gates that move without an order: by the customer at the portal's own pages, the owner's list, a hand at ndsctl.
import { describe, expect, it } from 'vitest'
import { aScene, aSceneWith, asked, at, gone, joined, known, later, mac, moved, tokenOf } from './scene.ts'

const open = [known(1), asked(`auth ${mac(1)}`)]
const hostile = 'x",\n"state":"Preauthenticated",\n"y":"z'

describe.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('%s', (flavour) => {
  it('shuts the gate of a customer that logs out, and what nobody had read is gone', () => {
    const { portal } = aScene(flavour, ...open, moved(1, 5, 5))
    const isShut = portal.deny(mac(1))
    const shown = portal.request(`json ${mac(1)}`)
    expect([isShut, portal.gateOpen(mac(1)), /"download(?:ed|_this_session)":"?[1-9]/.test(shown)]).toEqual([
      true,
      false,
      false,
    ])
  })

  it.each([
    { who: 'has left', arrangements: [...open, gone(1)] },
    { who: 'is shut out', arrangements: [known(1)] },
  ])('has nobody to log out who $who', ({ arrangements }) => {
    expect(aScene(flavour, ...arrangements).portal.deny(mac(1))).toBe(false)
  })

  it('gives a gate that is renewed by hand another token and counters from 0', () => {
    const scene = aScene(flavour, ...open, moved(1, 5, 5))
    const token = tokenOf(scene, 1)
    const isOpen = scene.portal.renew(mac(1))
    expect([isOpen, scene.portal.gateOpen(mac(1)), tokenOf(scene, 1) === token]).toEqual([true, true, false])
    expect(scene.portal.request(`json ${mac(1)}`)).toMatch(/"download(?:ed|_this_session)":"?0/)
  })

  it('has no gate to renew where none is open', () => {
    expect(aScene(flavour, known(1)).portal.renew(mac(1))).toBe(false)
  })

  it('tells the neighbours who are there, with all their addresses', () => {
    const { portal } = aScene(flavour, at(1, '192.168.66.101'), at(1, '192.168.66.201'), joined(2, 3), gone(3))
    expect(portal.neighbours()).toEqual([
      { ip: '192.168.66.101', mac: mac(1) },
      { ip: '192.168.66.201', mac: mac(1) },
      { ip: '192.168.66.102', mac: mac(2) },
    ])
  })

  it('knows one MAC at an IP: the one heard last', () => {
    const { portal } = aScene(flavour, at(1, '192.168.66.150'), at(2, '192.168.66.150'))
    const before = portal.neighbours()
    portal.browse(mac(1))
    expect([before, portal.neighbours()].map((entries) => entries.map((entry) => entry.mac))).toEqual([
      [mac(2)],
      [mac(1)],
    ])
  })
})

describe.each(['opennds', 'opennds-10'] as const)('%s', (flavour) => {
  it('prints the text that a customer added to the page as it came', () => {
    const { portal } = aScene(flavour, joined(1))
    portal.splashLogin(mac(1), hostile)
    expect(portal.request(`json ${mac(1)}`)).toContain(`"custom":"${hostile}",\n`)
  })

  it('shows no text of a customer in its status', () => {
    const { portal } = aScene(flavour, joined(1))
    portal.splashLogin(mac(1), 'a stranger')
    expect(portal.request('status')).not.toContain('stranger')
  })
})

it('nodogsplash prints no text of a customer', () => {
  const { portal } = aScene('nodogsplash', joined(1))
  portal.splashLogin(mac(1), hostile)
  expect(portal.request(`json ${mac(1)}`)).not.toContain('custom')
})

it.each([
  { how: 'idle time-out', shut: [later(7200)] },
  { how: 'log-out at the portal page', shut: [] },
])('openNDS 9.10 shuts .101 along with .10 at the $how of .10', ({ shut }) => {
  const addresses = [at(1, '192.168.66.10'), at(2, '192.168.66.101'), ...[1, 2].map((d) => asked(`auth ${mac(d)}`))]
  const stays = [later(3600), moved(2, 1, 1), later(3500), moved(2, 1, 1)]
  const { portal } = aScene('opennds', ...addresses, ...(shut.length > 0 ? [...stays, later(100)] : []))
  if (shut.length === 0) portal.deny(mac(1))
  const text = portal.request(`json ${mac(2)}`)
  expect([portal.gateOpen(mac(2)), text.includes('"Authenticated"')]).toEqual([false, true])
})

describe("the owner's list of devices that openNDS 10 lets through", () => {
  const options = { flavour: 'opennds-10', preemptiveMacs: [mac(1)] } as const

  it('opens their gates, with a text that ends in a line feed', () => {
    const { portal } = aSceneWith(options, joined(1))
    expect(portal.request(`json ${mac(1)}`)).toContain(`"custom":" preemptivemac-${mac(1)}\n",`)
    expect(portal.gateOpen(mac(1))).toBe(true)
  })

  it.each([
    { seconds: 14, isOpen: false },
    { seconds: 15, isOpen: true },
  ])('has them open: $isOpen, $seconds s after somebody shut one', ({ seconds, isOpen }) => {
    const { portal } = aSceneWith(options, joined(1), asked('json', `deauth ${mac(1)}`), later(seconds))
    expect(portal.gateOpen(mac(1))).toBe(isOpen)
  })

  it('is not for those who are away', () => {
    expect(aSceneWith(options, joined(1), gone(1)).portal.request(`json ${mac(1)}`)).toBe('{}\n')
  })

  it('is no part of openNDS 9', () => {
    expect(aSceneWith({ ...options, flavour: 'opennds' }, joined(1)).portal.gateOpen(mac(1))).toBe(false)
  })
})
