// The mock's `ndsctl` against every recorded call of the real ones.
import { describe, expect, it } from 'vitest'
import type { Flavour, PortalOptions } from '../../../broker-dev/portal/world.ts'
import { capturesOf, masked, readCapture } from './capture.ts'
import { nodogsplashCaptures, nodogsplashLeftOut } from './nodogsplash-captures.ts'
import { opennds10Captures, openndsCaptures, openndsLeftOut } from './opennds-captures.ts'
import { aSceneWith, tokenOf } from './scene.ts'

describe.each([
  { daemon: 'nodogsplash', flavour: 'nodogsplash', captures: nodogsplashCaptures, leftOut: nodogsplashLeftOut },
  { daemon: 'opennds', flavour: 'opennds', captures: openndsCaptures, leftOut: openndsLeftOut },
  { daemon: 'opennds-10.3.1', flavour: 'opennds-10', captures: opennds10Captures, leftOut: {} },
] as const)('the mock of $daemon', ({ daemon, flavour, captures, leftOut }) => {
  it('answers every recorded call, or says why not', () => {
    expect([...Object.keys(captures), ...Object.keys(leftOut)].sort()).toEqual(capturesOf(daemon))
  })

  it.each(Object.entries(captures))('answers %s as recorded', async (name, arrangements) => {
    const { args, ...recorded } = readCapture(daemon, name)
    const scene = aSceneWith(optionsFor(flavour, name), ...arrangements)

    const ending = await scene.run(...args.map((arg) => (isToken(arg) ? tokenOf(scene, 1) : arg)))

    expect(masked(ending)).toEqual(masked(recorded))
  })
})

function isToken(arg: string): boolean {
  return /^[0-9a-f]{8}$/.test(arg)
}

/** The settings of the recorded daemon. */
function optionsFor(flavour: Flavour, name: string): Partial<PortalOptions> & { flavour: Flavour } {
  return {
    flavour,
    ...(flavour !== 'nodogsplash' && { gatewayName: 'portal-lab' }),
    ...(name.startsWith('12-maxclients') && { maxClients: flavour === 'nodogsplash' ? 3 : 2 }),
    ...(name.startsWith('17-preemptive') && { preemptiveAuth: true }),
  }
}
