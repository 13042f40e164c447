// Puts an agent together from the real parts; the simulation hands in a clock, a portal, a disk or a log of its own.
import { randomUUID } from 'node:crypto'
import { uuidv7 } from 'uuidv7'
import { type Agent, type AgentParts, createAgent } from './agent.ts'
import type { Config } from './config.ts'
import { type Disk, folderDisk } from './journal/disk.ts'
import { createFolderLock, type FolderLock } from './journal/folder-lock.ts'
import { createJournal, journalLimits } from './journal/journal.ts'
import { createLog, type Log } from './log.ts'
import { type Clock, systemClock } from './time/clock.ts'
import { createTrust } from './trust/trust.ts'
import { createUplink } from './uplink/uplink.ts'
import { conntrackEndFlows } from './valve/conntrack.ts'
import { ageOfSocket } from './valve/daemon-age.ts'
import type { Guard } from './valve/guard/guard.ts'
import { nftGuard } from './valve/guard/nft-guard.ts'
import { execNdsctl, type Ndsctl } from './valve/ndsctl/exec.ts'
import { socketNdsctl } from './valve/ndsctl/socket.ts'
import { kernelNeighbours, type Neighbours } from './valve/neighbours.ts'
import { createValve } from './valve/valve.ts'

export type { Agent } from './agent.ts'

export interface AssembledAgent extends Agent {
  /** How many events its journal holds, once it is open. */
  readonly heldEvents: number
}

export function assembleAgent(
  config: Config,
  parts: {
    clock?: Clock
    ndsctl?: Ndsctl
    neighbours?: Neighbours
    guard?: Guard
    disk?: Disk
    /** The time that the disk takes, where that is not the clock's. */
    diskSleep?: Clock['sleep']
    lock?: FolderLock
    log?: Log
    sawEvent?: AgentParts['sawEvent']
  } = {},
): AssembledAgent {
  const { clock = systemClock(), log = createLog(config.logLevel) } = parts
  const ndsctl = parts.ndsctl ?? ndsctlFor(config, log)
  // A portal that was handed in is no firewall of this machine.
  const endFlows = parts.ndsctl ? undefined : conntrackEndFlows(log)
  const daemonAge = parts.ndsctl ? undefined : ageOfSocket(config.portal.socket, () => clock.wall())
  const neighbours = parts.neighbours ?? (parts.ndsctl ? undefined : kernelNeighbours())
  // The rules of a portal that was handed in are not in this machine's kernel.
  const guard = parts.guard ?? (parts.ndsctl ? undefined : nftGuardFor(config, clock, log))
  const { lock = createFolderLock(config.stateDir), disk = folderDisk(config.stateDir) } = parts
  const journal = createJournal(disk, randomUUID, {
    limits: journalLimits(config.journal),
    sleep: parts.diskSleep ?? clock.sleep,
  })
  const agent = createAgent({
    config,
    clock,
    journal,
    valve: createValve(ndsctl, config.portal.kind, clock, endFlows, daemonAge),
    ...(neighbours && { neighbours }),
    guard,
    uplink: createUplink(config, clock, log),
    trust: createTrust(config, clock, log),
    log,
    newId: uuidv7,
    ...(parts.sawEvent && { sawEvent: parts.sawEvent }),
  })
  return {
    get waitsForDisk() {
      return agent.waitsForDisk
    },
    get heldEvents() {
      return journal.books.lastSeq + 1 - journal.firstSeq
    },
    status: agent.status,
    async open() {
      await clock.prepare?.()
      await lock.acquire()
      await agent.open()
    },
    async stop(why) {
      await agent.stop(why)
      await lock.release()
    },
  }
}

function nftGuardFor({ guard, topicPrefix, routerId }: Config, clock: Clock, log: Log): Guard {
  return nftGuard(guard.nft, `${topicPrefix}/${routerId}`, () => clock.monotonic(), log)
}

function ndsctlFor({ portal }: Config, log: Log): Ndsctl {
  if (portal.transport === 'socket') return socketNdsctl(portal.socket, portal.timeoutMilliseconds, log)
  return execNdsctl(portal.ndsctl, portal.timeoutMilliseconds, log, portal.socket)
}
