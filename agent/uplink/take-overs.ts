// Take-overs: two clients of one name throw each other out for ever. A warning says what to do, and the fight slows down.
import type { Status } from '../../protocol/index.ts'
import type { Clock } from '../time/clock.ts'
import type { Warnings } from './broker-warnings.ts'
import type { Ended } from './connection.ts'

export interface TakeOvers {
  ended(how: Ended, lasted: number): void
  /** The broker has this agent's own status. */
  told(): void
  /** MQTT 3.1.1 gives no reason: short connections make the router's own status worth a look. */
  readonly isSuspected: boolean
  /** Takes a status that was found at the broker. `own`: this agent's. */
  saw(payload: Uint8Array, own: Pick<Status, 'epoch' | 'bootId'>): void
  /** How long to wait before the next try; 0 without a fight. */
  readonly pause: number
}

const firstPause = 30_000
const longestPause = 300_000
const shortConnection = 30_000
const suspiciousEnds = 3
// A fight is over when a connection has lasted this long.
const peace = 600_000

export function createTakeOvers(clock: Pick<Clock, 'monotonic'>, warnings: Warnings, clientId: string): TakeOvers {
  let shortEnds = 0
  let fights = 0
  let isTold = false
  let lastFight = Number.NEGATIVE_INFINITY

  function fight(): void {
    fights++
    lastFight = clock.monotonic()
    const what = `another client with the client id ${clientId} takes the connection to the broker over`
    warnings.raise('take-over', `${what}: stop the other agent, or give it an AGENT_ROUTER_ID of its own`)
  }

  return {
    ended({ takenOver, byBroker }, lasted) {
      if (lasted >= peace) fights = 0
      shortEnds = byBroker && lasted < shortConnection ? shortEnds + 1 : 0
      if (takenOver) fight()
    },
    told() {
      isTold = true
    },
    get isSuspected() {
      return isTold && shortEnds >= suspiciousEnds
    },
    saw(payload, own) {
      const { epoch, bootId } = read(payload)
      if (bootId === undefined) return
      // A router whose disk could not be read has not told its epoch.
      const isOfOneJournal = epoch === undefined || own.epoch === undefined || epoch === own.epoch
      if (!isOfOneJournal || bootId !== own.bootId) fight()
    },
    get pause() {
      if (fights === 0 || clock.monotonic() - lastFight > peace) return 0
      return Math.min(firstPause * 2 ** (fights - 1), longestPause)
    },
  }
}

function read(payload: Uint8Array): { epoch?: unknown; bootId?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(payload).toString()))
  } catch {
    return {}
  }
}
