// Proves that a daemon's age is that of its socket, and that a young openNDS is spared its status.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ageOfSocket } from '../../../agent/valve/daemon-age.ts'
import { createValve } from '../../../agent/valve/valve.ts'
import { aPortal, join as joins } from '../../support/a-portal.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-age-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the age of a daemon', () => {
  it('is that of its socket', async () => {
    const socket = join(folder, 'ndsctl.sock')
    writeFileSync(socket, '')
    utimesSync(socket, 1000, 1000)

    expect(await ageOfSocket(socket, () => 1_005_000)()).toBe(5000)
  })

  it('is unknown without one', async () => {
    expect(await ageOfSocket(join(folder, 'nowhere'), () => 0)()).toBeUndefined()
  })
})

it.each([
  { flavour: 'opennds' as const, age: 19_999, calls: ['json', 'json'] },
  { flavour: 'opennds' as const, age: 20_000, calls: ['status', 'status'] },
  { flavour: 'opennds' as const, age: undefined, calls: ['status', 'status'] },
  { flavour: 'opennds-10' as const, age: 1000, calls: ['json', 'status'] },
])('$flavour, $age ms old, is asked for its list by $calls', async ({ flavour, age, calls: expected }) => {
  const { portal, ndsctl, calls } = aPortal(flavour)
  joins(portal, 1)
  const clock = { sleep: async () => {}, monotonic: () => 0 }
  const valve = createValve(
    ndsctl,
    'auto',
    clock,
    async () => {},
    async () => age,
  )
  await valve.look('all')
  await valve.look('all')

  expect(calls).toEqual(expected)
})
