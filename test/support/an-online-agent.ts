// The whole agent in this process, on a folder of its own, with a mock portal, a clock that runs fast, and a real connection
// to whatever broker the test names.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assembleAgent } from '../../agent/assemble.ts'
import { readConfig } from '../../agent/config.ts'
import type { Log } from '../../agent/log.ts'
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal } from '../../broker-dev/portal/world.ts'
import { scaledClock } from '../../broker-dev/scaled-clock.ts'
import { aMac, anIp } from './builders.ts'

export type OnlineAgent = Awaited<ReturnType<typeof anOnlineAgent>>

export async function anOnlineAgent(env: Record<string, string>, { speed = 1 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-online-'))
  const clock = scaledClock(speed)
  const portal = createPortal({
    flavour: 'nodogsplash',
    now: () => clock.wall(),
    random: Math.random,
    maxClients: 1000,
  })
  const ndsctl = inProcess(portal)
  const logged: { level: string; text: string }[] = []
  const log = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map((level) => [
      level,
      (fields: object, message = '') => logged.push({ level, text: `${message} ${JSON.stringify(fields)}` }),
    ]),
  ) as unknown as Log
  const read = readConfig({ AGENT_ROUTER_ID: 'r1', AGENT_STATE_DIR: folder, ...env })
  if ('problems' in read) throw new Error(read.problems.join('; '))
  const agent = assembleAgent(read.config, { clock, log, ndsctl: (args) => ndsctl([...args]) })
  await agent.open()
  return {
    portal,
    clock,
    logged,
    /** The log lines of that level at least, in words. */
    said: (level: 'warn' | 'info') =>
      logged.filter((line) => level === 'info' || line.level !== 'info').map(({ text }) => text),
    join(device: number) {
      portal.arrive(aMac(device), anIp(device))
      portal.browse(aMac(device))
    },
    async close() {
      await agent.stop('the test is over')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
