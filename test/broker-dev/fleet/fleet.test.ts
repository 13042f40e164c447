// Proves that a simulated fleet runs and its books add up.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runFleet } from '../../../broker-dev/fleet/fleet.ts'
import { parseFleetArguments } from '../../../broker-dev/fleet/fleet-arguments.ts'
import { silentScreen } from '../../../broker-dev/fleet/screen.ts'

async function run(line: string) {
  const asked = parseFleetArguments(`--port 0 ${line}`.split(' '))
  if (!('options' in asked)) throw new Error('these arguments are wrong')
  const types: string[] = []
  const { ok, text } = await runFleet(asked.options, {
    screen: { ...silentScreen, event: (event) => types.push(event.type) },
    print: () => {},
    end: new AbortController().signal,
    stateDir: mkdtempSync(join(tmpdir(), 'fleet-test-')),
    programs: { agent: 'none', ndsctl: 'none', machine: 'none' },
  })
  return { ok, text, types }
}

describe('the simulated fleet', () => {
  // Real time, as short as it can be: 40 s of the fleet's life.
  test.each(['nodogsplash', 'opennds', 'opennds-10'])('lives on %s, and its books add up', async (flavour) => {
    const { ok, text, types } = await run(`--routers 2 --devices 4 --flavour ${flavour} --speed 20 --for 2`)
    expect(text).toContain('The books of every router add up.')
    expect(ok).toBe(true)
    for (const type of ['agent.started', 'session.started', 'session.ended', 'agent.stopped']) {
      expect(types).toContain(type)
    }
  })
  test('lives with an account for everybody, and sees every outcome', async () => {
    const { ok, text } = await run('--routers 2 --devices 4 --flavour nodogsplash --speed 20 --for 2 --secure')
    expect(ok).toBe(true)
    // The backend hears what it has sold: its second connection does not throw the first one out.
    const [, all, accepted, refused] = /^purchases (\d+): (\d+) accepted, (\d+) refused/m.exec(text) ?? []
    expect(Number(accepted)).toBeGreaterThan(0)
    expect(Number(accepted) + Number(refused)).toBe(Number(all))
  })
})
