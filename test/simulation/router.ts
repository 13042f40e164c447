// The router: one site, one disk, one broker, and the production agent living on them, one life after the other.
import { type Agent, createAgent } from '../../agent/agent.ts'
import { type Config, readConfig } from '../../agent/config.ts'
import { createJournal } from '../../agent/journal/journal.ts'
import type { Log } from '../../agent/log.ts'
import { createValve } from '../../agent/valve/valve.ts'
import type { Broker } from './broker.ts'
import type { Dice } from './dice.ts'
import type { FaultyDisk } from './faulty-disk.ts'
import type { GuardedKernel } from './guarded-kernel.ts'
import { createLife, type KillPhase, type Life } from './life.ts'
import type { Machine } from './machine.ts'
import { ndsctlOf, neighboursOf, type PortalLine } from './portal-line.ts'
import type { Settings } from './script.ts'
import type { Site } from './site.ts'
import type { VirtualTime } from './virtual-time.ts'

export interface Router {
  readonly isUp: boolean
  /** The power is off. */
  readonly isOff: boolean
  start(): void
  killAt(call: number, phase: KillPhase, downMilliseconds: number): void
  stop(downMilliseconds: number): void
  /** The power goes, and comes back. */
  reboot(offMilliseconds: number): void
}

interface Parts {
  time: VirtualTime
  machine: Machine
  site: Site
  line: PortalLine
  disk: FaultyDisk
  broker: Broker
  settings: Settings
  dice: Dice
  /** Told before an agent starts, and when one is gone. */
  lifeBegins(): void
  lifeEnds(): void
  /** There is an agent to look now, or none. */
  troubled(): void
  violate(what: string): void
  kernel: Pick<GuardedKernel, 'guardOf' | 'booted'>
}

// None of them is pruned: the ledger reads them all.
const manyFiles = { mostBytes: 1e8, mostDays: 30 }
// The supervisor brings an agent back that could not start.
const respawnAfter = 5000

export function createRouter(parts: Parts): Router {
  const { time, machine, site, line, disk, broker, settings, dice } = parts
  const config = configOf(settings)
  let life: Life | undefined
  let agent: Agent | undefined
  let downFor = 1
  let isUp = false
  let isOff = false
  let epochs = 0
  let ids = 0

  function start(): void {
    if (life?.alive || isOff) return
    parts.lifeBegins()
    const born = createLife(time, machine, dice.roll, () => gone(born))
    life = born
    downFor = respawnAfter
    const ndsctl = ndsctlOf(born, site, line, settings, dice, () => time.now)
    agent = createAgent({
      config,
      clock: born.clock,
      journal: createJournal(disk.mountedBy(born), () => `epoch-${++epochs}`, {
        limits: settings.journalFileBytes ? { ...manyFiles, fileBytes: settings.journalFileBytes } : undefined,
        sleep: born.clock.sleep,
      }),
      valve: createValve(ndsctl, 'auto', born.clock),
      neighbours: neighboursOf(born, site, settings),
      guard: parts.kernel.guardOf?.(born),
      uplink: broker.connectionOf(born),
      log: logOf(born, settings, parts.violate),
      newId: () => `s${++ids}`,
    })
    agent.open().then(
      () => {
        if (!born.alive) return
        isUp = true
        parts.troubled()
      },
      (err) => couldNotStart(born, err),
    )
  }

  function couldNotStart(born: Life, err: unknown): void {
    if (!disk.fault && born.alive) parts.violate(`the agent does not start: ${err instanceof Error ? err.stack : err}`)
    born.die()
  }

  function gone(born: Life): void {
    if (born !== life) return
    isUp = false
    broker.drop()
    parts.lifeEnds()
    if (!isOff) time.after(downFor, start)
  }

  return {
    get isUp() {
      return isUp && life?.alive === true
    },
    get isOff() {
      return isOff
    },
    start,
    killAt(call, phase, downMilliseconds) {
      downFor = downMilliseconds
      life?.killAt(call, phase)
    },
    stop(downMilliseconds) {
      const stopped = life
      if (!isUp || !stopped?.alive) return
      isUp = false
      parts.troubled()
      downFor = downMilliseconds
      agent?.stop('SIGTERM').then(
        () => stopped.die(),
        (err) => parts.violate(`the agent does not stop: ${err}`),
      )
      // An agent that is not stopped by then is killed.
      time.after(10_000, () => stopped.die())
    },
    reboot(offMilliseconds) {
      if (isOff) return
      isOff = true
      life?.die()
      site.stop()
      time.after(offMilliseconds, () => {
        machine.boot(offMilliseconds)
        parts.kernel.booted()
        site.start()
        isOff = false
        start()
      })
    },
  }
}

function configOf(settings: Settings): Config {
  const read = readConfig({
    AGENT_ROUTER_ID: 'r1',
    AGENT_LOOK_INTERVAL_MS: String(settings.lookMilliseconds),
    AGENT_NEAR_INTERVAL_MS: String(settings.nearMilliseconds),
    AGENT_USAGE_INTERVAL_MS: String(settings.usageMilliseconds),
    AGENT_CHECKPOINT_INTERVAL_MS: String(settings.checkpointMilliseconds),
  })
  if ('problems' in read) throw new Error(read.problems.join('; '))
  return read.config
}

/** Only an error that may be the agent's own breaks a promise. */
function logOf(born: Life, settings: Settings, violate: (what: string) => void): Log {
  const quiet = () => {}
  const error = (fields: object, message?: string) => {
    const { err } = fields as { err?: Error }
    if (!born.alive || message?.startsWith('the disk refuses')) return
    // Said of damage that the epilogue has done; the ledger tells of anything before it.
    if (settings.isDamagedAtTheEnd && message?.startsWith('something is wrong with the state folder')) return
    if (message === 'a command failed' && err?.message.startsWith('the connection to the broker')) return
    violate(`the agent says: ${message} ${err?.stack ?? JSON.stringify(fields)}`)
  }
  return { debug: quiet, info: quiet, warn: quiet, error } as unknown as Log
}
