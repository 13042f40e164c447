// The agent as a program that dies by SIGKILL at one numbered point: put together as agent/assemble.ts does it, with disk,
// portal and uplink numbered. CRASH_AT is the number, CRASH_WHEN `before`, `torn` or `after`; every point goes to stdout.
import { randomUUID } from 'node:crypto'
import { writeSync } from 'node:fs'
import { uuidv7 } from 'uuidv7'
import { createAgent } from '../../agent/agent.ts'
import { readConfig } from '../../agent/config.ts'
import { folderDisk } from '../../agent/journal/disk.ts'
import { createFolderLock } from '../../agent/journal/folder-lock.ts'
import { createJournal } from '../../agent/journal/journal.ts'
import { createLog } from '../../agent/log.ts'
import { systemClock } from '../../agent/time/clock.ts'
import { createKernelClock, runFrom } from '../../agent/time/kernel-clock.ts'
import { createUplink } from '../../agent/uplink/uplink.ts'
import { socketNdsctl } from '../../agent/valve/ndsctl/socket.ts'
import { createValve } from '../../agent/valve/valve.ts'
import { createPoints, numberedDisk, numberedNdsctl, numberedUplink, type When } from './points.ts'

async function main(): Promise<void> {
  const read = readConfig(process.env)
  if ('problems' in read) throw new Error(read.problems.join('; '))
  const { config } = read
  const { CRASH_AT, CRASH_WHEN } = process.env
  const death = CRASH_AT === undefined ? undefined : { at: Number(CRASH_AT), when: CRASH_WHEN as When }
  const points = createPoints(death, (number, name) => writeSync(1, `${number} ${name}\n`))

  const clock = systemClock(createKernelClock(runFrom(process.env.PATH)))
  const log = createLog('silent')
  const ndsctl = socketNdsctl(config.portal.socket, config.portal.timeoutMilliseconds)
  const lock = createFolderLock(config.stateDir)
  const agent = createAgent({
    config,
    clock,
    journal: createJournal(numberedDisk(folderDisk(config.stateDir), config.stateDir, points), randomUUID),
    valve: createValve(numberedNdsctl(ndsctl, points), config.portal.kind, clock),
    uplink: numberedUplink(createUplink(config, clock, log), points),
    log,
    newId: uuidv7,
  })

  let isStopping = false
  process.on('SIGTERM', async () => {
    if (isStopping) return
    isStopping = true
    await agent.stop('SIGTERM')
    await points.at('release the folder', () => lock.release())
    process.exit(0)
  })
  await points.at('take the folder', () => lock.acquire())
  await agent.open()
}

await main()
