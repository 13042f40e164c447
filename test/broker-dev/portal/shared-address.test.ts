// Two MACs at one IP: whose gate, whose rules, and at which entry the daemon shows what passed.
import { describe, expect, it } from 'vitest'
import { type Arrangement, aScene, asked, at, gone, later, mac, moved, type Scene } from './scene.ts'

const shared = '192.168.66.150'
const opens = (device: number) => asked(`auth ${mac(device)}`)

describe.each(['nodogsplash', 'opennds', 'opennds-10'] as const)('two MACs at one IP of %s', (flavour) => {
  const scene = (...arrangements: Arrangement[]) => aScene(flavour, ...arrangements)

  it('need a gate each', () => {
    const { portal } = scene(at(1, shared), opens(1), gone(1), at(2, shared))
    expect(portal.transfer(mac(2), { downloaded: 1, uploaded: 1 })).toEqual({ downloaded: 0, uploaded: 0 })
  })

  it('are both listed, the oldest first', () => {
    const { portal } = scene(at(1, shared), gone(1), at(2, shared))
    expect([...portal.request('json').matchAll(/"mac":"([^"]+)"/g)].map(([, found]) => found)).toEqual([mac(1), mac(2)])
  })

  it('show what passed at the older entry, which never paid', () => {
    const now = scene(at(1, shared), gone(1), at(2, shared), opens(2), moved(2, 30, 3))
    expect([shownOf(now, 1), shownOf(now, 2)]).toEqual([
      { state: 'Preauthenticated', down: 30, up: 3 },
      { state: 'Authenticated', down: 0, up: 0 },
    ])
  })

  it('go on counting at the older entry where its own rules left off', () => {
    const now = scene(at(1, shared), opens(1), moved(1, 5, 2), gone(1), at(2, shared), opens(2), moved(2, 30, 3))
    expect([shownOf(now, 1), shownOf(now, 2)]).toMatchObject([
      { down: 35, up: 3 },
      { down: 0, up: 0 },
    ])
  })

  it('keep what the younger entry had shown when an IP was its own', () => {
    const other = '192.168.66.151'
    const moves = [at(2, other), opens(2), moved(2, 9, 1), at(2, shared), asked(`auth ${shared}`)]
    const now = scene(...moves, at(1, shared), moved(2, 4, 4))
    expect([...now.portal.request('json').matchAll(/"download[a-z_]*":"?(\d+)"?,/g)].map(([, kilobytes]) => kilobytes))
      // The older IP's entry, the newer IP's, and that of the MAC that shares the newer IP.
      .toEqual(flavour === 'nodogsplash' ? ['9', '4', '0'] : expect.arrayContaining(['9', '4', '0']))
  })

  it('lose all rules of the IP when one of them is shut, and the other is still called open', () => {
    const now = scene(at(1, shared), opens(1), gone(1), at(2, shared), opens(2), asked(`deauth ${mac(1)}`))
    expect([now.portal.gateOpen(mac(2)), shownOf(now, 2).state]).toEqual([false, 'Authenticated'])
  })

  it('lose none when the one that is forgotten never paid', () => {
    const now = scene(at(1, shared), gone(1), at(2, shared), opens(2), moved(2, 1, 1), later(3600))
    moved(2, 1, 1)(now)
    expect([now.portal.request('json').includes(mac(1)), now.portal.gateOpen(mac(2))]).toEqual([
      // Bytes that the younger one sends are a sign of life of the older entry.
      false,
      true,
    ])
  })
})

/** A device's first entry, as the daemon shows it. */
function shownOf({ portal }: Scene, device: number) {
  const text = portal.request(`json ${mac(device)}`)
  const number = (way: string) => Number(new RegExp(`"${way}load(?:ed|_this_session)":"?(\\d+)`).exec(text)?.[1])
  return { state: /"state":"(\w+)"/.exec(text)?.[1], down: number('down'), up: number('up') }
}
