// Proves that each fault really happens in a running fleet, that the agent's answer to it is told, and that it is undone.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import type { FaultRecord } from '../../../broker-dev/faults/fault-log.ts'
import { type FaultId, faults } from '../../../broker-dev/faults/faults.ts'
import { type RunningFleet, runFleet } from '../../../broker-dev/fleet/fleet.ts'
import { parseFleetArguments } from '../../../broker-dev/fleet/fleet-arguments.ts'
import type { Summary } from '../../../broker-dev/fleet/fleet-summary.ts'
import { silentScreen } from '../../../broker-dev/fleet/screen.ts'
import { until } from '../../support/until.ts'

// A second of ours is half a minute of theirs.
const line = '--port 0 --routers 1 --devices 6 --flavour opennds --speed 30'

let fleet: RunningFleet
let ended: Promise<Summary>
const end = new AbortController()
const stateDir = mkdtempSync(join(tmpdir(), 'faults-test-'))

beforeAll(async () => {
  const asked = parseFleetArguments(line.split(' '))
  if (!('options' in asked)) throw new Error('these arguments are wrong')
  fleet = await new Promise((resolve, reject) => {
    ended = runFleet(asked.options, {
      screen: silentScreen,
      print: () => {},
      end: end.signal,
      stateDir,
      programs: { agent: 'none', ndsctl: 'none', machine: 'none' },
      opened: resolve,
    })
    ended.catch(reject)
  })
})
afterAll(() => rmSync(stateDir, { recursive: true, force: true }))

const newest = (): FaultRecord | undefined => fleet.faults.log().records.at(-1)
const reacted = (pattern: RegExp) => newest()?.reactions.some(({ text }) => pattern.test(text)) === true

/** Injected while somebody is online; a second press takes it back where nobody is. */
async function injected(id: FaultId): Promise<FaultRecord | undefined> {
  await until(async () => {
    const answer = await fleet.faults.inject(id, 'r1')
    if (answer.outcome === 'injected' && answer.macs.length > 0) return true
    if (answer.outcome === 'injected') await fleet.faults.inject(id, 'r1')
    await sleepFor(200)
    return false
  }, 20_000)
  return newest()
}

describe('a fault in a running fleet', () => {
  // How the agents' answer shows; nothing need show where they have nothing to mend.
  test.each<{ id: FaultId; answer?: RegExp }>([
    { id: 'kill-agent', answer: /agent started: after-crash/ },
    { id: 'restart-portal', answer: /a gate is open again/ },
    { id: 'hang-portal', answer: /portal-unreachable/ },
    { id: 'log-out', answer: /the gate of .* is open again/ },
    { id: 'share-address', answer: /shared-address|the gate of .* is shut/ },
    { id: 'flush-firewall', answer: /portal-restarted|a gate is open again/ },
    { id: 'fill-disk', answer: /the disk refuses writes/ },
    { id: 'slow-link' },
    { id: 'jump-clock', answer: /a gate is (shut|open again)/ },
    { id: 'unplug-device' },
    // The last one: purchases that it had are sent again after some seconds of ours, which are minutes of theirs.
    { id: 'drop-broker', answer: /r1 is online/ },
  ])('$id happens, is answered, and is over', async ({ id, answer }) => {
    const record = await injected(id)
    expect(record).toMatchObject({ id, routerId: 'r1' })
    if (answer) await until(() => reacted(answer), 20_000)
    const heals = faults.find((fault) => fault.id === id)?.healsAfterMilliseconds
    if (heals !== undefined) await until(() => newest()?.healed !== undefined, 10_000)
  })

  it('kills an agent that its portal has left without an answer', async () => {
    await injected('hang-portal')
    await until(() => reacted(/portal-unreachable/), 20_000)
    await injected('kill-agent')
    await until(() => newest()?.healed !== undefined && reacted(/agent started: after-crash/), 20_000)
  })

  it('leaves books that add up', { timeout: 120_000 }, async () => {
    end.abort()
    const { ok, text } = await ended
    expect(text).toContain('The books of every router add up.')
    expect(ok).toBe(true)
  })
})
