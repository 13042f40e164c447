// Proves that no `nft monitor` is left behind by an agent that was killed, where the machine can see to it, and that it runs elsewhere.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ended } from '../../../support/ended.ts'
import { bundle } from '../../../support/processes/bundle.ts'
import { until } from '../../../support/until.ts'

const hasSetpriv = /pdeathsig/.test(spawnSync('setpriv', ['--help']).stdout?.toString() ?? '')
const olderSetpriv = '#!/bin/sh\necho "setpriv: unrecognized option: pdeathsig" >&2\nexit 1\n'

let watching: string
let folder: string
let agent: ChildProcess | undefined
beforeAll(() => {
  watching = bundle('test/agent/valve/guard/monitoring-main.ts')
})
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-monitor-'))
  write('nft', `#!/bin/sh\necho $$ >${folder}/pid\necho "$*" >${folder}/args\nexec /bin/sleep 1000\n`)
})
afterEach(async () => {
  if (agent) await ended(agent, 'SIGKILL')
  if (existsSync(join(folder, 'pid')) && isRunning()) process.kill(pidOfMonitor(), 'SIGKILL')
  rmSync(folder, { recursive: true })
})

function write(name: string, script: string): void {
  writeFileSync(join(folder, name), script)
  chmodSync(join(folder, name), 0o755)
}

/** An agent's watch as a process of its own, once its child runs. */
async function watch(path = process.env.PATH): Promise<ChildProcess> {
  agent = spawn(process.execPath, [watching, join(folder, 'nft')], { env: { PATH: path }, stdio: 'ignore' })
  // The file is there a moment before its line is.
  await until(() => existsSync(join(folder, 'args')) && said() !== '' && isRunning())
  return agent
}

const said = () => readFileSync(join(folder, 'args'), 'utf8')
const pidOfMonitor = () => Number(readFileSync(join(folder, 'pid'), 'utf8'))

// A process that has ended, and that nobody has waited for, has no command line any more.
function isRunning(): boolean {
  const file = `/proc/${pidOfMonitor()}/cmdline`
  return existsSync(file) && readFileSync(file).length > 0
}

describe('nft monitor', () => {
  it.runIf(hasSetpriv)('ends with an agent that was killed, though the firewall stands still', async () => {
    await ended(await watch(), 'SIGKILL')

    await until(() => !isRunning())
    expect(said()).toBe('-j monitor\n')
  })

  it.each([{ when: 'there is no setpriv' }, { when: 'setpriv does not know of it', setpriv: olderSetpriv }])(
    'runs all the same where $when',
    async ({ setpriv }) => {
      if (setpriv) write('setpriv', setpriv)
      await watch(folder)

      expect(said()).toBe('-j monitor\n')
    },
  )
})
