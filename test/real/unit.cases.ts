// The agent as the package's systemd unit runs it: what it calls finds its files read-only, and one capability.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { execa } from 'execa'
import { expect, it, onTestFinished } from 'vitest'
import { until } from '../support/until.ts'
import { buy, megabytes, type Stage } from './lab-stage.ts'

const asUnit = [resolve('test/support/debian/as-unit'), resolve('deploy/debian/tollgate-fleet.service')]
// The unit's own; where the package is not installed it was made for the case.
const stateFolder = '/var/lib/tollgate-fleet'
// On a machine that forks slowly each ndsctl takes seconds; what is asked here is whether it can.
const patience = 40_000

export function unit(stage: Stage): void {
  it(
    'opens, guards and shuts a gate under the read-only paths of its unit',
    async ({ annotate }) => {
      onTestFinished(() => void execa('rmdir', ['--ignore-fail-on-non-empty', stateFolder]))
      const agent = await stage.startAgent({ AGENT_GUARD: 'nftables', AGENT_NDSCTL_TIMEOUT_MS: '20000' }, asUnit)
      const device = await stage.aDevice()
      const mounts = await readFile(`/proc/${agent.pid()}/mounts`, 'utf8')
      await buy(agent, device, { bytes: 10 * megabytes })
      const [started] = await agent.hears('session.started', 1, patience)
      const isOnline = await device.isOnline()
      await until(
        () => agent.statuses.some((status) => status.state === 'online' && status.guard.devices === 1),
        patience,
      )
      await agent.command({ command: 'session.end', mac: device.mac })
      await agent.hears('session.ended', 1, patience)

      await annotate(`open ${started?.openedAfterMilliseconds} ms after the purchase`)
      expect(mounts).toMatch(/ \/ \S+ ro,/)
      expect({ isOnline, after: await device.isOnline() }).toEqual({ isOnline: true, after: false })
    },
    4 * patience,
  )
}
