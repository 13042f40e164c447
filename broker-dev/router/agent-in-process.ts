// The real agent inside the simulation's own process, with the mock portal's `ndsctl` handed to it as a function.
import * as realFiles from 'node:fs/promises'
import pino from 'pino'
import { type Agent, assembleAgent } from '../../agent/assemble.ts'
import { type Config, readConfig } from '../../agent/config.ts'
import { type Disk, folderDisk } from '../../agent/journal/disk.ts'
import { createFolderLock } from '../../agent/journal/folder-lock.ts'
import { type Clock, longSleep } from '../../agent/time/clock.ts'
import type { Ndsctl } from '../../agent/valve/ndsctl/exec.ts'
import { PortalFault } from '../../agent/valve/portal-fault.ts'
import { inProcess } from '../portal/in-process.ts'
import type { MockPortal } from '../portal/world.ts'
import { createLife, type Life } from './life.ts'
import { filesOf, type MachineState } from './machine.ts'
import type { RunningAgent } from './running-agent.ts'

export interface AgentInProcessOptions {
  env: Record<string, string>
  portal: MockPortal
  /** The machine's clock and disk are its own. */
  clock: Clock
  machine: Readonly<MachineState>
  logFile: string
}

export function createAgentInProcess(options: AgentInProcessOptions): RunningAgent {
  const { env, portal, machine } = options
  const read = readConfig(env)
  if ('problems' in read) throw new Error(`the simulated agent's configuration is wrong: ${read.problems.join('; ')}`)
  const { config } = read
  const output = pino.destination({ dest: options.logFile, mkdir: true, sync: true })
  // The folder belongs to this process, whichever life of the agent uses it.
  const lock = createFolderLock(config.stateDir)
  let running: { agent: Agent; life: Life; disk: Disk } | undefined
  let isHeld = false

  async function open(): Promise<void> {
    const life = createLife()
    const clock = life.clockOf(options.clock)
    const disk = folderDisk(config.stateDir, filesOf(machine, realFiles))
    const agent = assembleAgent(config, {
      clock,
      ndsctl: ndsctlOf(life, portal, config, clock),
      disk: mountedBy(life, disk),
      // The disk is this machine's, however fast the agent lives: a write that takes a while hangs only in our time.
      diskSleep: life.clockOf({ ...options.clock, sleep: longSleep }).sleep,
      lock: { acquire: async () => {}, release: async () => {} },
      log: pino({ base: null }, { write: (line: string) => void (life.isOver || output.write(line)) }),
    })
    running = { agent, life, disk }
    if (!isHeld) await lock.acquire()
    isHeld = true
    await agent.open()
  }

  async function stop(why: string): Promise<void> {
    await running?.agent.stop(why)
    running = undefined
    await lock.release()
    isHeld = false
  }

  async function kill(): Promise<void> {
    const killed = running
    running = undefined
    await killed?.life.end()
    await killed?.disk.close()
  }

  return { open, stop, kill, lost: new Promise<never>(() => {}) }
}

/** As the real `ndsctl` is given up when it takes too long. */
function ndsctlOf(life: Life, portal: MockPortal, { portal: { timeoutMilliseconds } }: Config, clock: Clock): Ndsctl {
  const ndsctl = inProcess(portal)
  return async (args, extraMilliseconds = 0) => {
    const answered = new AbortController()
    const answer = life.ask(() => ndsctl([...args])).finally(() => answered.abort('answered'))
    const limit = clock.sleep(timeoutMilliseconds + extraMilliseconds, answered.signal).then(() => undefined)
    const first = await Promise.race([answer, limit])
    if (first !== undefined || answered.signal.aborted) return answer
    answer.catch(() => {})
    throw new PortalFault('portal-silent', `no answer to ndsctl ${args.join(' ')}`)
  }
}

function mountedBy(life: Life, disk: Disk): Disk {
  return {
    list: () => life.call(disk.list),
    read: (name) => life.call(() => disk.read(name)),
    append: (name, bytes) => life.call(() => disk.append(name, bytes)),
    truncate: (name, size) => life.call(() => disk.truncate(name, size)),
    replace: (name, bytes) => life.call(() => disk.replace(name, bytes)),
    remove: (name) => life.call(() => disk.remove(name)),
    room: () => life.call(async () => (await disk.room?.()) ?? Number.POSITIVE_INFINITY),
    close: () => life.call(disk.close),
  }
}
