// Proves that a partial answer changes what is known of what it tells of, and nothing else.
import { describe, expect, it } from 'vitest'
import { type PortalList, updated, without } from '../../../agent/portal/portal-client.ts'
import { aClient, aMac, anIp } from '../../support/builders.ts'

const older = aClient({ token: 'old', ip: anIp(1), open: false })
const newer = aClient({ token: 'new', ip: anIp(7), open: false })
const known: PortalList = { kind: 'opennds', clients: [older, newer] }

/** An answer about device 1, which was asked for by these names. */
function answer(names: string[] | undefined, clients = [{ ...newer, open: true }]): PortalList {
  const named = names && { named: new Map([[aMac(), new Set(names)]]) }
  return { kind: 'opennds', clients, only: new Set([aMac()]), ...named }
}

describe('a partial answer about one device', () => {
  it.each([
    { to: 'by another address', names: [anIp(7)], left: ['old', 'new'] },
    { to: 'by its token', names: ['old', anIp(7)], left: ['new'] },
    { to: 'by its address', names: [anIp(1), anIp(7)], left: ['new'] },
    { to: 'in a list that was cut', names: undefined, left: ['new'] },
  ])('says nothing of an entry that was not asked for, or that it is gone: asked $to', ({ names, left }) => {
    expect(updated(known, answer(names)).clients.map(({ token }) => token)).toEqual(left)
  })

  it('leaves the counters of an entry in doubt that shared its IP with one that is gone', () => {
    const sharing = aClient({ mac: aMac(2), token: 'sharing', ip: anIp(1), open: false })
    const all = { ...known, clients: [...known.clients, sharing] }
    const { clients } = updated(all, answer(['old', anIp(7)]))

    expect(clients).toEqual([
      { ...newer, open: true },
      { ...sharing, isOutdated: true },
    ])
    expect(without(all, older).clients).toEqual([newer, { ...sharing, isOutdated: true }])
  })

  it('says that the portal has no entry of it, where that was the answer to its MAC', () => {
    expect(updated(known, answer([aMac()], [])).clients).toEqual([])
  })
})
