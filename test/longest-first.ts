// The order of npm test: the longest files begin first, those that wait and those that compute in turn, so that both cores have work
// all the time and no long file is left to one worker at the end.
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

export const longest = [
  'test/simulation/stories.test.ts',
  'test/black-box/mosquitto.test.ts',
  'test/black-box/aedes.test.ts',
  'test/simulation/regressions.test.ts',
  'test/agent/uplink/strict-broker.test.ts',
  'test/crash/every-byte.test.ts',
  'test/black-box/exec.test.ts',
  'test/black-box/portal.test.ts',
  'test/broker-dev/faults/injector.test.ts',
  'test/agent/agent.customers.test.ts',
  'test/agent/valve/ndsctl/socket.test.ts',
  'test/broker-dev/fleet/fleet.test.ts',
  'test/simulation/seeds.test.ts',
  'test/black-box/signed.test.ts',
  'test/black-box/addresses.test.ts',
  'test/agent/journal/folder-lock.test.ts',
  'test/simulation/killed.test.ts',
  'test/black-box/start.test.ts',
]

export class LongestFirst extends BaseSequencer {
  /** The listed files in the order of the list, then the others as they would be. */
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.indexOf(relative(this.ctx.config.root, moduleId))
      return at < 0 ? longest.length : at
    }
    return (await super.sort(files)).sort((a, b) => place(a) - place(b))
  }
}
